"""Sharpness at equal training loss against ε/B, by ε alone and by B alone."""
