"""Scores to arrays and back: note tables, grids, frames, windows and features."""

import lazy_loader as _lazy

# the names are those of __init__.pyi; each is imported when it is first used
__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
