"""Properties of trained states, in the terms of chemistry: densities, charges, moments; a circuit as PySCF's solver."""
