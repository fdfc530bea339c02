"""Losses made of a landscape's own: L + (ε/4)|∇L|², which SGD goes down to the next order, and L + (λ/2)|ω|².

SGD with reshuffled batches goes down L + (ε/4)(|∇L|² + c Tr F), if the noise of an example is the slope of something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from sgdsde.arguments import choice, positive, real
from sgdsde.config import SAMPLINGS
from sgdsde.landscapes.landscape import Landscape
from sgdsde.landscapes.noise_factor import WORDS
from sgdsde.landscapes.slopes_of_noise import check_slopes
from sgdsde.landscapes.wide import WideLandscape

if TYPE_CHECKING:
    import sympy as sp

#: What ε, λ and c are called among the parameters.
LEARNING_RATE, WEIGHT_DECAY, BATCH_NOISE = "learning_rate", "weight_decay", "batch_noise"


def modified_landscape(
    landscape: Landscape,
    learning_rate: float,
    *,
    sampling: str = "without_replacement",
    batch_noise: float | None = None,
) -> Landscape:
    """Return the landscape with the loss L + (ε/4)|∇L|² and the same noise: its SDE is SGD to weak order 2.

    For reshuffled batches the loss is L + (ε/4)(|∇L|² + c Tr F), the mean of L + (ε/4)|∇L_batch|² over batches.

    Parameters
    ----------
    landscape : Landscape
        With a loss without kinks, such as those of abs, min and max.
    learning_rate : float
        ε > 0. It becomes a parameter of this name, so that ``with_parameters(learning_rate=…)`` compiles nothing;
        through it ε may also be 0, which is the loss that was given, or negative, which turns the correction round.
    sampling : str
        ``"reshuffle"``, or another: fresh batches have no Tr F term. Not ``"shuffle_once"``, which has one order.
    batch_noise : float, optional
        c = 1/B − 1/N ≥ 0 of reshuffled batches, ``config.batch_noise``; a parameter of this name too.

    Returns
    -------
    Landscape
        Its noise ``"hessian"`` or ``"loss"`` is that of the loss that was given, cut as before.

    Raises
    ------
    ValueError
        When `learning_rate` is not a positive finite number, or is a name in the landscape already; when `sampling`
        does not exist, or `batch_noise` is negative, missing for ``"reshuffle"`` or given for another; for
        ``"reshuffle"``, when a column of A(ω) is not the gradient of a function, as it is for examples with a loss
        each; or when the new loss cannot be written, because of a kink, or because it is too long.

    Notes
    -----
    The drift is −∇L − (ε/2)(∇∇L)∇L. Li, Tai & E, J. Mach. Learn. Res. 20 (2019) 40, corollary 10 and theorem 9: at
    fixed B and up to a fixed time s, the error |E φ(ω_K) − E φ(ω(s))| is O(ε) for dω = −∇L ds + √(εcF) dW, and O(ε²)
    with the new loss in place of L. That is about finite times: stationary variances are no better for it.

    Reshuffled: Smith, Dherin, Barrett & De, arXiv 2101.12176, eq. 22: over an epoch the mean over all orders of the
    batches follows the gradient flow of this loss, up to O(ε³) in ω. It is the loss for that flow, and for Brownian
    motion; epoched Brownian motion brings −(ε/4B) ∇Tr F of its own: :func:`modified_for` has the loss for each driver.

    Examples
    --------
    >>> modified = modified_landscape(Landscape("h*x**2/2", "x", {"h": 2.0}), learning_rate=0.1)
    >>> modified.text
    'h*x**2/2 + learning_rate/4*(h*x)**2'
    >>> modified.gradient([1.0])                                                          # hx + (ε/2)h²x
    array([2.2])
    """
    choice("sampling", sampling, sorted(SAMPLINGS))
    rate = positive(LEARNING_RATE, learning_rate)
    if SAMPLINGS[sampling].repeated:
        raise ValueError(
            f"sampling must not be {sampling!r}: the modified loss is that of a mean over the orders of an epoch, of "
            "which each has a new one"
        )
    if (batch_noise is None) is (sampling == "reshuffle"):
        raise ValueError(f"batch_noise must be given for sampling 'reshuffle' and no other, got {batch_noise!r}")
    return with_batch_noise(landscape, rate, None if batch_noise is None else real(BATCH_NOISE, batch_noise, 0))


def with_batch_noise(landscape: Landscape, rate: float, c: float | None) -> Landscape:
    """L + (ε/4)(|∇L|² + c Tr F), c a parameter, or without the last term for None."""
    slopes = [_text(slope, landscape) for slope in landscape.symbolic.gradient]
    more = {}
    if c is not None:
        check_slopes(landscape)
        factor = landscape.symbolic.noise_factor
        trace = sum(factor[i, j] ** 2 for i in range(factor.rows) for j in range(factor.cols))
        more = {f"{BATCH_NOISE}*({_text(trace, landscape)})": {BATCH_NOISE: c}}
    return _with_squares(landscape, LEARNING_RATE, rate, 4, slopes, "modified", more)


@overload
def weight_decayed(landscape: Landscape, weight_decay: float) -> Landscape: ...


@overload
def weight_decayed(landscape: Landscape | WideLandscape, weight_decay: float) -> Landscape | WideLandscape: ...


def weight_decayed(landscape: Landscape | WideLandscape, weight_decay: float) -> Landscape | WideLandscape:
    """Return the landscape with the loss L + (λ/2)|ω|² and the same noise: every batch's gradient gains λω.

    Parameters
    ----------
    landscape : Landscape
        L, and the noise.
    weight_decay : float
        λ ≥ 0, a parameter of this name; the landscape itself is returned for 0.

    Raises
    ------
    ValueError
        When `weight_decay` is negative or not finite, or is a name in the landscape already.

    Examples
    --------
    >>> weight_decayed(Landscape("h*x**2/2", "x", {"h": 2.0}), 0.5).gradient([1.0])
    array([2.5])
    """
    if weight_decay == 0:
        return landscape
    if isinstance(landscape, WideLandscape):
        return landscape.weight_decayed(weight_decay)
    return _with_squares(landscape, WEIGHT_DECAY, weight_decay, 2, landscape.variables, "with weight decay")


def _with_squares(
    landscape: Landscape,
    name: str,
    value: float,
    divisor: int,
    terms: Sequence[str],
    title: str,
    more: Mapping[str, Mapping[str, float]] | None = None,
) -> Landscape:
    """L + (value/divisor)(Σ terms² + Σ more), where `value` is a parameter of that name, and `more` has its own."""
    own = {key: number for numbers in (more or {}).values() for key, number in numbers.items()}
    for each in (name, *own):
        if each in (*landscape.variables, *landscape.parameters):
            raise ValueError(f"{each} is already the name of a variable or a parameter of {landscape!r}")
    parts = [*(f"({term})**2" for term in terms), *(more or {})]
    squares = " + ".join(parts)
    try:
        unset = Landscape(
            f"{landscape.text} + {name}/{divisor}*{f'({squares})' if len(parts) > 1 else squares}",
            landscape.variables, {**landscape.parameters, **own, name: 1.0}, name=f"{landscape.name}, {title}",
            **_noise(landscape),
        )  # fmt: skip
    except ValueError as error:
        raise ValueError(f"landscape: the loss of {landscape.name}, {title}, cannot be written: {error}") from None
    return unset.with_parameters(**{name: value})


def _noise(landscape: Landscape) -> dict[str, Any]:
    """Keywords of the same F, whatever the loss becomes."""
    if landscape.noise.kind not in WORDS:
        return landscape.noise.arguments()
    of = landscape.symbolic
    matrix = of.hessian if landscape.noise.kind == "hessian" else 2 * of.loss * of.hessian
    rows = [[_text(entry, landscape) for entry in matrix.row(i)] for i in range(matrix.rows)]
    return {"noise_covariance": rows, "cut": True}


def _text(value: sp.Expr, landscape: Landscape) -> str:
    """An expression of the landscape's symbols in the language of `sgdsde.expression` and the user's names."""
    import sympy as sp
    from sympy.printing.str import StrPrinter

    from sgdsde.arithmetic import multiplied
    from sgdsde.exponentials import written

    class Printer(StrPrinter):  # type: ignore[misc]
        """SymPy's own text, but for digits that it leaves out and names that are others here."""

        def _print_Float(self, expr: sp.Float) -> str:
            return repr(float(expr))

        def _print_Exp1(self, expr: sp.Expr) -> str:
            return "e"

        def _print_Function(self, expr: sp.Function) -> str:
            name = {"Abs": "abs", "Max": "max", "Min": "min"}.get(expr.func.__name__, expr.func.__name__)
            return f"{name}({', '.join(map(self._print, expr.args))})"

        _print_Abs = _print_Max = _print_Min = _print_Function

    if value.has(sp.sign, sp.Heaviside):
        raise ValueError(f"landscape: the loss of {landscape.name}, modified, cannot be written: L has kinks")
    state = [f"w{i}" for i in range(landscape.dimension)]
    known = dict(zip(state, landscape.variables, strict=True))
    known |= {f"p{i}": key for i, key in enumerate(sorted(landscape.parameters))}
    renamed = {symbol: sp.Symbol(known[symbol.name], real=True) for symbol in value.free_symbols}
    return str(Printer().doprint(written(multiplied(value.xreplace(renamed)))))
