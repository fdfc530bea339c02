"""sgdsde tests, with error bars, whether stochastic gradient descent is the SDE that theory says it is.

Names load when they are used, so that ``import sgdsde`` is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sgdsde.extras import lazily

if TYPE_CHECKING:
    from sgdsde import (
        convergence,
        data,
        dynamics,
        evidence,
        landscapes,
        models,
        plotting,
        posterior,
        schedules,
        schemes,
        statistics,
        sweeps,
        theory,
    )
    from sgdsde.brownian import BrownianPath
    from sgdsde.config import SGDConfig
    from sgdsde.diagnosis import Diagnosis, diagnose
    from sgdsde.dynamics import Hyperparameter, noise, rule
    from sgdsde.ensemble import DivergenceWarning, Ensemble, StandardError
    from sgdsde.escapes import (
        EscapeStudy,
        QuasiPotentialField,
        RareExitTime,
        escape_study,
        quasi_potential_field,
        rare_exit_time,
    )
    from sgdsde.evidence import EvidenceStudy, evidence_study
    from sgdsde.exits import CensoredWarning, Exits
    from sgdsde.explore import explore_page
    from sgdsde.integration import integrate
    from sgdsde.ladders import Ladder, NetworkLadder, ladder, network_ladder
    from sgdsde.landscapes import Landscape, modified_for, modified_landscape
    from sgdsde.models import gradient_noise
    from sgdsde.observations import Histogram, Observations
    from sgdsde.observe import Observe
    from sgdsde.schemes import scheme
    from sgdsde.simulate import CoarseStepWarning, StabilityWarning, simulate_sde, simulate_sgd
    from sgdsde.statistics import Comparison, compare
    from sgdsde.studies import BatchSizeStudy, batch_size_study
    from sgdsde.version import __version__ as __version__

#: Name → module that has it; rooms map to themselves.
_HOME = {
    "__version__": "sgdsde.version",
    "BrownianPath": "sgdsde.brownian",
    "SGDConfig": "sgdsde.config",
    "Landscape": "sgdsde.landscapes",
    "modified_for": "sgdsde.landscapes",
    "modified_landscape": "sgdsde.landscapes",
    "Ensemble": "sgdsde.ensemble",
    "StandardError": "sgdsde.ensemble",
    "DivergenceWarning": "sgdsde.ensemble",
    "Exits": "sgdsde.exits",
    "gradient_noise": "sgdsde.models",
    "Histogram": "sgdsde.observations",
    "Observations": "sgdsde.observations",
    "Observe": "sgdsde.observe",
    "CensoredWarning": "sgdsde.exits",
    "CoarseStepWarning": "sgdsde.simulate",
    "StabilityWarning": "sgdsde.simulate",
    "Diagnosis": "sgdsde.diagnosis",
    "diagnose": "sgdsde.diagnosis",
    "EscapeStudy": "sgdsde.escapes",
    "QuasiPotentialField": "sgdsde.escapes",
    "RareExitTime": "sgdsde.escapes",
    "escape_study": "sgdsde.escapes",
    "quasi_potential_field": "sgdsde.escapes",
    "rare_exit_time": "sgdsde.escapes",
    "EvidenceStudy": "sgdsde.evidence",
    "evidence_study": "sgdsde.evidence",
    "explore_page": "sgdsde.explore",
    "integrate": "sgdsde.integration",
    "Ladder": "sgdsde.ladders",
    "NetworkLadder": "sgdsde.ladders",
    "ladder": "sgdsde.ladders",
    "network_ladder": "sgdsde.ladders",
    "Hyperparameter": "sgdsde.dynamics",
    "noise": "sgdsde.dynamics",
    "rule": "sgdsde.dynamics",
    "scheme": "sgdsde.schemes",
    "simulate_sde": "sgdsde.simulate",
    "simulate_sgd": "sgdsde.simulate",
    "BatchSizeStudy": "sgdsde.studies",
    "batch_size_study": "sgdsde.studies",
    "Comparison": "sgdsde.statistics",
    "compare": "sgdsde.statistics",
    **{
        room: f"sgdsde.{room}"
        for room in (
            "convergence",
            "data",
            "dynamics",
            "evidence",
            "landscapes",
            "models",
            "plotting",
            "posterior",
            "schedules",
            "schemes",
            "statistics",
            "sweeps",
            "theory",
        )
    },
}

__all__ = [
    "BatchSizeStudy",
    "BrownianPath",
    "CensoredWarning",
    "CoarseStepWarning",
    "Comparison",
    "Diagnosis",
    "DivergenceWarning",
    "Ensemble",
    "EscapeStudy",
    "EvidenceStudy",
    "Exits",
    "Histogram",
    "Hyperparameter",
    "Ladder",
    "Landscape",
    "NetworkLadder",
    "Observations",
    "Observe",
    "QuasiPotentialField",
    "RareExitTime",
    "SGDConfig",
    "StabilityWarning",
    "StandardError",
    "batch_size_study",
    "compare",
    "convergence",
    "data",
    "diagnose",
    "dynamics",
    "escape_study",
    "evidence",
    "evidence_study",
    "explore_page",
    "gradient_noise",
    "integrate",
    "ladder",
    "landscapes",
    "models",
    "modified_for",
    "modified_landscape",
    "network_ladder",
    "noise",
    "plotting",
    "posterior",
    "quasi_potential_field",
    "rare_exit_time",
    "rule",
    "schedules",
    "scheme",
    "schemes",
    "simulate_sde",
    "simulate_sgd",
    "statistics",
    "sweeps",
    "theory",
]


__getattr__ = lazily(__name__, globals(), _HOME)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
