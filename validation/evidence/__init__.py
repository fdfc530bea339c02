"""What the claims about Bayesian evidence share."""
