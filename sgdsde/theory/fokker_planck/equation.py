"""FokkerPlanck: densities, exit times, splitting probabilities and escape rates on a box."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import linalg

from sgdsde.arguments import real, real_array
from sgdsde.theory.fokker_planck.absorption import Region
from sgdsde.theory.fokker_planck.discretised import Discretised
from sgdsde.theory.fokker_planck.generator import balanced_rates, rates, with_diagonal
from sgdsde.theory.fokker_planck.solver import Solver
from sgdsde.theory.fokker_planck.stepping import Stepper
from sgdsde.theory.fokker_planck.transitions import ReactiveTransition, reactive_transition

Array = NDArray[np.float64]


class FokkerPlanck(Discretised):
    """The density of dω = −∇L ds + √T A(ω) dW (Itô), F = A Aᵀ: ∂p = ∇·(p∇L) + ½ Σ ∂_i∂_j(T F_ij p), on a box.

    Parameters
    ----------
    landscape : Landscape
        L and F of one or two variables; F positive definite in the box.
    temperature : float
        T > 0.
    box : (low, high), or ((low, high), (low, high))
        Its walls reflect, unless they absorb: far out they do not matter.
    cells : int or (int, int)
        How many along each axis.
    absorbing : region, optional
        Where paths end, for everything that is asked: a condition such as ``"x > 0 and y < 1"``
        (:mod:`sgdsde.regions`), the name of a wall (``"left"``, ``"right"``, ``"bottom"``, ``"top"``), or several of
        these; a function of points (n, d) that returns n booleans; or a boolean array over cells.

    Attributes
    ----------
    axes : tuple of arrays
        Centres of the cells along each axis. Arrays over cells, here and in what is returned, have the shape `cells`,
        ``[i, j]`` at (axes[0][i], axes[1][j]).
    generator : csr_array
        Q, rates of jumps between the cells that do not absorb, in C order. Its rows sum to zero, to minus the rate of
        absorption beside a region. Masses obey ∂P = Qᵀ P, expectations ∂u = Q u.

    Raises
    ------
    ValueError
        When an argument is not accepted, F is not positive definite, or it is so elongated on this grid that jumps
        would span more than 8 cells.

    Warns
    -----
    CellWarning, BoxWarning
        When cells are wider than half a standard deviation of a well or barrier; when densities that are computed reach
        the reflecting walls.

    Notes
    -----
    On each cell Selling's decomposition writes ½TF as Σ ρ_k e_k e_kᵀ, ρ_k ≥ 0, with vectors e_k from centre to centre
    (Bonnans, Ottenwaelter & Zidani, ESAIM: M2AN 38 (2004) 723). The rate from x to x ± e_k is ρ_k(x) B(z), with
    B(z) = z/(e^z − 1) and z = ∫ (2/T) F⁻¹∇L·dω along the jump: Scharfetter & Gummel (IEEE Trans. Electron Devices 16
    (1969) 64), Chang & Cooper (J. Comput. Phys. 6 (1970) 1). So every F that is positive definite gives positive rates,
    whatever the cells: densities stay positive and conserved. Where F⁻¹∇L is a gradient, as in one dimension and for
    F = σ²I, the stationary law is exact at the centres; everything else is of order 2 in the cell. At a region the
    equation ends where the function changes, found by bisection on each jump (Shortley & Weller 1938), so that exit
    times are of order 2 for curved regions too; with arrays, regions end on the faces of cells. Walls reflect without
    flux. Risken, The Fokker–Planck Equation (1989), has the equations.

    Examples
    --------
    >>> from sgdsde import Landscape
    >>> landscape = Landscape("x**4/4 - x**2/2", "x", noise_covariance="1 + x**2/2")
    >>> well = FokkerPlanck(landscape, 0.2, box=(-3, 3), cells=600)
    >>> times = well.mean_exit_times("x > 0")
    >>> round(float(well.interpolate(times, -1.0)), 2)
    18.75
    """

    def evolve(self, start: ArrayLike, times: ArrayLike, *, tolerance: float = 1e-6) -> Array:
        """Densities at times, from a point or a density.

        Parameters
        ----------
        start : (d,), a number when d = 1, or an array over cells
            A point, whose mass is put on the nearest 2^d centres; or a density, which need not be normalised.
        times : (k,) or a number
            Not negative, increasing.
        tolerance : float
            Integral of the absolute error that steps in time make, relative to the mass (about; mostly less).

        Returns
        -------
        ndarray, (k, *cells) or `cells`
            Never negative; the integral is conserved where nothing absorbs, and the share that survives elsewhere.

        Raises
        ------
        ValueError
            When an argument is not accepted.
        """
        moments = real_array("times", times)
        if (
            moments.ndim > 1
            or not (np.diff(np.ravel(moments), prepend=0.0) >= 0).all()
            or not np.isfinite(moments).all()
        ):
            raise ValueError(f"times must be finite, not negative and increasing, got {times!r}")
        tolerance = real("tolerance", tolerance, above=0, below=1)
        alive = self._plain.cell < 0
        mass = self._masses(start)[alive]
        stepper = Stepper(self.generator, conserved=not (self._plain.arm >= 0).any())
        found, clock = np.zeros((moments.size, len(alive))), 0.0
        for k, time in enumerate(moments.ravel()):
            mass = stepper.advance(
                mass, float(time) - clock, tolerance * (time - clock) / moments.max() if time else 1.0
            )
            clock = float(time)
            found[k, alive] = mass / self.grid.volume
        self._check_walls(found[-1], self._plain, "density")
        return found.reshape(*moments.shape, *self.grid.cells)

    def stationary(self) -> Array:
        """Stationary density over cells, of integral 1; ValueError where something absorbs."""
        if self.absorbing is not None:
            raise ValueError("stationary has no meaning where paths end; leave out absorbing")
        jumps, _ = rates(self._chain, self._plain)
        mass = Solver(jumps, np.zeros(jumps.shape[0]), self._bottoms(self._plain)).stationary()
        self._check_walls(mass, self._plain, "stationary density")
        return np.asarray((mass / mass.sum() / self.grid.volume).reshape(self.grid.cells))

    def mean_exit_times(self, region: Region | None = None) -> Array:
        """Mean time to reach `region` or what absorbs, from each cell; zero inside. Solves Q τ = −1.

        Parameters
        ----------
        region : region, optional
            As `absorbing` of :class:`FokkerPlanck`, in addition to it.

        Returns
        -------
        ndarray of shape `cells`, in units of the SDE's time s.

        Raises
        ------
        ValueError
            When nothing absorbs, or exits are too rare for double precision.
        """
        cuts = self._cuts(() if region is None else (region,))
        _, _, solver = self._killed(cuts, "region")
        return self._spread(solver.solve(-np.ones(int((cuts.cell < 0).sum()))), cuts)

    def splitting(self, regions: Sequence[Region]) -> Array:
        """Probability, from each cell, that a path reaches each of several regions before the others.

        Parameters
        ----------
        regions : sequence of regions
            Disjoint. Where `absorbing` ends paths too, the probabilities do not sum to 1.

        Returns
        -------
        ndarray, (regions, *cells)

        Raises
        ------
        ValueError
            When regions overlap or one is not accepted.
        """
        cuts = self._cuts(tuple(regions), [f"regions[{k}]" for k in range(len(regions))])
        _, ends, solver = self._killed(cuts, "regions")
        found = []
        for k in range(len(regions)):
            into = ends[:, [k]].toarray()[:, 0] if k < ends.shape[1] else np.zeros(ends.shape[0])
            found.append(self._spread(solver.solve(-into), cuts) + (cuts.cell == k).reshape(self.grid.cells))
        return np.array(found)

    def escape_rate(self, region: Region | None = None) -> float:
        """Rate at which, after a long time, paths that are left reach `region`: minus Q's slowest eigenvalue.

        Parameters
        ----------
        region
            As in :meth:`mean_exit_times`. From a deep well the rate is 1/τ.

        Returns
        -------
        float, per unit of the SDE's time s. With several wells it is the rate of the slowest.

        Raises
        ------
        ValueError
            As :meth:`mean_exit_times`.
        """
        cuts = self._cuts(() if region is None else (region,))
        jumps, ends, solver = self._killed(cuts, "region")
        generator = with_diagonal(jumps, ends.sum(axis=1))
        inverse = linalg.LinearOperator(generator.shape, matvec=solver.solve, dtype=np.float64)
        ones = np.ones(generator.shape[0])
        slowest = linalg.eigs(generator, k=1, sigma=0.0, OPinv=inverse, v0=ones, return_eigenvectors=False)
        return -float(slowest[0].real)

    def quasi_stationary(self, region: Region | None = None) -> Array:
        """Density over cells, of integral 1, of the paths that have not reached `region` after a long time.

        Parameters
        ----------
        region
            As in :meth:`mean_exit_times`. Paths from it leave at :meth:`escape_rate`, exponentially.

        Returns
        -------
        ndarray of shape `cells`. With several wells that paths hardly change, that of the slowest.

        Raises
        ------
        ValueError
            As :meth:`mean_exit_times`.
        """
        cuts = self._cuts(() if region is None else (region,))
        self._killed(cuts, "region")
        jumps, out = balanced_rates(self._chain, cuts)
        ends = out[cuts.cell < 0].sum(axis=(1, 2))
        solver = Solver(jumps, ends, self._bottoms(cuts))
        inverse = linalg.LinearOperator(jumps.shape, matvec=lambda x: solver.solve(x, transposed=True), dtype=float)
        _, modes = linalg.eigs(with_diagonal(jumps, ends).T, k=1, sigma=0.0, OPinv=inverse, v0=np.ones(len(ends)))
        mass = np.abs(modes[:, 0].real)
        return self._spread(mass / mass.sum() / self.grid.volume, cuts)

    def reactive_transition(self, a: Region, b: Region) -> ReactiveTransition:
        """Committors from region a to region b, and the density, current and rate of the paths on their way.

        Parameters
        ----------
        a, b : region
            Disjoint, with cells between them; as `absorbing` of :class:`FokkerPlanck`, which must be absent.

        Returns
        -------
        ReactiveTransition

        Raises
        ------
        ValueError
            When regions overlap or one is not accepted, where something absorbs, or when escapes are too rare for
            double precision.

        Notes
        -----
        E & Vanden-Eijnden, J. Stat. Phys. 123 (2006) 503; for chains, as here, Metzner, Schütte & Vanden-Eijnden,
        Multiscale Model. Simul. 7 (2009) 1192. q⁺ solves Q q⁺ = 0 between a and b, and p q⁻ the transposed equation
        with what enters from a. The current between neighbours i and j is that of jumps, p_i q⁻_i Q_ij q⁺_j less the
        same from j to i. All is of order 2 in the cell; the flux is the same through every line, to rounding.

        Examples
        --------
        >>> from sgdsde import Landscape
        >>> equation = FokkerPlanck(Landscape("x**4/4 - x**2/2", "x"), 0.2, box=(-2.5, 2.5), cells=500)
        >>> found = equation.reactive_transition("x < -1", "x > 1")
        >>> round(float(equation.interpolate(found.forward_committor, -0.5)), 4)     # as splitting_probability
        0.1206
        >>> 1 / found.reactive_rate * found.probability_last_a                       # mean time from well to well
        """
        return reactive_transition(self, a, b)

    def _masses(self, start: ArrayLike) -> Array:
        """Masses on cells, flat, of a start that :meth:`evolve` accepts."""
        if np.shape(start) == self.grid.cells:
            mass = self._over_cells(start, "start").ravel() * self.grid.volume
            if mass.min() < 0 or not mass.sum() > 0:
                raise ValueError("start must not be negative, and somewhere positive")
            return mass
        point = self.grid.points(start, "start")
        if point.ndim > 1:
            raise ValueError(f"start must be a point or an array of shape {self.grid.cells}, got shape {point.shape}")
        return self.grid.share(point)
