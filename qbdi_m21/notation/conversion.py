"""From one kind of file to another: scores, MIDI, note tables and frames."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from qbdi_m21.errors import ParameterError, QbdiError
from qbdi_m21.frames.midi import read_midi
from qbdi_m21.frames.midi_out import write_midi
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.raster import StepLike, frames_to_table, quantize, table_to_frames
from qbdi_m21.frames.roll import PITCH_RANGE
from qbdi_m21.frames.store import (
    TABLE_SUFFIXES,
    load_frames,
    load_table,
    npz_kind,
    save_frames,
    save_table,
)
from qbdi_m21.frames.table import NoteTable
from qbdi_m21.notation.checking import SUFFIXES
from qbdi_m21.notation.engrave import engrave
from qbdi_m21.notation.musicxml import write_musicxml
from qbdi_m21.notation.reading import CORPUS_PREFIX, MIDI_SUFFIXES, load_score

OUTPUT_SUFFIXES = (*SUFFIXES, *MIDI_SUFFIXES, *TABLE_SUFFIXES)


@contextlib.contextmanager
def naming(source: str | os.PathLike[str]) -> Iterator[None]:
    """Let errors inside say which source they are about."""
    try:
        yield
    except QbdiError as error:
        if str(source) in str(error):
            raise
        raise type(error)(f'{source}: {error}') from error


def read_notes(source: str | os.PathLike[str], *, number: int | None = None,
               expand_repeats: bool = False) -> NoteTable:
    """Return the notes of any source: a score, a MIDI file, a note table or frames.

    Parameters
    ----------
    source : str or path
        What :func:`qbdi_m21.load_score` takes.
    number : int, optional
        Which score of a book of several (an Opus), counted from 1.
    expand_repeats : bool
        Play the repeats of a score out; a MIDI file and a table have none.

    Raises
    ------
    ScoreError, FramesError
        If it cannot be read.
    """
    path = Path(source)
    suffix = '' if str(source).startswith(CORPUS_PREFIX) else path.suffix.lower()
    if suffix not in (*MIDI_SUFFIXES, *TABLE_SUFFIXES):
        score = load_score(os.fspath(source), number=number)
        with naming(source):
            return extract_notes(score, expand_repeats=expand_repeats)
    if number not in (None, 1):
        raise ParameterError(f'{path} is one piece; number is {number}, leave it out')
    if suffix in MIDI_SUFFIXES:
        return read_midi(path)
    if suffix == '.npz' and npz_kind(path) == 'frames':
        return frames_to_table(load_frames(path))
    return load_table(path)


def convert_file(
    source: str | os.PathLike[str], target: str | os.PathLike[str], *, number: int | None = None,
    step: StepLike | None = None, frames: bool = False,
    pitch_range: tuple[int, int] | None = None, outside: Literal['drop', 'fold'] = 'drop',
    expand_repeats: bool = False,
) -> str:
    """Convert a file, or a work of the corpus, to the kind of file that the target's suffix says.

    Parameters
    ----------
    source, target : str or path
    number : int, optional
        Which score of a book of several (an Opus), counted from 1.
    step : number or str, optional
        Grid to which notes are moved; see :func:`qbdi_m21.to_frames`. Notes stay exact without
        one, but frames take 0.25, and a score from MIDI takes 'auto', to be legible.
    frames : bool
        Write frames (.npz) instead of a note table.
    pitch_range, outside
        Of frames; see :func:`qbdi_m21.to_frames`.
    expand_repeats : bool
        Play the repeats of a score out.

    Returns
    -------
    str
        What was written, in words.
    """
    path = Path(target)
    suffix = path.suffix.lower()
    if suffix not in OUTPUT_SUFFIXES:
        raise ParameterError(f'{path} ends in {path.suffix!r}; expected one of '
                             f'{", ".join(OUTPUT_SUFFIXES)}')
    if (frames and suffix != '.npz') or (pitch_range and not frames):
        raise ParameterError('frames are written as .npz, and only frames have a pitch range; '
                             f'the target is {path}')
    if suffix in SUFFIXES and step is None and not expand_repeats and _is_notated(source):
        write_musicxml(load_score(os.fspath(source), number=number), path, keep=False)
        return 'the score as it is notated'
    table = read_notes(source, number=number, expand_repeats=expand_repeats)
    if frames:
        made = table_to_frames(table, step=0.25 if step is None else step,
                               pitch_range=pitch_range or PITCH_RANGE, outside=outside)
        save_frames(made, path)
        return (f'{made.grid.num_frames} frames of {made.grid.step_ql} x {made.num_pitches} '
                'pitches, sounding and onset')
    if step is None and suffix in SUFFIXES and Path(source).suffix.lower() in MIDI_SUFFIXES:
        step = 'auto'
    if step is not None:
        table = quantize(table, step)
    if suffix in SUFFIXES:
        score = engrave(table)
        score.metadata.title = Path(str(source).removeprefix(CORPUS_PREFIX)).stem
        write_musicxml(score, path, keep=False)
    elif suffix in MIDI_SUFFIXES:
        write_midi(table, path)
    else:
        save_table(table, path, work=str(source))
    return f'notes {len(table)}, bars {len(table.bars)}, parts {len(table.part_names)}'


def _is_notated(source: str | os.PathLike[str]) -> bool:
    """Return whether a source is a score already."""
    return str(source).startswith(CORPUS_PREFIX) or (
        Path(source).suffix.lower() not in (*MIDI_SUFFIXES, *TABLE_SUFFIXES))
