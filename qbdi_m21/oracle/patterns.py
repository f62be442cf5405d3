"""Repeated patterns of an oracle: where the longest repeated suffixes say that music returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qbdi_m21.oracle.build import Oracle


@dataclass(frozen=True)
class Pattern:
    """Spans of frames that repeat each other.

    Attributes
    ----------
    ends : tuple of int
        Frame after the last of each occurrence, in order.
    length : int
        Frames of every occurrence.
    """

    ends: tuple[int, ...]
    length: int

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Half-open frame spans of the occurrences, in order."""
        return tuple((end - self.length, end) for end in self.ends)


def repeated_patterns(oracle: Oracle, *, min_length: int = 2) -> tuple[Pattern, ...]:
    """Return the patterns of at least `min_length` frames, later ones first.

    Parameters
    ----------
    oracle : Oracle
    min_length : int
        Shortest repeated suffix, in frames. A repetition that runs into itself is cut to its
        period, which may be shorter.

    Notes
    -----
    Source: Wang & Dubnov 2015, "Pattern discovery from audio recordings by Variable Markov
    Oracle". Read from the last state back: a state whose repeated suffix is long enough joins
    a known pattern that its suffix link already belongs to (and that it does not overlap), or
    starts one with its suffix and its reverse suffixes, unless it only continues the state
    read before. Equal to `vmo.analysis.find_repeated_patterns` with ``lower=min_length - 1``.
    """
    lower = max(min_length - 1, 0)
    found: list[tuple[list[int], int]] = []
    previous_suffix = -1
    links, lengths = oracle.suffix.tolist(), oracle.lrs.tolist()
    for state in range(oracle.num_states - 1, lower + 1, -1):
        suffix, repeated = links[state], lengths[state]
        if suffix == 0 or repeated <= lower:
            previous_suffix = -1
            continue
        home = _home(found, state, suffix)
        if home is not None:
            ends, length = found[home]
            found[home] = ([*ends, state], min(length, repeated))
        elif previous_suffix - suffix != 1:
            started = _start(oracle.followers[state], lengths, state, suffix, lower)
            if started is not None:
                found.append(started)
        previous_suffix = suffix
    return tuple(Pattern(tuple(sorted(set(ends))), length) for ends, length in found)


def origins(states: npt.NDArray[np.integer], length: int, oracle: Oracle
            ) -> npt.NDArray[np.integer]:
    """Return for each state the first one known to end with the same `length` symbols.

    A state whose repeated suffix has at least that length ends as its suffix link does, and so
    on down to one with a shorter suffix.
    """
    going = oracle.lrs[states] >= length
    while going.any():
        states = np.where(going, oracle.suffix[states], states)
        going = oracle.lrs[states] >= length
    return states


def maximal_patterns(oracle: Oracle, *, min_length: int = 2) -> tuple[Pattern, ...]:
    """Return every repeated suffix that cannot be longer, with all places that end alike.

    Parameters
    ----------
    oracle : Oracle
        Of a threshold at which equal means equal: else the places of one pattern are alike only
        one by one.
    min_length : int
        Shortest, in frames.

    Returns
    -------
    tuple of Pattern
        Shorter ones first. None of a pattern's occurrences overlaps another.
    """
    longer = np.append(oracle.lrs[1:], 0) > oracle.lrs
    states = np.arange(1, oracle.num_states)
    found = []
    for length in np.unique(oracle.lrs[(oracle.lrs >= min_length) & ~longer]).tolist():
        # a state before which there are fewer symbols is its own origin
        first = origins(states, length, oracle)
        for origin in np.unique(first[(oracle.lrs[1:] == length) & ~longer[1:]]).tolist():
            ends: list[int] = []
            for end in states[first == origin].tolist():
                if end >= length and (not ends or end - length >= ends[-1]):
                    ends.append(end)
            if len(ends) > 1:
                found.append(Pattern(tuple(ends), length))
    return tuple(found)


def _home(found: list[tuple[list[int], int]], state: int, suffix: int) -> int | None:
    """Return the first pattern that holds the suffix and that the state does not overlap."""
    for index, (ends, length) in enumerate(found):
        if suffix in ends and not any(end - length < state < end for end in ends):
            return index
    return None


def _start(followers: tuple[int, ...], lengths: list[int], state: int, suffix: int,
           lower: int) -> tuple[list[int], int] | None:
    ends = [*followers, state, suffix]
    length = min(lengths[k] for k in ends[:-1])
    # an occurrence may not run into its own repetition
    if state - length + 1 < suffix:
        length = state - suffix
    if followers and length <= lower:
        return None
    return ends, length
