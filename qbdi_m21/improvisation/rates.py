"""Rates as people give them: bits a bar, 'full', 'half', or a share of what full rate delivers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from qbdi_m21.channel.distortion import MAX_BITS
from qbdi_m21.errors import ParameterError

#: Whole bits; a share between 0 and 1 of the bits that arrive at full rate; or all of them.
Rate: TypeAlias = int | float | Literal['full']

#: What a caller may give for a :data:`Rate`: text from a command line too.
RateLike: TypeAlias = int | float | str

NAMES: dict[str, Rate] = {'full': 'full', 'half': 0.5}


def parse_rate(rate: Any) -> Rate:
    """Return a rate, or raise ParameterError.

    Parameters
    ----------
    rate : int, float or str
        A whole number of bits, >= 0; a number between 0 and 1, as a share of the bits that
        arrive at full rate; 'half', which is 0.5; or 'full'.
    """
    if isinstance(rate, str) and rate in NAMES:
        return NAMES[rate]
    fractional = isinstance(rate, float | np.floating) or (
        isinstance(rate, str) and not rate.strip().isdecimal())
    try:
        bits = float('nan') if isinstance(rate, bool | np.bool_) else float(rate)
    except (TypeError, ValueError, OverflowError):
        bits = float('nan')
    if 0 < bits < 1:
        return bits
    if bits == 1 and fractional:
        raise ParameterError(f"rate is {rate!r}, which could be one bit or all of them; give 1, or "
                             "'full'")
    if not (0 <= bits <= MAX_BITS and bits % 1 == 0):
        raise ParameterError(
            f'rate is {rate!r}; expected a whole number of bits a bar, from 0 to {MAX_BITS}, a '
            "share between 0 and 1 of what arrives at full rate, 'half' or 'full'")
    return int(bits)


def parse_rates(rate: RateLike | Sequence[RateLike]) -> Rate | tuple[Rate, ...]:
    """Return one rate, or one for each bar."""
    given: Any = rate
    if isinstance(given, list | tuple | range) or (
            isinstance(given, np.ndarray) and given.ndim == 1):
        return tuple(parse_rate(one) for one in given)
    return parse_rate(rate)


def spread_rates(rates: Rate | tuple[Rate, ...], num_bars: int) -> tuple[Rate, ...]:
    """Return one rate for each bar.

    Raises
    ------
    ParameterError
        If there are rates for another number of bars.
    """
    if not isinstance(rates, tuple):
        return (rates,) * num_bars
    if len(rates) != num_bars:
        raise ParameterError(f'{len(rates)} rates were given for {num_bars} bars; expected one '
                             'for each bar (a pickup is a bar), or one rate for all')
    return rates


def rate_name(rate: Rate) -> str:
    """Return a rate in words: ``'64 bits'``, ``'50 %'``, ``'full'``."""
    if isinstance(rate, str):
        return rate
    return f'{100 * rate:.12g} %' if isinstance(rate, float) else f'{rate} bits'
