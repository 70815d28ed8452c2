"""Gaussian basis sets as variational models: forms of their exponents, exact gradients through PySCF, fits.

Public names load on first use.
"""

from qvar.late_import import public_names

__getattr__, __dir__, __all__ = public_names(__name__, __file__)
