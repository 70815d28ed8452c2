"""Tables made of ledgers and traces: accuracy and its costs, convergence, decays. Nothing is drawn here."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
