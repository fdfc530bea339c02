"""A learning rate that falls beside a batch that grows."""
