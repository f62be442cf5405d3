"""From a name or a file to a Score: `corpus:bach/bwv66.6`, MusicXML, MIDI, note tables, ..."""

from __future__ import annotations

import struct
import warnings
import zipfile
import zlib
from pathlib import Path

from music21 import common, converter, corpus, stream
from music21.exceptions21 import Music21Exception

from qbdi_m21.errors import ParameterError, ScoreError
from qbdi_m21.frames.measures import as_score
from qbdi_m21.frames.midi import read_midi
from qbdi_m21.frames.raster import quantize
from qbdi_m21.frames.store import TABLE_SUFFIXES, load_frames, load_table, npz_kind
from qbdi_m21.notation.checking import SUFFIXES
from qbdi_m21.notation.engrave import engrave, to_score
from qbdi_m21.notation.record import restore_record
from qbdi_m21.notation.safety import check_file

#: What music21's readers raise on a damaged file; its own errors and those of its parsers.
_READ_ERRORS = (Music21Exception, ValueError, TypeError, KeyError, IndexError, AttributeError,
                OSError, EOFError, SyntaxError, NotImplementedError, ArithmeticError, RuntimeError,
                zipfile.BadZipFile, zlib.error, struct.error)

CORPUS_PREFIX = 'corpus:'
MIDI_SUFFIXES = ('.mid', '.midi')


def load_score(source: str | Path, *, number: int | None = None, cached: bool = True
               ) -> stream.Score:
    """Return the score of a file or of a work in music21's corpus.

    Parameters
    ----------
    source : str or Path
        A path, or a corpus name behind ``'corpus:'`` (``'corpus:bach/bwv66.6'``).
    number : int, optional
        Which score of a book of several (an Opus), counted from 1.
    cached : bool
        False reads the file itself, where music21 might take its own cache, which two processes
        can write at once.

    Raises
    ------
    ScoreError
        If there is no such file or work, it cannot be read, or it is a book and `number`
        is not given.
    """
    name = str(source)
    score = as_score(_pick(_parse(source, cached=cached), number, name))
    if not len(score.recurse().notes):
        raise ScoreError(f'{name} holds no note; expected a score with pitched notes')
    return score


def load_scores(source: str | Path, *, cached: bool = True) -> tuple[stream.Score, ...]:
    """Return the scores of a book (an Opus) in order, or the one of any other source.

    Parameters and errors are those of :func:`load_score`.
    """
    parsed = _parse(source, cached=cached)
    if isinstance(parsed, stream.Opus):
        return tuple(as_score(score) for score in parsed.scores)
    return (as_score(parsed),)


def _parse(source: str | Path, *, cached: bool = True) -> stream.Stream:
    """Return what a source holds, whatever its kind."""
    name = str(source)
    if name.startswith(CORPUS_PREFIX):
        return _load_corpus(name, cached=cached)
    if not name.strip():
        raise ScoreError('no query given; expected a file, or corpus:NAME')
    path = Path(source)
    if path.is_dir():
        raise ScoreError(f'{name} is a folder; expected one score file')
    if not path.is_file():
        raise ScoreError(f'no such file: {name}; give a path, or corpus:NAME for a work of '
                         "music21's corpus (corpus:bach/bwv66.6)")
    suffix = path.suffix.lower()
    if suffix in MIDI_SUFFIXES:
        return read_midi_score(path)
    if suffix in TABLE_SUFFIXES:
        return read_table_score(path)
    return _load_file(path, cached=cached)


def read_table_score(path: Path) -> stream.Score:
    """Return a note table, or frames (.npz), as a score."""
    if path.suffix.lower() == '.npz' and npz_kind(path) == 'frames':
        score = to_score(load_frames(path))
    else:
        score = engrave(load_table(path))
    score.metadata.title = path.stem
    return score


def read_midi_score(path: Path) -> stream.Score:
    """Return a MIDI file as a score, one part a track and channel.

    On the longest grid that moves no note by much (``step='auto'``): a player's notes, and
    files whose notes end a little early, would not be legible otherwise.
    """
    score = engrave(quantize(read_midi(path), 'auto'))
    score.metadata.title = path.stem
    return score


def _load_corpus(name: str, *, cached: bool) -> stream.Stream:
    work = exact_work(name.removeprefix(CORPUS_PREFIX).strip())
    try:
        return corpus.parse(work, forceSource=not cached)
    except _READ_ERRORS as error:
        raise ScoreError(f"{name} cannot be read from music21's corpus ({error})") from error


def exact_work(work: str) -> str:
    """Return the corpus path that a name means, or raise ScoreError with names that are near.

    The name is a path in the corpus (``'bach/bwv66.6'``), with or without suffix, or the last
    part of one that is there once. music21 itself takes any part of a path.
    """
    wanted = work.lower().strip('/')
    root = Path(common.getCorpusFilePath())
    for suffix in ('', '.mxl', '.xml', '.musicxml', '.krn', '.abc'):
        if wanted and (root / f'{work}{suffix}').is_file():     # saves listing the corpus
            return f'{work}{suffix}'
    paths = [p.relative_to(root).as_posix() for p in corpus.getCorePaths()]
    found = [p for p in paths if wanted in (p.lower(), _stem(p).lower())] or [
        p for p in paths if wanted in (Path(p).name.lower(), Path(_stem(p)).name.lower())]
    if found and len({_stem(p) for p in found}) == 1:
        return str(found[0])
    # the start of a name is enough to look for what was meant
    near = found or [p for p in paths if wanted and Path(wanted).name[:6] in p.lower()]
    hint = f'; near it: {", ".join(sorted({_stem(p) for p in near})[:4])}' if near else ''
    raise ScoreError(f"no work {work!r} in music21's corpus; expected a name such as "
                     f'corpus:bach/bwv66.6{hint}')


def _stem(path: str) -> str:
    return path.removesuffix(Path(path).suffix)


def _load_file(path: Path, *, cached: bool) -> stream.Stream:
    check_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')     # the readers' own remarks on odd files
            parsed = converter.parse(path, forceSource=not cached)
    except _READ_ERRORS as error:
        reason = str(error).strip().splitlines()
        raise ScoreError(
            f'{path} cannot be read ({type(error).__name__}: {reason[0] if reason else "?"}); '
            'expected a whole MusicXML, MXL, MIDI, ABC, kern or MEI file: export it again'
        ) from error
    if not isinstance(parsed, stream.Stream):
        raise ScoreError(f'{path} holds no score')
    if isinstance(parsed, stream.Score) and path.suffix.lower() in SUFFIXES:
        restore_record(parsed, path)
    return parsed


def _pick(parsed: stream.Stream, number: int | None, name: str) -> stream.Stream:
    if not isinstance(parsed, stream.Opus):
        if number not in (None, 1):
            raise ParameterError(f'{name} is one score; number is {number}, leave it out')
        return parsed
    scores = list(parsed.scores)
    if number is None and len(scores) != 1:
        raise ScoreError(f'{name} is a book of {len(scores)} scores; choose one by its place, '
                         f'1 to {len(scores)} (`--number 1`)')
    index = 0 if number is None else number - 1
    if not 0 <= index < len(scores):
        raise ParameterError(f'number is {number}; {name} has scores 1 to {len(scores)}')
    return scores[index]
