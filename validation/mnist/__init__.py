"""What the claims on images share: where images come from, and protocols of training."""
