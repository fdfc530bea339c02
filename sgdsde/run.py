"""From checked arguments to an ensemble: what the front doors share."""

from __future__ import annotations

import functools
import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import sgdsde
from sgdsde import divergence, engines, schemes
from sgdsde.arguments import boolean, check_steps, choice, integer, real_array
from sgdsde.callers import stacklevel
from sgdsde.codegen import ROUNDING
from sgdsde.config import SGDConfig
from sgdsde.engines import footprint, levy_area
from sgdsde.engines.lane_memory import available_cores
from sgdsde.engines.noise import GaussianIncrements, LevyAreas, Noise, Signs, ThreePoints, Uniforms
from sgdsde.engines.observers import Observers
from sgdsde.engines.philox import STREAM_MIXED, STREAM_SECOND, STREAM_SIGN, STREAM_THREE
from sgdsde.engines.registry import Plan, snapshots_of
from sgdsde.ensemble import Ensemble
from sgdsde.exits import Exits
from sgdsde.landscapes import Landscape, WideLandscape
from sgdsde.matrix_block import MatrixBlock
from sgdsde.memory import check_memory
from sgdsde.observations import Observations
from sgdsde.observe import Observe
from sgdsde.regions import Region, parse_regions

#: A landscape of formulas, or one of arrays; and so their programs.
AnyLandscape: TypeAlias = Landscape | WideLandscape
AnyProgram: TypeAlias = schemes.Program | schemes.MatrixProgram


class StabilityWarning(UserWarning):
    """The step is beyond what is stable at the start: paths will diverge unless the landscape flattens."""


class CoarseStepWarning(UserWarning):
    """Steps of the SDE are so long that it is expected to miss its own law."""


@dataclass(frozen=True)
class Request:
    """A run, as asked for.

    Attributes
    ----------
    limit : float
        The largest curvature for which the step is stable; infinite for no such limit.
    sources : callable
        Program → its noise sources; called after every check.
    engine : str or None
        None for the landscape's own.
    caution : str
        What to warn of once all is checked, if anything.
    further : tuple of Region
        Regions beside those of `stop`, whose margins may use parameters that `stop` may not.
    time_per_update : float or (updates,)
        Of an ensemble's clock.
    values : mapping
        Run-time numbers of the scheme, as `sgdsde.schemes.step.SCALARS`; arrays (updates,) where they change.
    epoched : mapping, optional
        As :func:`sgdsde.drivers.bridge_numbers`, where normals are those of epoched Brownian motion: arrays of
        as many steps as there are until they are the same again. With arrays in `values` of all steps.
    """

    landscape: Any  # AnyLandscape; a program knows of which kind its own is
    w0: ArrayLike
    updates: int
    paths: int
    declaration: schemes.Declaration
    sources: Callable[[AnyProgram], Sequence[Noise]]
    values: Mapping[str, Any]
    time_per_update: float | NDArray[np.float64]
    label: str
    limit: float
    epoched: Mapping[str, NDArray[np.float64]] | None = None
    substeps: int = 1
    seed: int = 0
    burn_in: int = 0
    save_every: int | None = None
    observe: Observe | None = None
    engine: str | None = None
    device: object = None
    dtype: object = "float64"
    progress: Callable[[float], None] | None = None
    config: SGDConfig | None = None
    stop: str | Mapping[str, str] | None = None
    further: tuple[Region, ...] = ()
    bridge: bool = True
    caution: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    state0: Mapping[str, ArrayLike] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """A checked run: its program and what an engine is asked.

    Attributes
    ----------
    request : Request
    engine : str
    program : schemes.Program or MatrixProgram
    plan : Plan
    starts : (d,) or (paths, d)
    regions : tuple of Region
    crossings : tuple of str
        As `sgdsde.schemes.crossings`.
    """

    request: Request
    engine: str
    program: AnyProgram
    plan: Plan
    starts: NDArray[np.float64]
    regions: tuple[Region, ...]
    crossings: tuple[str, ...]


