"""Everything that a caller may ask of an improvisation, checked, in one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from qbdi_m21.channel.source import check_channel
from qbdi_m21.errors import ParameterError
from qbdi_m21.improvisation.decoding import Decoding
from qbdi_m21.improvisation.rates import Rate, RateLike, parse_rate, parse_rates

#: Rates of places of a score, by their names, or in an order in which later ones win.
Regions: TypeAlias = Mapping[str, RateLike] | Sequence[tuple[str, RateLike]]

AllocationName = Literal['whole', 'continuous', 'dynamic']
ALLOCATIONS: tuple[str, ...] = get_args(AllocationName)


@dataclass(frozen=True)
class Settings:
    """What is asked of the channel and of the decoder.

    Attributes
    ----------
    rate : int, float, 'full' or tuple of these
        Bits a bar, or share of what full rate delivers; of all bars, or one for each.
    regions : tuple of (str, rate)
        Rates of parts of the score (:mod:`qbdi_m21.improvisation.regions`); later ones win.
    channel : {'prior-preserving', 'paper', 'notebook'}
    variance : {'corpus', 'query', 'sample', 'posterior'}
        By which bits are allocated, and whose statistics the channel is designed for.
    allocation : {'whole', 'continuous', 'dynamic'}
        Whole bits, one at a time; parts of bits too; whole bits of which bars that say more
        get more, at the same mean.
    seed : int
        Of the latent sample, of the channel's noise and of cells that are drawn.
    decoding : Decoding
    """

    rate: Rate | tuple[Rate, ...] = 256
    regions: tuple[tuple[str, Rate], ...] = ()
    channel: str = 'prior-preserving'
    variance: str = 'corpus'
    allocation: str = 'whole'
    seed: int = 0
    decoding: Decoding = field(default_factory=Decoding)

    @classmethod
    def parse(cls, *, rate: RateLike | Sequence[RateLike] = 256,
              regions: Regions | None = None,
              channel: str = 'prior-preserving', variance: str | None = None,
              allocation: str = 'whole', seed: int = 0, decoding: str | Decoding | None = None,
              threshold: float | str | None = None) -> Settings:
        """Return settings of what a caller has given, or raise ParameterError."""
        name, stated = check_channel(channel, variance)
        if allocation not in ALLOCATIONS:
            raise ParameterError(f'allocation is {allocation!r}; expected one of '
                                 f'{", ".join(ALLOCATIONS)}')
        if regions is not None and not isinstance(regions, Mapping | list | tuple):
            raise ParameterError(f'regions is {regions!r}; expected a mapping of places to rates')
        pairs = list(regions.items() if isinstance(regions, Mapping) else regions or ())
        if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
            raise ParameterError(f"regions is {regions!r}; expected a mapping such as {{'9-16': "
                                 "'full'}, or pairs of a place and a rate")
        return cls(parse_rates(rate), tuple((str(where), parse_rate(r)) for where, r in pairs),
                   name, stated, allocation, check_seed(seed),
                   Decoding.parse(decoding, threshold))

    def options(self) -> dict[str, Any]:
        """Return what :meth:`parse` makes the same settings of."""
        return {'rate': self.rate, 'regions': self.regions, 'channel': self.channel,
                'variance': self.variance, 'allocation': self.allocation, 'seed': self.seed,
                'decoding': self.decoding}

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        rate = list(self.rate) if isinstance(self.rate, tuple) else self.rate
        return {'rate': rate, 'regions': [list(pair) for pair in self.regions],
                'channel': self.channel, 'variance': self.variance,
                'allocation': self.allocation, 'seed': self.seed,
                'decoding': self.decoding.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Settings:
        """Undo :meth:`to_json`, checking everything anew."""
        values = {name: data[name] for name in cls().options() if name in data}
        return cls.parse(**{**values, 'decoding': Decoding.from_json(data.get('decoding', {}))})


#: Longest result without a query: more bars than the longest work of music21's corpus has.
MAX_BARS = 10_000


def check_bars(bars: Any) -> int:
    """Return a number of bars, or raise ParameterError."""
    if isinstance(bars, bool) or not isinstance(bars, int | np.integer) or (
            not 0 < bars <= MAX_BARS):
        raise ParameterError(f'bars is {bars!r}; expected a whole number from 1 to {MAX_BARS}')
    return int(bars)


def check_seed(seed: Any) -> int:
    """Return a seed, or raise ParameterError."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ParameterError(f'seed is {seed!r}; expected a whole number >= 0')
    return int(seed)
