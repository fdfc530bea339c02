"""How rare escapes are as ε → 0 at B = 1: the law of the examples decides, of which the SDE knows F alone.

Times grow as e^{S/ε}, S from the cumulant generating function of the examples; the SDE's exponent is of normal ones.

    python examples/large_deviations.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory, png

WELL = sg.Landscape("x**4/4 - x**2/2", "x", noise_covariance="0.309*(1 + x**2/2)")
SIGNS = np.tile([-1.0, 1.0], 32)[:, None]  # each of 64 examples pushes by +A or −A
TABLES = {"signs": SIGNS, "64 from t, 3 degrees": np.random.default_rng(2).standard_t(3, (64, 1))}


def main(picture: Path) -> None:
    sde, shown = sg.theory.minimum_action_path(WELL, -1.0, 0.0).action, []
    for name, table in TABLES.items():
        action = sg.theory.minimum_action_path(WELL, -1.0, 0.0, examples=table).action
        inverse = np.array([7.0, 10.0, 13.0]) / action  # 1/ε
        configs = [sg.SGDConfig(1 / each, 1, 64, sampling="with_replacement") for each in inverse]
        found = [sg.rare_exit_time(WELL, c, -1.0, "x > 0", dynamics="sgd", examples=table) for c in configs]
        times = np.array([each.mean for each in found]) / inverse  # in the SDE's time
        errors = np.array([each.standard_error / each.mean for each in found])
        slope, error = (np.log(times[2] / times[0]), np.hypot(*errors[::2])) / (inverse[2] - inverse[0])
        print(f"{name}: exponent {slope:.3f} ± {error:.3f}; S = {action:.3f}, of the SDE {sde:.3f}")
        line = times[1] * np.exp(action * (inverse - inverse[1]))
        shown.append(Series(name, inverse, times, times * errors, line, inverse, line))
    lines = [Line("slope of the SDE", inverse, times[0] * np.exp(sde * (inverse - inverse[0])))]
    picture.write_bytes(png(against_theory(shown, "1/ε", "exit time, in the SDE's time", lines, "linear"), dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("large_deviations.png"))
