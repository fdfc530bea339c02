"""Writes docs/dynamics.md: what every rule and every noise declares, and how to add one.

python -m validation.dynamics_table
"""

from __future__ import annotations

from pathlib import Path

from sgdsde.dynamics import Noise, Rule, all_noises, all_rules
from sgdsde.dynamics.limits import LIMITS

PAGE = Path(__file__).parent.parent / "docs" / "dynamics.md"

_HEAD = """# Dynamics

Made by `python -m validation.dynamics_table` from the declarations in `sgdsde/dynamics/`; do not edit. What moves ω is
a rule, with a noise, in steps of a clock, and the same names are taken by `sg.simulate_sgd(…, dynamics="adam",
noise="normal")`, `sg.models.train`, `sg.escape_study`, sweeps and `sgdsde compare --dynamics adam`. Rules are those of
`torch.optim`, held to it to 1e-10 in `tests/dynamics/test_torch_optim.py`.

Hyperparameters are given by name, `SGDConfig(…, hyperparameters={"beta2": 0.99})`; momentum, dampening and weight decay
are fields of the config, and refused where a rule has none.

## Rules
"""
_EXTENDING = """
## Adding a rule

A rule is a function of one component of ω: what it is afterwards, and the state beside it. It is written once and runs
on landscapes on every engine, on networks, in studies, sweeps and commands. In the library it is a function in
`sgdsde/dynamics/rules.py`, which is then compared with `torch.optim` in the tests; of your own it may be anywhere:

```python
import sgdsde as sg


@sg.rule(
    source="Chen et al., arXiv 2302.06675, algorithm 2",
    state=("exp_avg",),
    takes=("weight_decay",),
    scaling="square_root",
    hyperparameters={"beta1": sg.Hyperparameter(0.9, 0, 1), "beta2": sg.Hyperparameter(0.99, 0, 1)},
)
def my_lion(update):
    \"\"\"ω ← ω − ε (sign(β₁m + (1 − β₁)ĝ) + λω), m ← β₂m + (1 − β₂)ĝ.\"\"\"
    mixed = update.beta1 * update.exp_avg + (1 - update.beta1) * update.gradient
    kept = update.beta2 * update.exp_avg + (1 - update.beta2) * update.gradient
    return update.w - update.learning_rate * (update.sign(mixed) + update.weight_decay * update.w), kept


well = sg.Landscape("x**4/4 - x**2/2", "x")
config = sg.SGDConfig(0.01, batch_size=4, n_examples=64, weight_decay=0.1)
print(sg.simulate_sgd(well, config, 1.0, updates=1000, paths=1000, dynamics="my_lion"))
```

`update.let(x)` names what is used more than once; `update.bias_correction("beta1")` is 1 − β₁ᵏ at update k. Options
that a run leaves at zero are the number 0, so that no code is made of them. Rules that are sums and multiples of
vectors run on landscapes of arrays too.

## Adding a noise

A noise is a function of the tape and ω: ĝ, with `tape.gradient(w)`, `tape.factor(w)` (A, F = A Aᵀ), `tape.batch_mean`,
`tape.z`, `tape.batch_noise` (c). `on_examples` says which examples, with which coefficients, make it on a network, and
`relabel` what is added to their labels; see `sgdsde/dynamics/noises.py`:

```python
import sympy


@sg.noise(source="half of a batch's noise")
def halved(tape, w):
    \"\"\"∇L + ½ √c A z.\"\"\"
    return tape.gradient(w) + tape.factor(w) * (sympy.sqrt(tape.batch_noise) * tape.z / 2)


print(sg.simulate_sgd(well, config, 1.0, updates=1000, paths=1000, dynamics="my_lion", noise="halved"))
```

## Adding a scheme

A scheme integrates an SDE; [schemes.md](schemes.md) lists what there is. It sees the drift −∇L, the diffusion √T A and
the draws of a step:

```python
@sg.scheme(interpretation="ito", noise="any", strong=0.5, weak=1.0, source="Maruyama 1955")
def my_euler_maruyama(step):
    \"\"\"ω ← ω − ∇L Δ + √T A ΔW.\"\"\"
    return step.w + step.drift(step.w) * step.dt + step.diffusion(step.w) * step.dW


plain = sg.SGDConfig(0.01, batch_size=4, n_examples=64)
print(sg.simulate_sde(well, plain, 1.0, updates=1000, paths=1000, scheme="my_euler_maruyama"))
```
"""


def page() -> str:
    """Text of docs/dynamics.md."""
    parts = [_HEAD, "| rule | an update | takes | hyperparameters | state | scaling | SDE | source |", "|" + "---|" * 8]
    parts += [_rule(each) for each in all_rules().values()]
    parts += ["\n*Scaling*: how ε goes with B so that the noise stays the same, by κ or by √κ as B goes to κB.\n"]
    parts += ["## Noises\n", "| noise | ĝ | on | l steps an update | source |", "|" + "---|" * 5]
    parts += [_noise(each) for each in all_noises().values()]
    parts += ['\n`"noisy_gd"` is SGD with `"normal"`, `"svag"` SGD with `"svag"`.\n']
    parts += ["## SDEs\n", "| `simulate_sde(dynamics=…)` | of the rule | integrated by | networks |", "|" + "---|" * 4]
    parts += [
        f"| `{name}` | `{limit.rule}` | `{limit.scheme}` | {'yes' if limit.steps else 'no'} |"
        for name, limit in LIMITS.items()
    ]
    return "\n".join(parts) + "\n" + _EXTENDING


def _rule(rule: Rule) -> str:
    numbers = ", ".join(f"{name} = {each.default:g}" for name, each in rule.hyperparameters.items())
    cells = [f"`{rule.name}`", rule.summary, ", ".join(rule.takes), numbers, ", ".join(rule.state), rule.scaling]
    return _row([*cells, ", ".join(f"`{name}`" for name in rule.sdes), rule.source])


def _noise(noise: Noise) -> str:
    where = [*(["landscapes"] if noise.on_landscape else []), "networks"]
    name = f"{noise.name}:number" if noise.strength else noise.name
    return _row([f"`{name}`", noise.summary, ", ".join(where), "yes" if noise.divides else "no", noise.source])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') or '–' for cell in cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
