"""From one well into the other: who will get there, by which way, and what the way costs; noise depends on the place.

The committor is the probability to come to B before A; the quasi-potential is the least action from the left well.

    python examples/committor.py [picture.png]
"""

import sys
from pathlib import Path

import sgdsde as sg
from sgdsde.plotting import committor_chart, png, quasi_potential_chart

T, BOX, A, B = 0.2, ((-2.2, 2.2), (-2.2, 2.2)), "(x + 1)**2 + y**2 < 0.09", "(x - 1)**2 + y**2 < 0.09"


def main(picture: Path) -> None:
    noise = [["0.6 + 1.6*y**2", "0.25*y"], ["0.25*y", "0.5 + x**2/2"]]  # strong across the loss's lower pass
    wells = sg.Landscape("(x**2 - 1)**2/4 + y**2/2 - x*y/5", "x y", noise_covariance=noise)
    left, right = (sg.landscapes.find_minimum(wells, (x, 0.0)) for x in (-1.0, 1.0))
    saddle = sg.landscapes.find_saddle(wells, between=(left, right))
    found = sg.theory.FokkerPlanck(wells, T, BOX, 120).reactive_transition(A, B)
    for start in ((0.0, 0.0), (-0.4, 0.5), (0.3, -0.6)):
        run = sg.integrate(wells, start, 40.0, 16_000, 2000, temperature=T, stop={"A": A, "B": B})
        assert run.exits is not None
        q, seen = found.equation.interpolate(found.forward_committor, start), run.exits.probabilities()
        print(f"from {start}: q = {q:.3f}, paths {seen.probability[1]:.3f} ± {seen.standard_error[1]:.3f}")
    picture.write_bytes(png(committor_chart(found), dpi=110))
    field = sg.quasi_potential_field(wells, left, BOX, 200)
    path = sg.theory.minimum_action_path(wells, left, saddle)
    print(f"V at the saddle: {field.interpolate(saddle):.4f} of the field, {path.action:.4f} along the path")
    chart = quasi_potential_chart(field, {"least action to the saddle": path})
    picture.with_stem(f"{picture.stem}_quasi_potential").write_bytes(png(chart, dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("committor.png"))
