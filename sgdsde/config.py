"""SGDConfig: what SGD is run with, and what the stochastic differential equation makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NoReturn

from sgdsde.arguments import LARGEST, boolean, choice, integer, moderate, positive, real
from sgdsde.clock import overdamped
from sgdsde.tables import Table, in_notebook

_MOST = 2**63 - 1  # examples, and of a batch


@dataclass(frozen=True)
class Sampling:
    """How batches are drawn.

    Attributes
    ----------
    batch_noise : callable
        (N, B) → c in ``Cov(mean gradient of one batch) = c F``, F with divisor N − 1 (docs/theory.md, §2).
    permuted : bool
        Whether the batches of an epoch are cut from one permutation of all N; otherwise each is independent.
    repeated : bool
        Whether every epoch has the permutation of the first.
    """

    batch_noise: Callable[[int, int], float]
    permuted: bool = False
    repeated: bool = False


def _of_n(n: int, b: int) -> float:
    return 1 / b - 1 / n


#: By name.
SAMPLINGS: dict[str, Sampling] = {
    "with_replacement": Sampling(lambda n, b: (n - 1) / (n * b)),
    "without_replacement": Sampling(_of_n),
    "reshuffle": Sampling(_of_n, permuted=True),
    "shuffle_once": Sampling(_of_n, permuted=True, repeated=True),
}


@dataclass(frozen=True)
class SGDConfig:
    """The four numbers (ε, B, N, m) and the sampling that define an SGD run.

    Parameters
    ----------
    learning_rate : float
        ε > 0, multiplies the mean gradient of a batch.
    batch_size : int
        B, examples per batch; at most N unless sampled with replacement.
    n_examples : int
        N ≥ 2, examples in the training set.
    momentum : float
        m in [0, 1), heavy ball: v ← m v − ε ĝ, ω ← ω + v.
    sampling : str
        ``"without_replacement"`` (each batch drawn afresh, no repeats inside it), ``"with_replacement"``,
        ``"reshuffle"`` (a new permutation in every epoch) or ``"shuffle_once"`` (one permutation: the same batches in
        the same order in every epoch).
    dampening : float
        d in [0, 1): with momentum v ← m v − (1 − d) ε ĝ at every update but the first, and nothing without, as
        ``torch.optim.SGD(dampening=d)``. Beside the first update it divides ε, and nothing else.
    weight_decay : float
        λ ≥ 0, added to every gradient as λω: the loss is L + (λ/2)|ω|². ``dynamics="adamw"`` decouples it.
    hyperparameters : mapping of str to float
        Those of other rules than SGD, by name, such as ``{"beta2": 0.99}`` for ``dynamics="adam"``; what is left out
        has the rule's default.
    drop_last : bool
        With a permutation and N no multiple of B: whether an epoch's last batch, of N mod B examples, is left out; it
        is kept otherwise, and its mean gradient has ε as all have. As ``torch.utils.data.DataLoader(drop_last=…)``.

    Raises
    ------
    ValueError
        When an argument is outside the ranges above; the message names it.

    Notes
    -----
    Smith & Le, "A Bayesian Perspective on Generalization and Stochastic Gradient Descent", arXiv 1710.06451;
    with momentum its appendix D.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=4, n_examples=64)
    >>> config.noise_scale                                   # g = ε(N/B − 1)
    1.5
    >>> config.temperature                                   # T = g/N
    0.0234375
    """

    learning_rate: float
    batch_size: int
    n_examples: int
    momentum: float = 0.0
    sampling: str = "without_replacement"
    dampening: float = 0.0
    weight_decay: float = 0.0
    hyperparameters: Mapping[str, float] = field(default_factory=dict)
    drop_last: bool = False

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "learning_rate", positive("learning_rate", self.learning_rate))
        set_field(self, "momentum", real("momentum", self.momentum, 0, below=1))
        set_field(self, "dampening", real("dampening", self.dampening, 0, below=1))
        set_field(self, "weight_decay", real("weight_decay", self.weight_decay, 0, LARGEST))
        set_field(self, "hyperparameters", _Numbers.of(self.hyperparameters))
        set_field(self, "batch_size", integer("batch_size", self.batch_size, 1, _MOST))
        set_field(self, "n_examples", integer("n_examples", self.n_examples, 2, _MOST))
        moderate("learning_rate", self.learning_rate)
        choice("sampling", self.sampling, sorted(SAMPLINGS))
        if self.sampling != "with_replacement" and self.batch_size > self.n_examples:
            raise ValueError(
                f"batch_size must be at most n_examples = {self.n_examples} when sampling is {self.sampling!r}, "
                f"got {self.batch_size}"
            )
        set_field(self, "drop_last", boolean("drop_last", self.drop_last, numbers=True))
        if self.drop_last and not self.permuted:
            raise ValueError(
                f"drop_last must be False when sampling is {self.sampling!r}, which has no epochs that could end in a "
                "smaller batch"
            )

    @property
    def permuted(self) -> bool:
        """Whether the batches of an epoch are cut from one permutation; see `SAMPLINGS`."""
        return SAMPLINGS[self.sampling].permuted

    @property
    def repeated(self) -> bool:
        """Whether every epoch has the batches of the first; see `SAMPLINGS`."""
        return SAMPLINGS[self.sampling].repeated

    @property
    def remainder(self) -> int:
        """Examples of a permutation that fill no batch, N mod B; 0 for samplings without epochs."""
        return self.n_examples % self.batch_size if self.permuted else 0

    @property
    def sizes(self) -> tuple[int, ...]:
        """B of an update and those after it, then the first again: one B, or of an epoch whose last batch is smaller.

        >>> SGDConfig(0.1, batch_size=4, n_examples=10, sampling="reshuffle").sizes
        (4, 4, 2)
        """
        if not self.remainder or self.drop_last:
            return (self.batch_size,)
        return (*(self.batch_size,) * (self.n_examples // self.batch_size), self.remainder)

    @property
    def batch_noise(self) -> float:
        """c: the covariance of a batch's mean gradient is c F (F per example, unbiased).

        That of a full batch, and so are the noise scale and the temperature, also where an epoch ends in a smaller one.
        """
        return SAMPLINGS[self.sampling].batch_noise(self.n_examples, self.batch_size)

    @property
    def kick(self) -> float:
        """(1 − d) ε, by which a batch's mean gradient changes the velocity; ε without momentum."""
        return self.learning_rate * (1 - self.dampening if self.momentum else 1.0)

    @property
    def noise_scale(self) -> float:
        """Noise scale g = ε N c / (1 − m): ε(N/B − 1)/(1 − m) without replacement (Smith & Le)."""
        return self.n_examples * self.temperature

    @property
    def temperature(self) -> float:
        """T = g/N, the noise scale of dω = −∇L ds + √(T F) dW in the clock s = N t."""
        return float(overdamped(self.kick, self.batch_noise, self.momentum).temperature)

    @property
    def time_per_update(self) -> float:
        """Time t = ε/(N(1 − m)), by which one update advances dω = −∇C dt + √(gF) dW."""
        return self.mean_loss_time_per_update / self.n_examples

    @property
    def mean_loss_time_per_update(self) -> float:
        """Time s = N t = ε/(1 − m), by which one update advances dω = −∇L ds + √(T F) dW_s."""
        return float(overdamped(self.kick, self.batch_noise, self.momentum).update)

    @property
    def updates_per_epoch(self) -> float:
        """N/B, the updates in which SGD sees as many examples as there are; with a permutation the batches of one."""
        if self.remainder:
            return float(self.n_examples // self.batch_size + (not self.drop_last))
        return self.n_examples / self.batch_size

    def require_equal_batches(self) -> None:
        """Raise ValueError where an epoch ends in a smaller batch."""
        if len(self.sizes) > 1:
            raise ValueError(
                f"batch_size must divide n_examples = {self.n_examples} here, or drop_last be True, when sampling is "
                f"{self.sampling!r}: the law is that of equal batches, and the last of an epoch has {self.remainder} "
                f"examples; got {self.batch_size}"
            )

    def require_whole_epochs(self) -> None:
        """Raise ValueError where the examples of a permutation are no whole number of batches, kept or left out."""
        if self.remainder:
            raise ValueError(
                f"batch_size must divide n_examples = {self.n_examples} here when sampling is {self.sampling!r}: the "
                f"law is that of equal batches that add up to all examples; got {self.batch_size}"
            )

    def require_plain(self, *names: str) -> None:
        """Raise ValueError unless these of ``momentum``, ``dampening`` and ``weight_decay`` are 0."""
        for name in names:
            if value := getattr(self, name):
                raise ValueError(f"config must have {name} = 0 here, got {value!r}")

    _repr_html_ = in_notebook

    def _table(self) -> Table:
        extra = {"dampening": self.dampening, "weight decay λ": self.weight_decay, **self.hyperparameters}
        epoch = f"{self.updates_per_epoch:g}" + ", the last batch left out" * (bool(self.remainder) and self.drop_last)
        rows = [
            ["learning rate ε", f"{self.learning_rate:g}"],
            ["batch size B", f"{self.batch_size}"],
            ["training examples N", f"{self.n_examples}"],
            ["momentum m", f"{self.momentum:g}"],
            ["sampling", self.sampling],
            *([name, f"{value:g}"] for name, value in extra.items() if value),
            ["noise scale g = εNc/(1 − m)", f"{self.noise_scale:.6g}"],
            ["temperature T = g/N", f"{self.temperature:.6g}"],
            ["time t of an update, ε/(N(1 − m))", f"{self.time_per_update:.6g}"],
            ["time s = Nt of an update, ε/(1 − m)", f"{self.mean_loss_time_per_update:.6g}"],
            ["updates of an epoch", epoch],
        ]
        return Table([["SGDConfig", ""], *rows])

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain numbers and strings, for provenance."""
        plain = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "hyperparameters"}
        plain["drop_last"] = int(self.drop_last)  # files of arrays have no booleans
        return plain | {f"hyperparameters.{name}": value for name, value in self.hyperparameters.items()}


class _Numbers(dict[str, float]):
    """A mapping that is not changed, and so has a hash."""

    @classmethod
    def of(cls, given: object) -> _Numbers:
        """Checked: names, and finite numbers."""
        if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
            raise ValueError(f"hyperparameters must be a mapping from names to numbers, got {given!r}")
        return cls({name: real(f"hyperparameters[{name!r}]", value) for name, value in given.items()})

    def _fixed(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("the hyperparameters of a config are not changed; make another by dataclasses.replace")

    __setitem__ = __delitem__ = update = pop = popitem = clear = setdefault = __ior__ = _fixed  # type: ignore[assignment]

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return _Numbers.of, (dict(self),)
