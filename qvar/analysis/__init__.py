"""Tables made of ledgers and traces: accuracy and its costs, convergence, decays. Nothing is drawn here."""

from qvar.late_import import public_names

__getattr__, __dir__, __all__ = public_names(__name__, __file__)
