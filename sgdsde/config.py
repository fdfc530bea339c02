"""SGDConfig: what SGD is run with, and what the stochastic differential equation makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from sgdsde.arguments import as_whole, real

#: c in ``Cov(mean gradient of one batch) = c F``, F with divisor N − 1, by sampling (docs/theory.md, §2).
SAMPLINGS: dict[str, Callable[[int, int], float]] = {
    "with_replacement": lambda n, b: (n - 1) / (n * b),
    "without_replacement": lambda n, b: 1 / b - 1 / n,
    "reshuffle": lambda n, b: 1 / b - 1 / n,
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
        ``"without_replacement"`` (each batch drawn afresh, no repeats inside it), ``"with_replacement"``, or
        ``"reshuffle"`` (one permutation per epoch; B must divide N).
    dampening : float
        d in [0, 1): v ← m v − (1 − d) ε ĝ. It divides ε, and nothing else.
    weight_decay : float
        λ ≥ 0, added to every gradient as λω: the loss is L + (λ/2)|ω|².

    Raises
    ------
    ValueError
        When an argument is outside the ranges above; the message names it.

    Notes
    -----
    Smith & Le, "A Bayesian Perspective on Generalization and Stochastic Gradient Descent", arXiv 1710.06451, §4;
    with momentum §5.

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

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "learning_rate", real("learning_rate", self.learning_rate))
        set_field(self, "momentum", real("momentum", self.momentum))
        set_field(self, "dampening", real("dampening", self.dampening))
        set_field(self, "weight_decay", real("weight_decay", self.weight_decay))
        set_field(self, "batch_size", _integer("batch_size", self.batch_size))
        set_field(self, "n_examples", _integer("n_examples", self.n_examples))
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate!r}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), got {self.momentum!r}")
        if not 0 <= self.dampening < 1:
            raise ValueError(f"dampening must be in [0, 1), got {self.dampening!r}")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay must be zero or more, got {self.weight_decay!r}")
        if self.n_examples < 2:
            raise ValueError(f"n_examples must be at least 2, got {self.n_examples!r}")
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {self.batch_size!r}")
        if not isinstance(self.sampling, str) or self.sampling not in SAMPLINGS:
            raise ValueError(f"sampling must be one of {', '.join(sorted(SAMPLINGS))}, got {self.sampling!r}")
        if self.sampling != "with_replacement" and self.batch_size > self.n_examples:
            raise ValueError(
                f"batch_size must be at most n_examples = {self.n_examples} when sampling is {self.sampling!r}, "
                f"got {self.batch_size}"
            )
        if self.sampling == "reshuffle" and self.n_examples % self.batch_size:
            raise ValueError(
                f"batch_size must divide n_examples = {self.n_examples} when sampling is 'reshuffle', "
                f"got {self.batch_size}"
            )

    @property
    def batch_noise(self) -> float:
        """c: the covariance of a batch's mean gradient is c F (F per example, unbiased)."""
        return SAMPLINGS[self.sampling](self.n_examples, self.batch_size)

    @property
    def kick(self) -> float:
        """(1 − d) ε, by which a batch's mean gradient changes the velocity."""
        return self.learning_rate * (1 - self.dampening)

    @property
    def noise_scale(self) -> float:
        """Noise scale g = ε N c / (1 − m): ε(N/B − 1)/(1 − m) without replacement (Smith & Le, §4–5)."""
        return self.n_examples * self.temperature

    @property
    def temperature(self) -> float:
        """T = g/N, the noise scale of dω = −∇L ds + √(T F) dW in the clock s = N t."""
        return self.kick * self.batch_noise / (1 - self.momentum)

    @property
    def time_per_update(self) -> float:
        """Time t = ε/(N(1 − m)), by which one update advances dω = −∇C dt + √(gF) dW."""
        return self.mean_loss_time_per_update / self.n_examples

    @property
    def mean_loss_time_per_update(self) -> float:
        """Time s = N t = ε/(1 − m), by which one update advances dω = −∇L ds + √(T F) dW_s."""
        return self.kick / (1 - self.momentum)

    @property
    def updates_per_epoch(self) -> float:
        """N/B, the updates in which SGD sees as many examples as there are."""
        return self.n_examples / self.batch_size

    def require_plain(self, *names: str) -> None:
        """Raise ValueError unless these of ``momentum``, ``dampening`` and ``weight_decay`` are 0."""
        for name in names:
            if value := getattr(self, name):
                raise ValueError(f"config must have {name} = 0 here, got {value!r}")

    def to_dict(self) -> dict[str, float | int | str]:
        """The fields as plain numbers and strings, for provenance."""
        return asdict(self)


def _integer(name: str, value: object) -> int:
    number = as_whole(value)
    if number is None:
        raise ValueError(f"{name} must be an integer, got {value!r}")
    return number
