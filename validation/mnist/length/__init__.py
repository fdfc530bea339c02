"""The best batch size against the size of the training set and the length of training."""
