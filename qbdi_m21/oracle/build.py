"""The Variable Markov Oracle as an object: frozen, saved without pickles, extended on line."""

from __future__ import annotations

import json
import os
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ParameterError
from qbdi_m21.files import write_aside
from qbdi_m21.oracle.distances import (
    Distance,
    check_distance,
    check_features,
    check_silence,
    different_frames,
    distance_rows,
    is_silent,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]

#: Frames start to stop, distances from their vectors to all (R, U), and the row of each frame.
Block: TypeAlias = tuple[int, int, FloatArray, npt.NDArray[np.int64]]

#: Most distances that are held at a time: 512 MiB.
MAX_DISTANCES = 1 << 26

#: Version of a saved oracle.
FORMAT = 1


@dataclass(frozen=True)
class Oracle:
    """A Variable Markov Oracle.

    State 0 comes before the first frame; state i stands for frame i - 1.

    Attributes
    ----------
    features : ndarray of float, shape (T, D)
        The frames.
    threshold : float
        Frames strictly closer than this can be one symbol.
    distance : str or callable
        As of :func:`qbdi_m21.oracle.distances.distance_rows`.
    silence : {'symbol', 'ignore', 'vmo'}
        What zero vectors are; where they are ignored there is none among the frames.
    suffix : ndarray of int32, shape (T + 1,)
        Suffix link: the last state of the earlier passage that a state repeats; 0 where it
        repeats nothing, -1 for state 0.
    lrs : ndarray of int32, shape (T + 1,)
        Length of the longest repeated suffix.
    symbol : ndarray of int32, shape (T + 1,)
        Which symbol each state has, counted from 0; -1 for state 0.
    transition_starts : ndarray of int32, shape (T + 2,)
    transition_goals : ndarray of int32
        Those from ``transition_starts[i]`` to ``[i + 1]`` are the transitions of state i, in the
        order in which they were made.
    """

    features: FloatArray = field(repr=False)
    threshold: float
    distance: Distance
    silence: str
    suffix: IntArray = field(repr=False)
    lrs: IntArray = field(repr=False)
    symbol: IntArray = field(repr=False)
    transition_starts: IntArray = field(repr=False)
    transition_goals: IntArray = field(repr=False)

    @property
    def num_states(self) -> int:
        """Number of states T + 1."""
        return len(self.suffix)

    @property
    def num_symbols(self) -> int:
        """Number of different symbols."""
        return int(self.symbol.max()) + 1

    def transitions(self, state: int) -> tuple[int, ...]:
        """Return the transitions of a state, in the order in which they were made."""
        start, stop = self.transition_starts[state:state + 2]
        return tuple(self.transition_goals[start:stop].tolist())

    @cached_property
    def followers(self) -> tuple[tuple[int, ...], ...]:
        """States whose suffix link each state is (reverse suffixes), rising."""
        found: list[list[int]] = [[] for _ in range(self.num_states)]
        for state, link in enumerate(self.suffix[1:].tolist(), start=1):
            found[link].append(state)
        return tuple(map(tuple, found))

    @cached_property
    def classes(self) -> tuple[tuple[int, ...], ...]:
        """States of each symbol, rising."""
        found: list[list[int]] = [[] for _ in range(self.num_symbols)]
        for state, symbol in enumerate(self.symbol[1:].tolist(), start=1):
            found[symbol].append(state)
        return tuple(map(tuple, found))

    @cached_property
    def code(self) -> tuple[tuple[int, int], ...]:
        """Compror words as (length, place): (0, state) is a new symbol."""
        words, start, lrs = [], 0, self.lrs.tolist()
        while start < self.num_states - 1:
            stop = start
            while stop < self.num_states - 1 and lrs[stop + 1] >= stop - start + 1:
                stop += 1
            if stop == start:
                stop += 1
                words.append((0, stop))
            else:
                words.append((stop - start, int(self.suffix[stop]) - stop + start + 1))
            start = stop
        return tuple(words)

    def extend(self, features: npt.ArrayLike) -> Oracle:
        """Return the oracle with more frames at its end, built from where this one stops.

        Parameters
        ----------
        features : array_like, shape (N, D)
        """
        more = check_features(features)
        if more.shape[1] != self.features.shape[1]:
            raise ParameterError(f'features have {more.shape[1]} columns; this oracle has '
                                 f'{self.features.shape[1]}')
        if self.silence == 'ignore':
            more = more[~is_silent(more)]
        return _grow(self, np.concatenate([self.features, more]))

    def to_vmo(self) -> Any:
        """Return the same as vmo's own oracle (``vmo.VMO.oracle.MO``), on which vmo works."""
        from qbdi_m21.oracle.interchange import to_vmo
        return to_vmo(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the oracle as `.npz`, without pickles; a distance must be a name."""
        if callable(self.distance):
            raise ParameterError('the distance is a function, which a file cannot hold; build the '
                                 'oracle with one that has a name')
        about = {'format': FORMAT, 'threshold': self.threshold, 'distance': self.distance,
                 'silence': self.silence}
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        with write_aside(path) as aside, open(aside, 'wb') as file:
            np.savez(file, about=np.array(json.dumps(about)), **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Oracle:
        """Return an oracle that :meth:`save` wrote.

        Raises
        ------
        ParameterError
            If the file is none of these.
        """
        try:
            # opened here: numpy leaves a file open that is no whole archive
            with open(path, 'rb') as file, np.load(file, allow_pickle=False) as held:
                about = json.loads(str(held['about']))
                arrays = {name: held[name] for name in _ARRAYS}
            version = about.pop('format', None)
            found = cls(**about, **arrays) if version == FORMAT else None
            whole = found is None or _is_whole(found)
        except _READ_ERRORS as error:
            raise ParameterError(f'{path} holds no oracle ({type(error).__name__}: {error}); '
                                 'expected a file of Oracle.save') from error
        if not whole:
            raise ParameterError(f'{path} holds no oracle (its states do not fit together); '
                                 'expected a file of Oracle.save')
        if found is None:
            raise ParameterError(f'{path} has another format than {FORMAT}; save the oracle again')
        return found


_ARRAYS = ('features', 'suffix', 'lrs', 'symbol', 'transition_starts', 'transition_goals')

#: What reading a file can end with that is none, or damaged.
_READ_ERRORS = (OSError, KeyError, TypeError, ValueError, AttributeError, EOFError, ArithmeticError,
                RuntimeError, MemoryError, SyntaxError, tokenize.TokenError,
                zipfile.BadZipFile, zlib.error)


def _is_whole(oracle: Oracle) -> bool:
    """Return whether what was read can be an oracle: compiled code goes where links lead."""
    states = [oracle.suffix, oracle.lrs, oracle.symbol]
    starts, goals = oracle.transition_starts, oracle.transition_goals
    count = len(oracle.features) + 1
    check_features(oracle.features)
    check_distance(oracle.distance, oracle.features.shape[1])
    check_silence(oracle.silence, oracle.distance)
    if oracle.features.dtype != np.float64 or not oracle.threshold >= 0 or any(
            values.shape != (count,) for values in states) or starts.shape != (count + 1,) or any(
            values.dtype != np.int32 for values in (*states, starts, goals)):
        return False
    later = np.arange(1, count)
    links, lengths, symbols = (values[1:] for values in states)
    return bool(
        oracle.suffix[0] == -1 and np.all((links >= 0) & (links < later))
        and oracle.lrs[0] == 0 and np.all((lengths >= 0) & (lengths <= links))
        and oracle.symbol[0] == -1 and np.all((symbols >= 0) & (symbols < later))
        and starts[0] == 0 and starts[-1] == len(goals) and np.all(np.diff(starts) >= 0)
        and np.all(goals > np.repeat(np.arange(count), np.diff(starts))) and np.all(goals < count))


def build_oracle(features: npt.ArrayLike, threshold: float, distance: Distance = 'euclidean', *,
                 silence: str | None = None) -> Oracle:
    """Return the Variable Markov Oracle of a feature sequence at one threshold.

    Parameters
    ----------
    features : array_like, shape (T, D)
        One row a frame; T >= 1, finite.
    threshold : float
        Frames strictly closer than this can be one symbol; >= 0. 0 joins nothing.
    distance : str or callable
        As of :func:`qbdi_m21.oracle.distances.distance_rows`: 'euclidean', 'cosine', 'tonnetz',
        'pitch-class-set', 'kl', 'symmetric-kl', 'bhattacharyya', a metric of scipy, or a
        function of (new frame, earlier frame).
    silence : {'symbol', 'ignore', 'vmo'}, optional
        What zero vectors are: equal to each other and to nothing else; left out; or what the
        distance makes of them. 'symbol' by default for cosine and pitch-class sets, which
        cannot compare them, else 'vmo'.

    Returns
    -------
    Oracle
        The same as ``vmo.build_oracle`` with flag 'a' and suffix method 'inc'.

    Raises
    ------
    ParameterError
        If features, threshold or distance are none.

    Notes
    -----
    Source: Wang & Dubnov 2015.
    """
    values = check_features(features)
    check_distance(distance, values.shape[1])
    meaning = check_silence(silence, distance)
    if not threshold >= 0:
        raise ParameterError(f'threshold is {threshold}; expected a number >= 0')
    if meaning == 'ignore':
        values = check_features(values[~is_silent(values)])
    return _grow(empty_oracle(values.shape[1], threshold, distance, meaning), values)


def _grow(oracle: Oracle, features: FloatArray) -> Oracle:
    """Return an oracle of all features, of which the first are those of the one given."""
    unique, index = different_frames(features)

    def blocks() -> Iterator[Block]:
        step = max(MAX_DISTANCES // max(len(unique), 1), 1)
        for start in range(len(oracle.features), len(features), step):
            stop = min(start + step, len(features))
            # distances once for each different frame of the block
            new, rows = np.unique(index[start:stop], return_inverse=True)
            yield start, stop, distance_rows(unique[new], unique, oracle.distance,
                                             silence=oracle.silence), rows.ravel()

    return grow(oracle, features, index, blocks(), len(unique))


def grow(oracle: Oracle, features: FloatArray, index: npt.NDArray[np.int64],
         blocks: Iterable[Block], vectors: int) -> Oracle:
    """Return an oracle of all features, block of distances by block.

    Parameters
    ----------
    oracle : Oracle
        Of the first frames, or of none.
    features : ndarray of float, shape (T, D)
    index : ndarray of int64, shape (T,)
        Which of the different feature vectors each frame has.
    blocks : iterable of (start, stop, distances, rows)
        As of :func:`qbdi_m21.oracle.kernel.advance`.
    vectors : int
        Number of different feature vectors.
    """
    from qbdi_m21.oracle.kernel import LRS, SUFFIX, SYMBOL, advance, flat_transitions
    build = _resume(oracle, len(features) + 1, index, vectors)
    for start, stop, distances, rows in blocks:
        build = advance(build, distances, rows, index, start, stop, oracle.threshold)
    starts, goals = flat_transitions(build)
    suffix, lrs, symbol = (np.ascontiguousarray(build.states[:, column])
                           for column in (SUFFIX, LRS, SYMBOL))
    return replace(oracle, features=features, suffix=suffix, lrs=lrs, symbol=symbol,
                   transition_starts=starts, transition_goals=goals)


def _resume(oracle: Oracle, states: int, index: npt.NDArray[np.int64], vectors: int) -> Any:
    """Return a build for so many states that goes on from an oracle."""
    from qbdi_m21.oracle import kernel as k
    build = k.new_build(states, vectors)
    starts, goals, count = oracle.transition_starts, oracle.transition_goals, oracle.num_states
    table, used = build.states, len(goals)
    links = np.full((max(len(build.links), used), 3), -1, dtype=np.int32)
    links[:used, k.GOAL], links[:used, k.VECTOR] = goals, index[goals - 1]
    links[:used, k.AFTER] = np.arange(1, used + 1)
    for column, name in ((k.SUFFIX, 'suffix'), (k.LRS, 'lrs'), (k.SYMBOL, 'symbol')):
        table[:count, column] = getattr(oracle, name)
    some = np.flatnonzero(np.diff(starts) > 0)
    table[some, k.FIRST], table[some, k.LAST] = starts[some], starts[some + 1] - 1
    links[table[some, k.LAST], k.AFTER] = -1
    if count > 1:
        for link, linked in enumerate(oracle.followers):
            if linked:
                table[link, [k.HEAD, k.TAIL]] = linked[0], linked[-1]
                table[list(linked[:-1]), k.FOLLOWER] = linked[1:]
        build.sizes[:] = used, oracle.num_symbols
        first = np.array([states_there[0] for states_there in oracle.classes])
        build.firsts[:len(first)] = np.stack([first, index[first - 1]], axis=1)
    return build._replace(links=links)


def empty_oracle(dimensions: int, threshold: float, distance: Distance, silence: str) -> Oracle:
    """Return the oracle of no frame."""
    nothing = np.full(1, -1, dtype=np.int32)
    return Oracle(np.zeros((0, dimensions)), float(threshold), distance, silence, nothing,
                  np.zeros(1, dtype=np.int32), nothing, np.zeros(2, dtype=np.int32), nothing[:0])