def prepare(request: Request) -> Prepared:
    """Check every argument, then build the program."""
    landscape = request.landscape
    engine = landscape.engines[0] if request.engine is None else request.engine
    of = f" for {landscape.name}, a landscape of arrays" if landscape.pooled else ""
    choice("engine", engine, landscape.engines, of)
    dtype, device = dtype_name(request.dtype), _device_name(request.device)
    updates, paths = integer("updates", request.updates, 1), integer("paths", request.paths, 1, 2**32 - 1)
    check_steps(updates, request.substeps)
    seed = integer("seed", request.seed, 0, 2**64 - 1)
    burn_in = integer("burn_in", request.burn_in, 0, updates - 1)
    save_every = request.save_every
    if save_every is not None:
        save_every = integer("save_every", save_every, 1, updates)
    starts = landscape.points(request.w0, "w0")
    if starts.shape not in ((landscape.dimension,), (paths, landscape.dimension)):
        raise ValueError(
            f"w0 must have shape {(landscape.dimension,)} or (paths, d) = {(paths, landscape.dimension)}, "
            f"got {starts.shape}"
        )
    distinct = starts.reshape(-1, landscape.dimension)
    landscape.validate_noise(distinct, "w0")
    if dtype in ROUNDING:
        request = replace(request, values={**request.values, "rounding": ROUNDING[dtype]})
    regions = _regions(request, landscape, distinct)
    observers = _observers(request, landscape)
    program, walls = _program(request, landscape, regions)
    noise = tuple(request.sources(program))
    _check_memory(engine, program, noise, paths, updates, save_every, observers)
    _warn_if_unstable(landscape, distinct, request.limit, request.label)
    if request.caution:
        warnings.warn(f"{request.label}: {request.caution}", CoarseStepWarning, stacklevel=stacklevel())
    start = np.zeros((program.state_dimension, paths))
    start[: landscape.dimension] = starts.T if starts.ndim == 2 else starts[:, None]
    _set_state(start, program, landscape.dimension, request.state0)
    constants, rows = _constants(program, landscape, request)
    plan = Plan(
        block=program.block, constants=constants, noise=noise, start=start, dimension=landscape.dimension,
        updates=updates, substeps=request.substeps, rows=rows,
        per_row=1 if request.epoched else request.substeps, burn_in=burn_in, regions=len(regions),
        observers=observers, save_every=save_every, seed=seed, device=device, dtype=dtype,
        progress=request.progress or (lambda fraction: None),
    )  # fmt: skip
    crossings = schemes.crossings(walls, program.draws.get("uniform", 0))
    return Prepared(request, engine, program, plan, starts, regions, crossings)


def _program(
    request: Request, landscape: AnyLandscape, regions: tuple[Region, ...]
) -> tuple[AnyProgram, Sequence[Sequence[bool]]]:
    """The program, and of which walls crossings inside a step are counted, by region."""
    if isinstance(landscape, WideLandscape):
        return schemes.build_on_arrays(request.declaration, landscape, request.values, request.epoched is not None), []
    walls = schemes.bridged(landscape, request.declaration, regions) if request.bridge else [[False]] * len(regions)
    epoched = request.epoched is not None
    return schemes.build(request.declaration, landscape, regions, any(map(any, walls)), epoched), walls


def execute(request: Request) -> Ensemble:
    """Check every argument, then build the program and run it."""
    prepared = prepare(request)
    landscape, plan, starts, regions = request.landscape, prepared.plan, prepared.starts, prepared.regions
    engine = prepared.engine
    outcome = engines.run(engine, plan)
    observed = functools.partial(
        Observations.of, outcome, request.observe, plan.observers, count=plan.updates - plan.burn_in
    )
    return Ensemble.from_outcome(
        outcome,
        observed,
        why=lambda path: divergence.reason(engine, plan, landscape, path),
        exits=Exits.of(outcome, regions, landscape.dimension, request.substeps, plan.updates, prepared.crossings),
        landscape=landscape, label=request.label, parameters=landscape.variables, config=request.config,
        updates=plan.updates, burn_in=plan.burn_in, paths=plan.paths, save_every=plan.save_every,
        time_per_update=request.time_per_update,
        auxiliary=request.declaration.auxiliary,
        provenance={
            **{key: fingerprint(of) if isinstance(of, np.ndarray) else of for key, of in landscape.described().items()},
            "w0": starts.tolist() if starts.ndim == 1 else fingerprint(starts), "updates": plan.updates,
            "paths": plan.paths, "burn_in": plan.burn_in, "save_every": plan.save_every,
            request.declaration.kind: request.declaration.name, "substeps": request.substeps, "seed": plan.seed,
            "engine": engine, "device": plan.device or "cpu", "dtype": plan.dtype,
            "stop": {region.name: region.condition for region in regions},
            "observe": None if request.observe is None else request.observe.told(),
            "sgdsde_version": sgdsde.__version__, **request.provenance,
        },
    )  # fmt: skip


