"""(Problem, Ansatz) to Objective: exact simulation in JAX."""
