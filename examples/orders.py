"""How fast do schemes converge on my landscape? Strong errors against the step size, on shared Brownian paths.

The noise is full and its columns do not commute: without Lévy areas every scheme falls back to order ½.

    python examples/orders.py [picture.png]
"""

import sys
from pathlib import Path

import sgdsde as sg
from sgdsde.convergence import Problem, strong_order
from sgdsde.plotting import convergence_chart, png

SCHEMES = ("euler_maruyama", "heun", "milstein_levy", "sri2")


def main(picture: Path) -> None:
    landscape = sg.Landscape(
        "x**2/2 + x*y/2 + y**2", variables="x y", noise_factor=[["0.6*x", "0.5*y"], ["0.2*y - 0.3", "0.5*x + 0.2"]]
    )
    problem = Problem("mine", landscape, w0=[1.0, -0.5], temperature=1.0, time=1.0)
    orders = {scheme: strong_order(problem, scheme, steps=(16, 32, 64, 128), paths=1000) for scheme in SCHEMES}
    for scheme, order in orders.items():
        print(f"{scheme:15} {order}")
    picture.write_bytes(png(convergence_chart(orders, error="strong error E|ω_Δ(T) − ω(T)|")))
    print(f"wrote {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "orders.png"))
