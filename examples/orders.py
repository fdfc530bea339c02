"""How fast do schemes converge on my landscape? Strong errors against the step size, on shared Brownian paths."""

import sgdsde as sg
from sgdsde.convergence import Problem, strong_order
from sgdsde.plotting import convergence_chart

SCHEMES = ("euler_maruyama", "heun", "milstein_levy", "sri2")

landscape = sg.Landscape(
    "x**2/2 + x*y/2 + y**2",
    variables="x y",
    covariance=[["1 + x**2", "x*y/2"], ["x*y/2", "1 + y**2"]],  # F(ω) full: the columns of its factor do not commute
)
problem = Problem("mine", landscape, w0=[1.0, -0.5], temperature=0.3, time=1.0)

orders = {scheme: strong_order(problem, scheme, steps=(8, 16, 32, 64), paths=1000) for scheme in SCHEMES}
for scheme, order in orders.items():
    print(f"{scheme:15} {order}")

convergence_chart(orders, error="strong error E|ω_Δ(T) − ω(T)|").savefig("orders.png", dpi=150)
print("wrote orders.png")
