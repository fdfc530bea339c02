"""Test accuracy against the batch size, with and without weight decay."""
