"""B_opt ∝ ε, N and 1/(1 − m): the grids, where their curves are highest, and what is said of it."""
