"""Diagnostics of objectives and circuits: trainability, expressive power, convergence.

Public names load on first use.
"""

from qvar.late_import import public_names

__getattr__, __dir__, __all__ = public_names(__name__, __file__)
