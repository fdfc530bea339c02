"""Exact laws that several claims hold simulations against."""
