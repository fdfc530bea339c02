"""Sizes of the claims on the best batch size, by name of the data set and preset; fixed after pilots on other seeds.

Curves have names, by which claims ask for them: ``base``, and those that differ from it in one of ε, m and N.
"""

from __future__ import annotations

from dataclasses import replace

from validation.mnist.rules.curves import Curve, Protocol

_FEW = {
    "learning_rate": ("rate/4", "base"),
    "momentum": ("m = 0.5", "m = 0.8", "base"),
    "training_set": ("fewer", "base"),
    "few examples": ("fewer, rate/4", "fewer"),
}
_MANY = {
    "learning_rate": ("rate/4", "rate/2", "base"),
    "momentum": ("m = 0.5", "m = 0.8", "base"),
    "training_set": ("fewer", "N = 500", "base", "N = 2000", "N = 4000"),
    "few examples": ("fewer, rate/4", "fewer"),
}


def _smoke(n_examples: int) -> Protocol:
    base = Curve((8, 16, 32, 64), 0.4, n_examples=n_examples, readings=2)
    fewer = n_examples // 2
    return Protocol(
        {
            "base": base,
            "rate/4": Curve((2, 4, 8, 16), 0.1, n_examples=n_examples),
            "m = 0.5": Curve((2, 4, 8, 16), 0.4, 0.5, n_examples),
            "m = 0.8": Curve((4, 8, 16, 32), 0.4, 0.8, n_examples),
            "fewer": replace(base, n_examples=fewer, readings=1),
            "fewer, rate/4": Curve((2, 4, 8, 16), 0.1, n_examples=fewer),
        },
        _FEW,
        replicas=2,
        time=40,
        hidden=30,
    )


_MNIST_QUICK = Protocol(
    {
        "base": Curve((8, 12, 16, 24, 32, 48, 96), 0.05, readings=3),
        "rate/4": Curve((2, 3, 4, 6, 8, 12), 0.0125),
        "m = 0.5": Curve((1, 2, 3, 4, 6, 8), 0.05, 0.5),
        "m = 0.8": Curve((4, 6, 8, 12, 16, 24), 0.05, 0.8),
        "fewer": Curve((4, 6, 8, 12, 16, 24), 0.05, n_examples=250),
        "fewer, rate/4": Curve((1, 2, 3, 4, 6), 0.0125, n_examples=250),
    },
    _FEW,
    replicas=8,
    time=300,
)
_WIDE = (4, 6, 8, 12, 16, 24, 32, 48, 64, 128, 256)
_MNIST_FULL = Protocol(
    {
        "base": Curve(_WIDE, 0.05, readings=10),
        "rate/4": Curve((1, 2, 3, 4, 6, 8, 12, 16), 0.0125),
        "rate/2": Curve((2, 3, 4, 6, 8, 12, 16, 24, 32), 0.025),
        "m = 0.5": Curve((1, 2, 3, 4, 6, 8, 12), 0.05, 0.5),
        "m = 0.8": Curve((2, 3, 4, 6, 8, 12, 16, 24, 32), 0.05, 0.8),
        "fewer": Curve((2, 3, 4, 6, 8, 12, 16, 24, 32), 0.05, n_examples=250),
        "fewer, rate/4": Curve((1, 2, 3, 4, 6, 8), 0.0125, n_examples=250),
        "N = 500": Curve((3, 4, 6, 8, 12, 16, 24, 32, 48), 0.05, n_examples=500),
        "N = 2000": Curve((8, 12, 16, 24, 32, 48, 64, 96, 128), 0.05, n_examples=2000),
        "N = 4000": Curve((8, 12, 16, 24, 32, 48, 64, 96, 128), 0.05, n_examples=4000),
    },
    _MANY,
    replicas=12,
    time=500,
)
#: With right labels large batches of digits generalise as well as any: there is no best batch size to be found.
_DIGITS_QUICK = Protocol(
    {
        "base": Curve((8, 12, 16, 24, 32, 48, 96), 0.1, n_examples=400, readings=3),
        "rate/4": Curve((2, 3, 4, 6, 8, 12, 24), 0.025, n_examples=400),
        "m = 0.5": Curve((1, 2, 3, 4, 6, 8), 0.1, 0.5, 400),
        "m = 0.8": Curve((4, 6, 8, 12, 16, 24), 0.1, 0.8, 400),
        "fewer": Curve((4, 6, 8, 12, 16, 24, 48), 0.1, n_examples=100),
        "fewer, rate/4": Curve((1, 2, 3, 4, 6, 12), 0.025, n_examples=100),
    },
    _FEW,
    replicas=32,
    time=480,
    hidden=200,
    random_share=0.4,
)

PROTOCOLS: dict[str, dict[str, Protocol]] = {
    "MNIST": {"smoke": _smoke(1000), "quick": _MNIST_QUICK, "full": _MNIST_FULL},
    "digits": {"smoke": _smoke(400), "quick": _DIGITS_QUICK, "full": replace(_DIGITS_QUICK, replicas=60)},
}
