"""Sharpness against ε/B, cyclic rates and batches, and memorised labels."""
