"""From sources to a training set: files, folders, corpus works and note tables."""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import (
    CorpusError,
    EmptyScoreError,
    ParameterError,
    QbdiError,
    QbdiWarning,
    SourceWarning,
    warn,
)
from qbdi_m21.frames.midi import from_midi
from qbdi_m21.frames.table import NoteTable
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.model.split import check_split, find_works
from qbdi_m21.model.training_set import TrainingSet, table_windows
from qbdi_m21.notation.reading import MIDI_SUFFIXES
from qbdi_m21.sources import named_works, read_tables

#: How MIDI files become bars.
READINGS = ('score', 'dubnov2019')

#: The paper's author leaves out pieces of so many frames or fewer.
SHORT_FRAMES = 50

#: Works left out are named one by one up to this number.
_NAMED = 5

Source: TypeAlias = str | os.PathLike[str]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


class _UnwantedError(QbdiError):
    """A work does not fit what was asked for; the text is the reason."""


@dataclass(frozen=True)
class _Options:
    """What bars are, and which works are wanted."""

    spec: FrameSpec
    meter: str | None
    min_bars: int
    reading: str


class _LeftOut:
    """The works that were left out, and why."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.told: dict[str, str] = {}
        self.unwanted: dict[str, str] = {}

    def add(self, name: str, error: QbdiError) -> None:
        if isinstance(error, _UnwantedError):
            self.counts[str(error)] += 1
            self.unwanted[name] = str(error)
            return
        self.told[name] = str(error)
        empty = isinstance(error, EmptyScoreError)
        self.counts['without a pitched note in range' if empty else 'that cannot be used'] += 1

    def summary(self) -> str:
        first = next((f' ({name}: {why})' for name, why in self.told.items()), '')
        return ', '.join(f'{n} {why}' for why, n in sorted(self.counts.items())) + first

    def warn(self) -> None:
        if len(self.told) > _NAMED:
            warn(f'{len(self.told)} works cannot be used; left out: {self.summary()}',
                 SourceWarning)
            return
        for name, why in self.told.items():
            warn(f'{name} is left out: {why}', SourceWarning)


def build_training_set(
    sources: Source | Iterable[Source], *, spec: FrameSpec | None = None, meter: str | None = None,
    min_bars: int = 1, split_by: str = 'title', held_out: tuple[float, float] = (0.1, 0.1),
    test_works: Iterable[str] | None = None, seed: int = 0, reading: str = 'score',
    progress: Callable[[int, int], object] | None = None,
) -> TrainingSet:
    """Return the bars of all works that sources name, split into train, validation and test.

    Parameters
    ----------
    sources : str, path or iterable of them
        Those of :func:`~qbdi_m21.sources.expand_sources`; MIDI files, scores and note tables
        may be mixed.
    spec : FrameSpec, optional
        What a window is; the paper's by default.
    meter : str, optional
        Use only works in this meter throughout (``'4/4'``).
    min_bars : int
        Leave out works of fewer bars.
    split_by : str
        'title' keeps together works that share bars, also transposed, and works of one title
        (:func:`~qbdi_m21.model.split.work_title`); 'work' the former only.
    held_out : (float, float)
        Shares of the works for validation and for the test.
    test_works : iterable of str, optional
        Names, or file names, of the works that make the test, all and no others. The second
        share then does not count; works that belong with them are left out.
    seed : int
        Of the split.
    reading : str
        'score' reads bars by their meters. 'dubnov2019' reads MIDI files, and only these, as the
        paper's author did: whole bars of 16 sixteenths from time 0, whatever the meter, of
        pieces of more than 50 frames.
    progress : callable, optional
        Called with (sources read, sources) after each one.

    Returns
    -------
    TrainingSet
        Works are named as they were given, those of a folder from its name on. What was left
        out is counted in `about`.

    Raises
    ------
    CorpusError
        If a source names nothing, or no work is left.
    ParameterError
        If an option is out of range.

    Warns
    -----
    SourceWarning
        For works that cannot be read or hold no note; they are left out.
    """
    options = _Options(spec or FrameSpec(), meter, min_bars, reading)
    _check_options(options)
    check_split(split_by, held_out, seed)
    given = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    works = sorted(named_works([os.fspath(source) for source in given]).items())
    windows: dict[str, BoolArray] = {}
    left_out = _LeftOut()
    for done, (name, work) in enumerate(works, 1):
        _add_windows(windows, left_out, name, work, options)
        if progress is not None:
            progress(done, len(works))
    if not windows:
        raise CorpusError(f'no work is left; left out: {left_out.summary()}; give works with '
                          'pitched notes, or ask for less')
    left_out.warn()
    listed = None if test_works is None else _listed(test_works, sorted(windows), left_out)
    return TrainingSet.from_windows(
        windows, spec=options.spec, split_by=split_by, held_out=held_out, test_works=listed,
        seed=seed, about={'meter': meter, 'min_bars': min_bars, 'reading': reading,
                          'left_out': dict(left_out.counts), 'not_used': sorted(left_out.told)})


def _check_options(options: _Options) -> None:
    meter, reading = options.meter, options.reading
    if reading not in READINGS:
        raise ParameterError(f'reading is {reading!r}; expected {" or ".join(READINGS)}')
    if options.min_bars < 1:
        raise ParameterError(f'min_bars is {options.min_bars}; expected at least 1')
    if meter is not None and not re.fullmatch(r'\d+/\d+', meter):
        raise ParameterError(f'meter is {meter!r}; expected one such as 4/4, or none for all')
    if reading == 'dubnov2019' and (meter is not None or options.spec != FrameSpec()):
        raise ParameterError("reading 'dubnov2019' has bars of its own: 16 sixteenths of 78 "
                             'pitches, whatever the meter; leave meter and spec out')


def _listed(test_works: Iterable[str], names: list[str], left_out: _LeftOut) -> list[str]:
    """Return the test works by name; an error that tells which of them were left out."""
    listed = [test_works] if isinstance(test_works, str) else list(test_works)
    try:
        return [names[place] for place in find_works(listed, names)]
    except CorpusError as error:
        for name, why in (left_out.told | left_out.unwanted).items():
            if {name, name.rpartition('/')[2]} & {*listed}:
                raise CorpusError(f'{name}, of the list of test works, is left out: {why}; take '
                                  'it off the list') from error
        raise


def _add_windows(windows: dict[str, BoolArray], left_out: _LeftOut, name: str, work: str,
                 options: _Options) -> None:
    """Add the windows of one source, by the names of its works, or why it has none."""
    with warnings.catch_warnings():     # of notes that a reader moves or drops; too many to tell
        warnings.simplefilter('ignore', QbdiWarning)
        try:
            makers = _makers(name, work, options)
        except QbdiError as error:
            left_out.add(name, error)
            return
        for own, make in makers.items():
            try:
                if own in windows:
                    raise CorpusError('another work of this name is there already')
                windows[own] = _with_notes(make(), options.spec)
            except QbdiError as error:
                left_out.add(own, error)


def _makers(name: str, work: str, options: _Options) -> dict[str, Callable[[], BoolArray]]:
    """Return what makes the windows of each work of a source; they may fail one by one."""
    if options.reading == 'dubnov2019':
        return {name: partial(_dubnov_windows, work, options)}
    return {own: partial(_score_windows, make, options)
            for own, make in read_tables(work, name).items()}


def _score_windows(make: Callable[[], NoteTable], options: _Options) -> BoolArray:
    table = make()
    if options.meter is not None and {bar.meter for bar in table.bars} != {options.meter}:
        raise _UnwantedError(f'not in {options.meter} throughout')
    if len(table.bars) < options.min_bars:
        raise _UnwantedError(f'with fewer than {options.min_bars} bars')
    return table_windows(table, options.spec)


def _dubnov_windows(work: str, options: _Options) -> BoolArray:
    if not work.lower().endswith(MIDI_SUFFIXES):
        raise ParameterError("it is no MIDI file, and reading 'dubnov2019' takes no other")
    frames = from_midi(work, preset='dubnov2019')
    planes = np.hstack([frames.sounding, frames.onset])
    size = options.spec.window_frames
    bars = len(planes) // size
    if len(planes) <= SHORT_FRAMES:
        raise _UnwantedError(f'with {SHORT_FRAMES} frames or fewer')
    if bars < options.min_bars:
        raise _UnwantedError(f'with fewer than {options.min_bars} bars')
    return planes[:bars * size].reshape(bars, size, planes.shape[1])


def _with_notes(windows: BoolArray, spec: FrameSpec) -> BoolArray:
    if not windows.any():
        raise EmptyScoreError(f'no note lies in MIDI {spec.pitch_low} to {spec.pitch_high - 1}')
    return windows
