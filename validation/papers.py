"""Papers, and what a claim tests of them."""

from __future__ import annotations

from dataclasses import dataclass

from sgdsde.arguments import choice

#: Papers in the order of the report: key → authors, title, arXiv number or other source.
PAPERS: dict[str, tuple[str, str, str]] = {
    "smith-le": (
        "Smith & Le", "A Bayesian Perspective on Generalization and Stochastic Gradient Descent", "arXiv 1710.06451",
    ),
    "three-factors": (
        "Jastrzębski et al.", "Three Factors Influencing Minima in SGD",
        "arXiv 1711.04623; version under review: OpenReview rJma2bZCW",
    ),
    "noise-benefit": (
        "Smith, Elsen & De", "On the Generalization Benefit of Noise in Stochastic Gradient Descent",
        "arXiv 2006.15081; earlier version: OpenReview ryGWhJBtDB",
    ),
    "dont-decay": (
        "Smith, Kindermans, Ying & Le", "Don't Decay the Learning Rate, Increase the Batch Size", "arXiv 1711.00489",
    ),
    "li-malladi-arora": (
        "Li, Malladi & Arora", "On the Validity of Modeling SGD with Stochastic Differential Equations",
        "arXiv 2102.12470",
    ),
    "perko": (
        "Perko", "Towards Continuous-Time Approximations for Stochastic Gradient Descent without Replacement",
        "arXiv 2512.04703",
    ),
    "kuehn-rosenow": (
        "Kühn & Rosenow",
        "Anti-Correlated Noise in Epoch-Based Stochastic Gradient Descent: Implications for Weight Variances in Flat "
        "Directions",
        "arXiv 2306.05300",
    ),
    "smith-dherin": (
        "Smith, Dherin, Barrett & De", "On the Origin of Implicit Regularization in Stochastic Gradient Descent",
        "arXiv 2101.12176",
    ),
    "li-tai-e": (
        "Li, Tai & E", "Stochastic Modified Equations and Adaptive Stochastic Gradient Algorithms",
        "arXiv 1511.06251; J. Mach. Learn. Res. 20 (2019) 40",
    ),
    "liu-ziyin-ueda": (
        "Liu, Ziyin & Ueda", "Noise and Fluctuation of Finite Learning Rate Stochastic Gradient Descent",
        "arXiv 2012.03636",
    ),
    "mulayoff-michaeli": (
        "Mulayoff & Michaeli", "Exact Mean Square Linear Stability Analysis for SGD",
        "arXiv 2306.07850; Proc. Mach. Learn. Res. 247 (2024) 3915",
    ),
    "sharpness-gap": (
        "Liao, Kolomvaki & Kyrillidis", "SGD at the Edge of Stability: The Stochastic Sharpness Gap",
        "arXiv 2604.21016",
    ),
    "andreyev-beneventano": (
        "Andreyev & Beneventano", "Edge of Stochastic Stability: Revisiting the Edge of Stability for SGD",
        "arXiv 2412.20553",
    ),
    "mandt": (
        "Mandt, Hoffman & Blei", "Stochastic Gradient Descent as Approximate Bayesian Inference", "arXiv 1704.04289",
    ),
    "zhu": (
        "Zhu, Wu, Yu, Wu & Ma", "The Anisotropic Noise in Stochastic Gradient Descent", "arXiv 1803.00195",
    ),
    "xie": ("Xie, Sato & Sugiyama", "A Diffusion Theory for Deep Learning Dynamics", "arXiv 2002.03495"),
    "ziyin-li-ueda": (
        "Ziyin, Li & Ueda", "Law of Balance and Stationary Distribution of Stochastic Gradient Descent",
        "arXiv 2308.06671",
    ),
    "chaudhari-soatto": (
        "Chaudhari & Soatto",
        "Stochastic gradient descent performs variational inference, converges to limit cycles for deep networks",
        "arXiv 1710.11029",
    ),
    "mori": ("Mori, Ziyin, Liu & Ueda", "Power-law escape rate of SGD", "arXiv 2105.09557"),
    "ziyin-minibatch": ("Ziyin, Liu, Mori & Ueda", "Strength of Minibatch Noise in SGD", "arXiv 2102.05375"),
    "dinh": ("Dinh, Pascanu, Bengio & Bengio", "Sharp Minima Can Generalize For Deep Nets", "arXiv 1703.04933"),
    "li-wang-arora": (
        "Li, Wang & Arora", "What Happens after SGD Reaches Zero Loss? – A Mathematical Framework", "arXiv 2110.06914",
    ),
    "blanc": (
        "Blanc, Gupta, Valiant & Valiant",
        "Implicit regularization for deep neural networks driven by an Ornstein-Uhlenbeck like process",
        "arXiv 1904.09080",
    ),
    "malladi": (
        "Malladi, Lyu, Panigrahi & Arora", "On the SDEs and Scaling Rules for Adaptive Gradient Algorithms",
        "arXiv 2205.10287",
    ),
    "azizian": (
        "Azizian, Iutzeler, Malick & Mertikopoulos",
        "What is the Long-Run Distribution of Stochastic Gradient Descent? A Large Deviations Analysis",
        "arXiv 2406.09241",
    ),
    "textbook": ("Textbook laws", "escape, orders of schemes, evidence", "Gardiner; Kramers 1940; Kloeden & Platen"),
    "exact": ("Exact laws of SGD", "where its SDE fails", "this toolkit"),
}  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """A statement of a paper: a key of `PAPERS`, where it stands there, what it says, and of which range.

    ``check`` is a pattern of labels: the checks that test it, the headline by default.
    ``denies`` says that the statement holds where these checks differ, as "falls" does where no change is predicted.
    ``breaks`` is a pattern of the checks that are expected to show where it fails.
    """

    paper: str
    where: str
    words: str
    range: str
    check: str = ""
    denies: bool = False
    breaks: str = ""

    def __post_init__(self) -> None:
        choice("paper", self.paper, PAPERS)
