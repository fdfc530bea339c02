"""Sharpness and evidence in other coordinates."""
