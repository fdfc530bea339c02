"""One network under SGD, SVAG, noisy gradient descent and the SDE."""
