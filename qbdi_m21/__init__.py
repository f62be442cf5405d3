"""Query-based deep improvisation for music21 (Dubnov 2019).

A variational autoencoder learns bars of a style; a query in another style goes through its
encoder, a rate-limited channel and its decoder; analyses say what the result shares with the
query. Streams in, streams out.

>>> import qbdi_m21 as q
>>> query = q.load_score('corpus:ryansMammoth/AcaciaReel')
>>> improvisation = q.improvise(query, rate=256, seed=0)
>>> improvisation.derivation.method
'improvise'
"""

import lazy_loader as _lazy

__version__ = '0.1.0'

# the names are those of __init__.pyi; each is imported when it is first used
__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
