"""Sizes of the claims on the best batch size, by name of the data set and preset; fixed after pilots on other seeds."""

from __future__ import annotations

from validation.mnist.rules.curves import Protocol
from validation.sizes import by_source

PROTOCOLS = by_source("mnist_rules", Protocol)