def _check_memory(
    engine: str,
    program: AnyProgram,
    noise: Sequence[Noise],
    paths: int,
    updates: int,
    save_every: int | None,
    observers: Observers,
) -> None:
    """ValueError for a run that does not fit into memory, by the part that is largest."""
    d = program.dimension
    snapshots = snapshots_of(updates, save_every)
    if isinstance(program.block, MatrixBlock):
        states = footprint.grouped_size(d, program.state_dimension, program.regions, paths)
    else:
        states = footprint.paths_size(d, program.state_dimension, program.regions, paths, observers.sums(d))
    counts = footprint.counts_size(engine, observers.cells, paths, available_cores())
    saved = footprint.saved_size(d, snapshots, paths)
    drawn = footprint.batches_size(engine, noise, paths, available_cores())
    parts = {
        f"paths must be fewer: the states and moments of {paths} paths": states,
        f"save_every must be larger, or paths fewer: {snapshots} snapshots of {paths} paths": saved,
        f"n_examples, batch_size or paths must be less: the batches of {paths} paths on engine {engine!r}": drawn,
        f"histogram must have fewer bins: the counts of {observers.cells} bins on engine {engine!r}": counts,
    }
    peak = max(states + saved + drawn + counts, footprint.copies(engine, paths, program.regions) * saved)
    check_memory(peak, max(parts, key=lambda part: parts[part]))


def _device_name(given: object) -> str | None:
    """The name of a device, from that or from a torch.device; torch itself need not be there."""
    if given is None or isinstance(given, str):
        return given
    if not _is_torch(given, "device"):
        raise ValueError(f"device must be a name such as 'cpu' or 'cuda', or a torch.device, got {given!r}")
    name = str(given)
    return "cpu" if name.startswith("cpu") else name


def dtype_name(given: object) -> str:
    """The name of a dtype, from that or from a dtype of torch or NumPy."""
    if isinstance(given, str):
        return given
    if isinstance(given, np.dtype) or (isinstance(given, type) and issubclass(given, (float, np.generic))):
        return np.dtype(given).name
    if not _is_torch(given, "dtype"):
        raise ValueError(f"dtype must be a name such as 'float64', or a dtype of torch or NumPy, got {given!r}")
    return str(given).removeprefix("torch.")


def _is_torch(given: object, kind: str) -> bool:
    return (type(given).__module__, type(given).__name__) == ("torch", kind)


def _regions(request: Request, landscape: AnyLandscape, starts: NDArray[np.float64]) -> tuple[Region, ...]:
    """The regions of `stop`, in which no path may start."""
    if request.stop is None:
        return ()
    boolean("bridge", request.bridge)
    if isinstance(landscape, WideLandscape):
        raise ValueError(f"stop must be left out for {landscape.name}, a landscape of arrays; got {request.stop!r}")
    regions = parse_regions(request.stop, [*landscape.variables, *landscape.parameters])
    for region in regions:
        inside = landscape.holds(region, starts)
        if inside.any():
            raise ValueError(
                f"w0 must be outside of the regions of stop; {starts[inside][0].tolist()} is in {region.name!r}, where "
                f"{region.condition}"
            )
    return regions + request.further


def _observers(request: Request, landscape: AnyLandscape) -> Observers:
    """What `observe` asks of the engine."""
    observe = request.observe
    if observe is None:
        return Observers()
    if not isinstance(observe, Observe):
        raise ValueError(f"observe must be an Observe, such as Observe(moments=4), got {observe!r}")
    if request.stop is not None:
        raise ValueError(
            "observe must be left out with stop, whose paths end at different times: there is no one law to observe"
        )
    if isinstance(landscape, WideLandscape):
        raise ValueError(f"observe must be left out for {landscape.name}, a landscape of arrays, got {observe!r}")
    return observe.observers(landscape)


