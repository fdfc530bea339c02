"""Random labels on the grid of ε and B of Three Factors."""
