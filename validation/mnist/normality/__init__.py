"""How normal the gradient of a batch is, along training."""
