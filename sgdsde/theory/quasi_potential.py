"""Quasi-potential and paths of least action of Freidlin and Wentzell, for noise that depends on the place (§7)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer
from sgdsde.layout import one_line
from sgdsde.theory.action import Frame
from sgdsde.theory.batch_action import BatchFrame
from sgdsde.theory.generating import generating_function
from sgdsde.theory.least_action import SETTLED, evenly, relaxed
from sgdsde.theory.surface import Surface
from sgdsde.theory.wells import listed, minimum_at

Array = NDArray[np.float64]

_LEVELS = 4  # numbers of segments, each twice the last
_FEWEST = 8
_LEAST_NOISE = 1e-12  # eigenvalue of F, relative to the largest


@dataclass(frozen=True, eq=False)
class ActionPath:
    """The most likely way up from a minimum.

    Attributes
    ----------
    path : (n + 1, d)
        Points from start to end, at nearly equal distances in the metric F⁻¹ of the start.
    action : float
        S: paths along it have a probability of the order e^{−S/T}, and a time of escape over its end is of the order
        e^{S/T}. With F = σ²I it is 2ΔL/σ².
    error : float
        Estimate of the error of `action`: what the last doubling of n changed before extrapolation. It is mostly far
        above the error, and near it where the path bends sharply.
    along : (n + 1,)
        Action from the start to each point: 0 at first; at last `action`, up to what extrapolation adds.
    """

    path: Array
    action: float
    error: float
    along: Array

    __repr__ = one_line


def minimum_action_path(
    landscape: Surface,
    start: ArrayLike,
    end: ArrayLike,
    *,
    examples: str | ArrayLike | None = None,
    initial: ArrayLike | None = None,
    segments: int = 128,
) -> ActionPath:
    """Path from a minimum to a point along which dω = −∇L ds + √T A(ω) dW, F = A Aᵀ, goes up at the least action.

    Parameters
    ----------
    landscape : Landscape
        With F positive definite around the path. Any number of variables.
    start : (d,)
        A minimum with positive curvature in every direction.
    end : (d,)
        A saddle (:func:`sgdsde.landscapes.find_saddle`), or a point of a boundary. Beyond a saddle nothing is climbed;
        a path that bends there is refused, because its action has a kink.
    examples : str or array (N, k), optional
        None: the SDE, or SGD with normal noise. ``"gaussian"``, ``"rademacher"`` (±1), or a table as in
        :func:`sgdsde.simulate_sgd`: S is then that of SGD itself as ε → 0 at a fixed B, with T = ε/(B(1 − m)), for
        batches with replacement. Larger batches do not bring it nearer to the SDE's.
    initial : (m, d), optional
        Points on the way of the path to begin with; a straight line by default. The path that is found has the least
        action among those near.
    segments : int
        n, a multiple of 8 from 64.

    Returns
    -------
    ActionPath

    Raises
    ------
    ValueError
        When an argument is not as above, or the first path comes where F is not positive definite or ∇L not finite;
        for Student's t, which has no generating function.
    RuntimeError
        When the steps do not settle; the message says how much the next would gain.

    Notes
    -----
    S is the least ½ ∫ (φ' + ∇L)ᵀ F⁻¹ (φ' + ∇L) ds over all paths and all times, which is that of

        ∫ (|φ'| |∇L| + φ'ᵀ F⁻¹ ∇L) dα,    |v|² = vᵀ F⁻¹ v,

    over curves (Freidlin & Wentzell, Random Perturbations of Dynamical Systems, §4.2 and §5.4; Heymann &
    Vanden-Eijnden, Comm. Pure Appl. Math. 61 (2008) 1052, whose time-stepping is replaced by Newton's method across the
    curve). Drift and noise enter to leading order as T → 0, so that Itô's and Stratonovich's sense have the same S. The
    action of polygons is of order 2; S is Richardson's extrapolation of the last two, each with twice the segments of
    the one before.

    With `examples` the action is Cramér's for the steps −ε(∇L + A z̄) of SGD (Freidlin & Wentzell, §5.1): of a curve the
    integral of the largest θ·φ' with

        −θ·∇L + ln E e^{−θᵀA z} ≤ 0,

    in one dimension ∫ θ dx with the root θ that is not 0; of this the SDE knows θᵀFθ/2, the first term. inf where even
    batches of the best examples go down: signs climb no slope above A.

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> well = Landscape("x**4/4 - x**2/2 + (y - x**2)**2", "x y", noise_covariance="1/2")
    >>> found = minimum_action_path(well, [-1.0, 1.0], [0.0, 0.0])
    >>> round(found.action, 5), found.error < 1e-3, found.path.shape                         # 2ΔL/σ² = 1
    (1.0, True, (129, 2))
    >>> line = Landscape("x**4/4 - x**2/2", "x", noise_covariance=0.25)
    >>> [round(minimum_action_path(line, -1.0, 0.0, examples=z).action, 3) for z in ("gaussian", "rademacher")]
    [2.0, 3.044]
    """
    low = minimum_at(landscape, start, "start")
    high = landscape.point(end, "end")
    if np.array_equal(low, high):
        raise ValueError(f"end must differ from start, got {listed(high)} for both")
    segments = integer("segments", segments, _FEWEST * 2 ** (_LEVELS - 1), multiple=2 ** (_LEVELS - 1))
    between = np.empty((0, landscape.dimension)) if initial is None else landscape.points(initial, "initial")
    if between.ndim != 2:
        raise ValueError(f"initial must have shape (m, {landscape.dimension}), got {between.shape}")
    require_noise(landscape, low[None])
    axes = np.asarray(np.linalg.cholesky(landscape.noise_covariance(low)), dtype=np.float64)
    z: Array = (np.vstack([low, between, high]) - low) @ np.linalg.inv(axes).T
    z = np.compress(np.r_[True, np.linalg.norm(np.diff(z, axis=0), axis=1) > 0], z, axis=0)
    frame = Frame(landscape, low, axes, float(np.linalg.norm(z[-1])))
    if examples is not None:
        law = generating_function(examples, landscape.noise_factor(low).shape[-1])
        frame = BatchFrame(landscape, low, axes, frame.reach, law)
    values: list[float] = []
    for level in reversed(range(_LEVELS)):
        z = evenly(z, segments // 2**level)
        if not values:
            require_noise(landscape, frame.points((z[1:] + z[:-1]) / 2))
        z = relaxed(frame, z, roughly=level >= 2)
        values.append(float(frame.actions(z).sum()))
        if values[-1] == math.inf:
            break
    last = (4 * values[-1] - values[-2]) / 3 if values[-1] < math.inf else math.inf
    change = abs(values[-1] - values[-2]) if last < math.inf else math.inf
    path = frame.points(z)
    path[-1] = high
    along = np.r_[0.0, np.cumsum(frame.actions(z))]
    return ActionPath(path, last, change + 2 * SETTLED * last, along)


def quasi_potential(
    landscape: Surface,
    minimum: ArrayLike,
    points: ArrayLike,
    *,
    examples: str | ArrayLike | None = None,
    segments: int = 128,
) -> NDArray[np.float64]:
    """Least action S from a minimum to each of several points: V in the stationary density ≍ e^{−V/T} of its well.

    Parameters
    ----------
    landscape, minimum, examples, segments
        As :func:`minimum_action_path`, with `minimum` for the start.
    points : (..., d)
        In the well of the minimum, or on its border: the least V on a border is that of the exit.

    Returns
    -------
    ndarray (...), 0 at the minimum itself.

    Raises
    ------
    ValueError, RuntimeError
        As :func:`minimum_action_path`.

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> bowl = Landscape("x**2/2 + y**2/2", "x y", noise_covariance=[["1", "1/2"], ["1/2", "2"]])
    >>> quasi_potential(bowl, [0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]]).round(6)                # the diagonal of F⁻¹
    array([1.142857, 0.571429])
    """
    low = minimum_at(landscape, minimum, "minimum")
    ends = landscape.points(points, "points")
    found = [
        0.0
        if np.array_equal(end, low)
        else minimum_action_path(landscape, low, end, examples=examples, segments=segments).action
        for end in ends.reshape(-1, landscape.dimension)
    ]
    return np.asarray(found).reshape(ends.shape[:-1])


def require_noise(landscape: Surface, w: Array, place: str = "on the way") -> None:
    """ValueError unless ∇L is finite and F positive definite at points w (n, d)."""
    noise, slope = landscape.noise_covariance(w), landscape.gradient(w)
    finite = np.isfinite(noise).all(axis=(1, 2)) & np.isfinite(slope).all(axis=1)
    if not finite.all():
        raise ValueError(f"landscape must have finite ∇L and F {place}, and has not at {listed(w[finite.argmin()])}")
    least, largest = np.linalg.eigvalsh(noise)[:, [0, -1]].T
    if not (sound := least > _LEAST_NOISE * largest).all():
        at = int(sound.argmin())
        raise ValueError(
            f"landscape must have a positive definite covariance F {place}; at {listed(w[at])} it has the "
            f"eigenvalue {least[at]:.3g}"
        )
