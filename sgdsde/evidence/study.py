"""Evidence, accuracy and cross-entropy of logistic regression at many penalties, as in Smith & Le's figures 1 and 2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.logistic import Fit, LogisticRegression
from sgdsde.logistic.checks import checked_inputs, checked_labels, checked_penalties
from sgdsde.logistic.regression import as_model
from sgdsde.tables import Table, in_notebook, picture
from sgdsde.theory import Evidence, evidence_of_fit, laplace_correction, null_log_evidence

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]

#: λ of a study that names none: six orders of magnitude, four values in each.
REGULARIZATION = np.logspace(-3, 3, 25)


@dataclass(frozen=True, eq=False, repr=False)
class EvidenceStudy:
    """What :func:`evidence_study` returns; printed, it is a table.

    Attributes
    ----------
    model : LogisticRegression
        Of the training examples.
    fits : tuple of Fit
        The minimum for each λ, in the order asked for.
    evidences : tuple of Evidence
        For each λ.
    corrections : ndarray, (L,)
        What the next order of Laplace's method adds to ln evidence, in nats; NaN of a softmax.
    train, test : ndarray, (L, 2), or None
        Mean cross-entropy in nats and accuracy for each λ; `test` is None where there are no test examples.
    """

    model: LogisticRegression
    fits: tuple[Fit, ...]
    evidences: tuple[Evidence, ...]
    corrections: Array
    train: Array
    test: Array | None

    @property
    def regularization(self) -> Array:
        """λ, (L,)."""
        return np.array([fit.regularization for fit in self.fits])

    @property
    def log_evidence_ratio(self) -> Array:
        """E, (L,), in nats: negative where the evidence is for the model and against the null model."""
        null = null_log_evidence(self.model.n_examples, self.model.n_classes)
        return np.array([null - evidence.log_evidence for evidence in self.evidences])

    @property
    def best(self) -> float:
        """The λ of least E, which is the λ of most evidence."""
        return float(self.regularization[np.argmin(self.log_evidence_ratio)])

    def to_xarray(self) -> xarray.Dataset:
        """All of it by λ; eigenvalues by λ and number, ascending."""
        import xarray

        by, nats = "regularization", {"units": "nats"}
        variables: dict[str, Any] = {
            "cost": (by, [fit.cost for fit in self.fits], nats),
            "log_occam_factor": (by, [evidence.log_occam_factor for evidence in self.evidences], nats),
            "log_evidence": (by, [evidence.log_evidence for evidence in self.evidences], nats),
            "laplace_correction": (by, self.corrections, nats),
            "log_evidence_ratio": (by, self.log_evidence_ratio, nats),
            "weight_norm": (by, [float(np.linalg.norm(fit.weights)) for fit in self.fits]),
            "eigenvalue": ((by, "mode"), [evidence.eigenvalues for evidence in self.evidences]),
            "eigenvalue_counted": ((by, "mode"), [evidence.counted for evidence in self.evidences]),
        }
        for part, scores in (("train", self.train), ("test", self.test)):
            if scores is not None:
                variables[f"{part}_cross_entropy"] = (by, scores[:, 0], nats)
                variables[f"{part}_accuracy"] = (by, scores[:, 1])
        about = {
            "title": "Evidence of logistic regression by Laplace's method, against its penalty",
            "n_examples": self.model.n_examples, "weights": self.model.dimension, "n_classes": self.model.n_classes,
            "null_log_evidence": null_log_evidence(self.model.n_examples, self.model.n_classes),
        }  # fmt: skip
        return xarray.Dataset(variables, {by: self.regularization}, about)

    def text(self, width: int | None = None) -> str:
        """The table, with a title; in blocks of columns where it is wider than so many characters."""
        return self._table().text(width)

    _repr_html_ = in_notebook
    plot = picture

    def _table(self) -> Table:
        head = ["λ", "C(ω0)", "½ Σ ln(λ_i/λ)", "next order", "ln evidence", "E", "training", "accuracy"]
        values = [
            [f"{fit.regularization:.4g}" for fit in self.fits],
            [f"{fit.cost:.2f}" for fit in self.fits],
            [f"{0 - evidence.log_occam_factor:.2f}" for evidence in self.evidences],
            ["—" if np.isnan(value) else f"{value:+.2g}" for value in self.corrections],
            [f"{evidence.log_evidence:.2f}" for evidence in self.evidences],
            [f"{ratio:+.2f}" for ratio in self.log_evidence_ratio],
            *([f"{value:.4f}" for value in self.train[:, k]] for k in (0, 1)),
        ]
        if self.test is not None:
            head += ["test", "accuracy"]
            values += ([f"{value:.4f}" for value in self.test[:, k]] for k in (0, 1))
        least = int(np.argmin(self.log_evidence_ratio))
        values.append(["← most evidence" if k == least else "" for k in range(len(self.fits))])
        rows = [[*head, ""], *map(list, zip(*values, strict=True))]
        return Table(rows, self._title() + "\n", right=range(len(head)))

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return str(self)

    def _title(self) -> str:
        n, d = self.model.n_examples, self.model.dimension
        return f"N = {n} examples, {self.model.n_classes} classes, {d} weights; E in nats, E < 0 supports the model"


def evidence_study(
    inputs: ArrayLike,
    labels: ArrayLike,
    regularization: ArrayLike | None = None,
    test: tuple[ArrayLike, ArrayLike] | None = None,
    *,
    cutoff: bool = False,
    progress: Callable[[float], None] | None = None,
) -> EvidenceStudy:
    """Fit logistic regression at many penalties; its evidence, cross-entropies and accuracies at each.

    Parameters
    ----------
    inputs, labels : array_like, (N, P) and (N,)
        X and y of training; classes are numbers from 0. There is no intercept unless X has a column of ones.
    regularization : array_like, (L,), optional
        λ > 0; 25 from 10⁻³ to 10³ by default. Fits go from strong to weak, each from the minimum before it.
    test : ((N', P), (N',)), optional
        X and y that are not fitted.
    cutoff : bool
        Only eigenvalues λ_i ≥ λ count; see :func:`sgdsde.theory.laplace_evidence`.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    EvidenceStudy
        Printed, it is a table.

    Raises
    ------
    ValueError
        When shapes disagree, an input is not finite, a label is not a class, all labels are the same, λ is not
        positive, or λ is so weak that rounding hides the minimum.

    Notes
    -----
    Smith & Le, arXiv 1710.06451, §2, with the exact Hessian.

    Examples
    --------
    >>> from sgdsde.data import gaussian_task
    >>> task = gaussian_task("informative", n_train=40, n_test=1000, features=10)
    >>> study = evidence_study(task.x_train, task.y_train, [0.01, 1.0, 100.0], (task.x_test, task.y_test))
    >>> study.log_evidence_ratio.round(1), study.best
    (array([-5.5, -6. , -0.4]), 1.0)
    """
    model = as_model(inputs, labels)
    penalties = REGULARIZATION if regularization is None else checked_penalties("regularization", regularization)
    others = None
    if test is not None:
        if not isinstance(test, tuple) or len(test) != 2:
            raise ValueError(f"test must be a pair, X and y, got {type(test).__name__}")
        x = checked_inputs("X of test", test[0], model.inputs.shape[1])
        others = x, checked_labels("y of test", test[1], len(x), model.n_classes)
    order = np.argsort(-penalties, kind="stable").tolist()
    found: dict[int, tuple[Fit, Evidence]] = {}
    start = None
    for done, k in enumerate(order):
        fit = model.fit(float(penalties[k]), start)
        start = fit.weights
        found[k] = fit, evidence_of_fit(model, fit, cutoff=cutoff)
        if progress:
            progress((done + 1) / len(order))
    fits, evidences = zip(*(found[k] for k in range(len(order))), strict=True)

    corrections = [
        nan if model.softmax else laplace_correction(model, each.weights, each.regularization) for each in fits
    ]

    def scores(x: Array, y: ArrayLike) -> Array:
        return np.array([model.score(fit.weights, x, y) for fit in fits])

    tested = scores(*others) if others is not None else None
    return EvidenceStudy(model, fits, evidences, np.array(corrections), scores(model.inputs, model.labels), tested)