def _set_state(start: NDArray[np.float64], program: AnyProgram, d: int, given: Mapping[str, ArrayLike]) -> None:
    """Put the state beside ω into rows of `start` (state, paths), zero unless it is given."""
    vectors = {name: slice(d * i, d * (i + 1)) for i, name in enumerate(program.declaration.auxiliary, 1)}
    first = len(start) - len(program.carried)
    numbers = {name: slice(first + i, first + i + 1) for i, name in enumerate(program.carried)}
    rows = {**vectors, **numbers}
    for name, value in given.items():
        if name not in rows:
            known = ", ".join(rows) or "nothing"
            raise ValueError(
                f"state0 of {program.declaration.kind} {program.declaration.name!r} is {known}; got {name!r}"
            )
        values, part = real_array(f"state0[{name!r}]", value), start[rows[name]]
        try:
            part[:] = np.broadcast_to(values, (part.shape[1], part.shape[0])).T
        except ValueError:
            raise ValueError(
                f"state0[{name!r}] must have shape {(part.shape[0],)} or (paths, {part.shape[0]}) = "
                f"{(part.shape[1], part.shape[0])}, got {values.shape}"
            ) from None
        if not np.isfinite(part).all():
            raise ValueError(f"state0[{name!r}] must be finite")


def _constants(program: AnyProgram, landscape: Any, request: Request) -> tuple[Any, NDArray[np.int64] | None]:
    """The block's constants, in rows where they change, and the row of each update, or of each step of a bridge."""
    values = request.values
    if request.epoched:
        count = len(request.epoched["keep"])
        repeated = {name: np.repeat(value, request.substeps) for name, value in values.items() if np.ndim(value)}
        check_memory(
            8 * count * (len(program.draws) + 24),
            f"updates or substeps must be fewer, or driver 'brownian': the numbers of {count} steps of epochs",
        )
        return program.constant_rows(landscape, {**values, **repeated, **request.epoched}), np.arange(count)
    changing = {name: np.asarray(value, np.float64) for name, value in values.items() if np.ndim(value)}
    if not changing:
        return program.constants(landscape, values), None
    distinct, rows = np.unique(np.stack(list(changing.values())), axis=1, return_inverse=True)
    return program.constant_rows(landscape, {**values, **dict(zip(changing, distinct, strict=True))}), rows.ravel()


def drawn_sources(
    program: AnyProgram, dt: float, area_method: str, own: Mapping[str, Callable[[int], Noise]] | None = None
) -> list[Noise]:
    """Noise sources, one for each draw of the program, from the run's own random numbers.

    `own` are those of draws that have no such numbers: batches of examples.
    """
    k = program.noise_dimension
    table: dict[str, Callable[[int], Noise]] = {
        "z": GaussianIncrements,
        "y": lambda numbers: GaussianIncrements(numbers, STREAM_SECOND),
        "area": lambda numbers: LevyAreas(k, levy_area.terms_for(area_method, k, dt), area_method),
        "two": lambda numbers: Signs(numbers, STREAM_SIGN),
        "three": lambda numbers: ThreePoints(numbers, STREAM_THREE),
        "sign": lambda numbers: Signs(numbers, STREAM_MIXED),
        "uniform": Uniforms,
        **(own or {}),
    }
    return [table[name](numbers) for name, numbers in program.draws.items()]


def check_landscape(landscape: AnyLandscape, *, arrays: bool = False) -> None:
    """Raise ValueError unless it is one; those of arrays are accepted where `arrays` says so."""
    if isinstance(landscape, WideLandscape):
        if not arrays:
            raise ValueError(f"landscape must be one of formulas, a Landscape, for this; got {landscape!r}")
    elif not isinstance(landscape, Landscape):
        raise ValueError(f"landscape must be a Landscape, got {landscape!r}")


def fingerprint(array: ArrayLike) -> str:
    """What stands for an array in the provenance: whoever has the array can tell whether it is the same."""
    values = np.ascontiguousarray(array, dtype=np.float64)
    return f"float64 array {values.shape}, SHA-256 {hashlib.sha256(values.tobytes()).hexdigest()}"


def recorded(value: ArrayLike) -> Any:
    """A number, or what stands for an array, in the provenance."""
    return fingerprint(value) if np.ndim(value) else value


def _warn_if_unstable(landscape: AnyLandscape, starts: np.ndarray[Any, Any], limit: float, label: str) -> None:
    """Largest curvature against what the step can take: 2(1+m)/ε for heavy ball, 2/Δ for an explicit scheme."""
    if limit == float("inf"):
        return
    curvature = landscape.curvatures(starts).max(initial=-np.inf)
    if curvature > limit:
        warnings.warn(
            f"{label}: curvature {curvature:.4g} at w0 is beyond the stability limit {limit:.4g} of this step; paths "
            f"diverge unless the landscape flattens",
            StabilityWarning,
            stacklevel=stacklevel(),
        )
