"""What moves ω, the same for landscapes and networks: a rule, with a noise, in steps of a clock."""

from sgdsde.dynamics.pairs import Dynamics, find, tends_to_the_sde
from sgdsde.dynamics.registry import Hyperparameter, Noise, Rule, all_noises, all_rules, noise, rule

__all__ = [
    "Dynamics",
    "Hyperparameter",
    "Noise",
    "Rule",
    "all_noises",
    "all_rules",
    "find",
    "noise",
    "rule",
    "tends_to_the_sde",
]
