"""music21 SubConverters: `converter.parse('x.parquet')`, `score.write('frames', 'x.npz')`.

They are there after :func:`register`, which nothing calls by itself: importing this package
does not change what music21 does.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from music21 import converter, stream

from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.frames.measures import as_score
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.store import save_frames, save_table
from qbdi_m21.notation.reading import read_table_score


class _Converter(converter.subConverters.SubConverter):     # type: ignore[misc]
    readBinary = True       # noqa: N815 (music21's name)

    def parseFile(self, filePath: str | Path, number: int | None = None,   # noqa: N802, N803
                  **keywords: Any) -> stream.Score:
        """Read a note table or frames from a file."""
        if number not in (None, 1):
            raise ParameterError(f'{filePath} is one piece; number is {number}, leave it out')
        self.stream = read_table_score(Path(filePath))
        return self.stream

    def _target(self, fp: Any) -> Path:
        """Return where to write: a path as given, with a suffix, or a temporary file."""
        if fp is None:
            return Path(self.getTemporaryFile())
        if not isinstance(fp, str | Path):
            raise ParameterError(f'got {type(fp).__name__}; expected a path to write to')
        suffix = self.getExtensionForSubformats()
        return Path(fp) if Path(fp).suffix else Path(fp).with_suffix(suffix)


class NoteTableConverter(_Converter):
    """Note tables: .parquet, .npz and .csv."""

    registerFormats = ('notetable', 'parquet')          # noqa: N815
    registerInputExtensions = ('parquet', 'csv')        # noqa: N815
    registerOutputExtensions = ('parquet', 'npz', 'csv')        # noqa: N815

    def write(self, obj: stream.Stream, fmt: str | None, fp: Any = None,
              subformats: Iterable[str] = (), **keywords: Any) -> Path:
        """Write the notes of a stream; keywords are those of `extract_notes`."""
        target = self._target(fp)
        save_table(extract_notes(as_score(obj), **keywords), target)
        return target


class FramesConverter(_Converter):
    """Frames: .npz."""

    registerFormats = ('frames',)               # noqa: N815
    registerInputExtensions = ('npz',)          # noqa: N815
    registerOutputExtensions = ('npz',)         # noqa: N815

    def write(self, obj: stream.Stream, fmt: str | None, fp: Any = None,
              subformats: Iterable[str] = (), **keywords: Any) -> Path:
        """Write the frames of a stream; keywords are those of `to_frames`."""
        target = self._target(fp)
        save_frames(to_frames(as_score(obj), **keywords), target)
        return target


def register() -> None:
    """Let music21 read and write note tables and frames.

    After it ``converter.parse`` takes ``.parquet``, ``.npz`` and ``.csv`` files, and streams
    can ``write('frames', 'x.npz', step=...)`` and ``write('notetable', 'x.parquet')``. Calling
    it again changes nothing.
    """
    known = converter.Converter().subConvertersList()
    for kind in (NoteTableConverter, FramesConverter):
        if kind not in known:
            converter.registerSubConverter(kind)
