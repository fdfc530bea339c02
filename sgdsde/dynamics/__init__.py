"""What SGD's dynamics and their limits are made of."""
