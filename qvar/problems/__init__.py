"""Problems: molecules, lattice models, and their exact energies."""
