"""SGD as a sampler of a posterior: target, samplers, laws and pictures."""
