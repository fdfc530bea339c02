"""What `sgdsde compare` has found: tables against theory and of one against another, and the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console

from sgdsde.cli.width import say, table_width
from sgdsde.config import SGDConfig

if TYPE_CHECKING:
    from sgdsde.cli.linearised import Linearised
    from sgdsde.ensemble import Ensemble
    from sgdsde.landscapes import Landscape
    from sgdsde.statistics import Comparison

_NAMES = {"sde": "SDE", "momentum_sde": "momentum SDE", "rmsprop_sde": "RMSprop SDE", "adam_sde": "Adam SDE"}


def named(name: str) -> str:
    """What a dynamics is called in tables: SGD, nesterov, Adam SDE."""
    return _NAMES.get(name, name.upper() if len(name) < 4 else name)


def dynamics(config: SGDConfig, rule: str = "sgd") -> list[str]:
    """What is run: the SDEs of a rule, and the rule; the SDE that keeps a velocity only with momentum.

    Raises
    ------
    ValueError
        When there is no such rule, or no SDE of it is known.
    """
    from sgdsde.dynamics import find

    sdes = find(rule, config).rule.sdes
    if not sdes:
        raise ValueError(f"dynamics must have an SDE to be compared with, and none is known for {rule!r}")
    return [*(name for name in sdes if config.momentum or name != "momentum_sde"), rule]


def _laws(near: Linearised) -> dict[str, Any]:
    """Stationary covariance by dynamics, None where there is none."""
    return {name: near.laws[name] for name in dynamics(near.config)}


def tables_of(runs: dict[str, Ensemble], near: Linearised | None, burn_in: int) -> list[Comparison]:
    """Each against its law, if there is one; and last, all against each other."""
    from sgdsde.statistics import compare as against

    found = [
        against(runs[key], predicted=law, predicted_mean=near.at, names=[named(key)], stationary=False)
        for key, law in (_laws(near) if near else {}).items()
        if near and law is not None
    ]
    *others, rule = runs
    pairs = [against(runs[key], runs[rule], names=[named(key), named(rule)]) for key in others]
    found.append(sum(pairs[1:], pairs[0]))
    return [each.unjudged() for each in found] if near and burn_in < near.burn_in else found


def print_tables(
    out: Console,
    tables: list[Comparison],
    landscape: Landscape,
    near: Linearised | None,
    burn_in: int,
    rule: str = "sgd",
    why: str = "",
) -> None:
    """The tables, each under what it is, and notes."""
    width, laws = table_width(out), _laws(near) if near else {}
    if near and burn_in < near.burn_in:
        say(
            out,
            f"Note: the run is too short: averages begin at update {burn_in}, and the start is forgotten after "
            f"{near.burn_in} (ten relaxation times); what follows is of the way there, so that there is no z. Take "
            f"--updates {2 * near.burn_in}",
        )
    if near and len(tables) > 1:
        at = ", ".join(f"{value:.6g}" for value in near.at)
        say(out, f"\nEach against its own stationary law, linearised at ω* = ({at})")
        out.print(sum(tables[1:-1], tables[0]).text(width), soft_wrap=True)
        if frozen := _frozen(landscape):
            say(
                out,
                f"Note: these laws take {frozen} to be what it is at ω*; where paths go so far that it "
                "varies, they are approximations, and z shows it",
            )
    elif not near:
        say(out, f"\nNo prediction: {why}")
    for key, law in laws.items():
        if law is None:
            say(out, f"No prediction for the {named(key)}: linearised at the minimum it has no stationary law")
    equations = " and the ".join(dict.fromkeys(row.source.partition(" / ")[2] for row in tables[-1].rows))
    say(out, f"\n{named(rule)}, as run, against the {equations}, as run")
    out.print(tables[-1].text(width), soft_wrap=True)


def _frozen(landscape: Landscape) -> str:
    """What varies with ω, and is constant in a law that is linearised: the curvature, F, both or nothing."""
    symbolic = landscape.symbolic
    state = set(symbolic.state)
    parts = ["the curvature"] if symbolic.hessian.free_symbols & state else []
    parts += ["F(ω)"] if symbolic.noise_factor.free_symbols & state else []
    return " and ".join(parts)


def picture(runs: dict[str, Ensemble], short: dict[str, Ensemble], near: Linearised | None) -> bytes:
    """A path of each, and the distributions with the laws, as PNG."""
    from sgdsde.plotting import Shown, png, side_by_side

    mean, laws = (near.at, _laws(near)) if near else (None, dict.fromkeys(runs))
    return png(side_by_side([Shown(named(key), runs[key], mean, laws[key], short[key]) for key in runs]))
