"""What can be measured of an objective or a circuit: how trainable it is, what it can express, how well it converges.

Public names load on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
