"""Dinh et al. and Smith & Le §2: what a change of parameters does to sharpness, it does not do to the evidence."""

from __future__ import annotations

from dataclasses import dataclass

from validation.claim import Check, Finding, Plan, claim
from validation.context import Context
from validation.coordinates.checks import (
    CURVED,
    EXACT,
    MAPS,
    MEASURES,
    integral_checks,
    many_weights_checks,
    orbit_checks,
    rescaling_checks,
)
from validation.coordinates.laplace_shift import LAMBDA, TRUTH, measured_shifts, power
from validation.coordinates.pictures import evidence_picture, sharpness_picture, shift_picture
from validation.coordinates.rescaled_network import NETWORK_LAMBDA, orbit, random_network
from validation.formatting import plain
from validation.sizes import plans


@dataclass(frozen=True)
class Size:
    """N of the integrals; N and data sets of Laplace's shift; α and n of the network; weights of the large instance."""

    exact: tuple[int, ...]
    counts: tuple[int, ...]
    repeats: int
    alphas: tuple[float, ...]
    examples: int
    weights: int

    def plan(self, seconds: float) -> Plan:
        tests = len(MAPS) * len(self.exact) + 2 + len(MEASURES) + 2 + (len(MEASURES) + 3) * len(self.alphas) + 2
        return Plan(tests, seconds, self)


@claim(
    title="A change of parameters changes the sharpness as it likes and leaves the evidence alone",
    statement=(
        "Written in other parameters, the same functions have minima that are sharper or flatter by orders of "
        "magnitude. The evidence is the same to rounding, however nonlinear the map, provided that the prior density "
        "is carried along with its Jacobian. Laplace's approximation of it is the same under linear maps; under "
        "others it shifts by a term of order 1/N, which third derivatives predict to order 1/N². Rescaling the layers "
        "of a ReLU network is a symmetry of its likelihood that its regulariser breaks: C has one point of the orbit "
        "for its minimum, and what is read off the Hessian elsewhere on the orbit is not the evidence."
    ),
    formula=(
        "H_θ = JᵀHJ,   p(θ) = p(ω)|det J|,   ∫ p(y|ω) p(ω) dω = ∫ p(y|φ(θ)) p(φ(θ)) |det J| dθ\n"
        "Laplace in θ − in ω = ½ ∇u·δ + ½ Tr K⁻¹(∇∇u − ∂_δ K) + O(1/N²),   u = ln|det J|,   K = H_θ,   δ = K⁻¹∇u"
    ),
    source="Dinh, Pascanu, Bengio & Bengio, arXiv 1703.04933, §4–5; Smith & Le, arXiv 1710.06451, §2",
    plans=plans("reparametrisation", Size),
)
def reparametrisation(context: Context) -> Finding:
    size: Size = context.size
    invariant, gaps = integral_checks(context, size.exact)
    rescaling = rescaling_checks(context, size.exact[0])
    context.progress(0.3)
    seeds = [context.seed("shift", repeat) for repeat in range(size.repeats)]
    shifts = measured_shifts(CURVED, size.counts, seeds)
    slopes = tuple(
        Check(
            f"power of N in {what}",
            exact,
            float(found.value),
            float(found.standard_error),
            {"one power higher": exact + 1},
        )
        for what, exact, found in (
            ("Laplace's shift, ω = sinh θ", -1.0, power(shifts.counts, shifts.shift)),
            ("what its first-order term leaves", -2.0, power(shifts.counts, shifts.rest)),
        )
    )
    context.progress(0.85)
    network = random_network(size.examples, context.seed("network"))
    walked = orbit(network, size.alphas)
    along = tuple(check for place in walked[1:] for check in orbit_checks(walked[0], place))
    many = many_weights_checks(context, size.weights)
    largest = max(place.sharpness[0] / walked[0].sharpness[0] for place in walked)
    last = walked[-1]
    return Finding(
        (*invariant, *rescaling, *slopes, *along, *many),
        headline=slopes[0].label,
        pictures=(
            sharpness_picture(network, walked),
            evidence_picture(network, walked),
            shift_picture(shifts),
        ),
        method=(
            f"Logistic regression of two weights drawn as {TRUTH.tolist()}, prior N(0, I/λ), λ = {LAMBDA:g}: integrals "
            "over the plane by the trapezoidal rule about the mode in each set of coordinates, so that nodes differ; "
            f"steps are halved until ln ∫ changes by 1e-11 of itself or less, and {EXACT:g} is allowed. Laplace's "
            f"approximation in θ is made at the mode of the density of θ. Its shift is a mean over {size.repeats} data "
            f"sets for each N from {size.counts[0]} on, and powers are slopes of ln|mean| against ln N beside a term "
            "in 1/N; at smaller N the terms after that show. Network: "
            f"v relu(u·x) with two inputs, of which each of the {2 * size.examples} examples has one, "
            f"λ = {NETWORK_LAMBDA:g}; (u, v) → (αu, v/α), of determinant α. Its integral is known where a unit is "
            "dead, and a sum over a grid of ln|weights| elsewhere, the same for every α. Sharpness there is that of "
            "the cross-entropy, from the network's own derivatives at the rescaled weights. "
            f"{size.weights} weights: Smith & Le's toy task and a random matrix of condition 10⁴, with the mode "
            "searched for anew from 0."
        ),
        notes=(
            f"Along the network's orbit the largest eigenvalue is up to {largest:,.0f} times that at the minimum "
            "of C, and grows without bound both ways.",
            "The rescaling is a symmetry: an isotropic prior on the rescaled weights has the same evidence too, "
            "without being carried along, since only products of u and v are seen. What does depend on α under that "
            f"prior is C, which has its minimum where |u|² = v²: at α = {last.alpha:g} it is "
            f"{plain(last.cost - walked[0].cost)} nats higher, and Smith & Le's −C − ½ Σ ln(λᵢ/λ), read there with "
            f"λᵢ ≥ λ, is {plain(last.reading)} where the evidence is {plain(last.exact)}. Without such a symmetry, as "
            "in logistic regression, a prior that is not carried along is another model.",
            f"Laplace's own error in ω, for one data set of each N: {_listed(gaps)} nats. Which coordinates are better "
            "depends on the data and on the map.",
        ),
    )


def _listed(gaps: dict[int, float]) -> str:
    return ", ".join(f"{gap:+.2g} (N = {n})".replace("-", "−") for n, gap in gaps.items())
