"""Convergence laboratory: strong and weak orders of schemes, measured against problems with known answers."""
