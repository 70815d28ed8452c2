"""Compression of trained circuits: fewer parameters, fewer bits of an angle, smaller circuits for the same state."""
