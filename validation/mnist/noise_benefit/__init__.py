"""The best learning rate against B, for a number of epochs or of updates."""
