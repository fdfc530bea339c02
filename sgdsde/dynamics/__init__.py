"""What moves ω, the same for landscapes and networks: a rule, with a noise, in steps of a clock."""

from sgdsde.dynamics.registry import Dynamics, Hyperparameter, Noise, Rule, find, noise, noises, rule, rules

__all__ = ["Dynamics", "Hyperparameter", "Noise", "Rule", "find", "noise", "noises", "rule", "rules"]
