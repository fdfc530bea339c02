"""The best learning rate at one batch size against the number of epochs."""
