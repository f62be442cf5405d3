"""TrainingSet: the windows of many works, split by work, in one `.npz` file."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import CorpusError, QbdiWarning
from qbdi_m21.files import write_aside
from qbdi_m21.frames.raster import table_to_frames
from qbdi_m21.frames.table import NoteTable
from qbdi_m21.frames.windows import frames_to_windows, layout_windows
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.model.split import related_works, split_groups

SPLITS = ('train', 'validation', 'test')


@dataclass(frozen=True)
class TrainingSet:
    """Windows of works.

    Attributes
    ----------
    windows : ndarray of bool, shape (N, W, 2P)
        Sounding plane, then onset plane.
    work : ndarray of int64, shape (N,)
        Index into `works`.
    works : tuple of str
        Names of the works.
    split : ndarray of int64, shape (number of works,)
        0 train, 1 validation, 2 test: a work is never divided.
    spec : FrameSpec
        What a window is.
    about : dict
        Where the works come from and how they were chosen.
    """

    windows: npt.NDArray[np.bool_]
    work: npt.NDArray[np.int64]
    works: tuple[str, ...]
    split: npt.NDArray[np.int64]
    spec: FrameSpec
    about: dict[str, Any]

    def __post_init__(self) -> None:
        shape = (len(self.work), self.spec.window_frames, 2 * self.spec.num_pitches)
        if self.windows.shape != shape or len(self.split) != len(self.works):
            raise CorpusError(f'windows have shape {self.windows.shape}, expected {shape}; '
                              f'{len(self.split)} splits for {len(self.works)} works')
        if not len(self.windows):
            raise CorpusError('the training set holds no bar; give works with pitched notes')

    def rows(self, split: str) -> npt.NDArray[np.int64]:
        """Return the rows of one split: 'train', 'validation' or 'test'."""
        return np.flatnonzero(self.split[self.work] == SPLITS.index(split))

    def flat(self, split: str) -> npt.NDArray[np.float32]:
        """Return the windows of one split as float32, shape (n, W * 2P)."""
        rows = self.rows(split)
        return self.windows[rows].reshape(len(rows), self.spec.num_inputs).astype(np.float32)

    @classmethod
    def from_tables(
        cls, tables: Mapping[str, NoteTable], *, spec: FrameSpec | None = None,
        held_out: tuple[float, float] = (0.1, 0.1), seed: int = 0,
        about: Mapping[str, Any] | None = None,
    ) -> TrainingSet:
        """Return the windows of note tables, split by work.

        Parameters
        ----------
        tables : mapping of str to NoteTable
            By the works' names.
        spec : FrameSpec, optional
            What a window is; the paper's by default.
        held_out : (float, float)
            Shares of the works for validation and for the test.
        seed : int
            Of the split. Works that share bars, also transposed, are never divided.
        about : mapping, optional
            Added to what the set says of itself.
        """
        if not tables:
            raise CorpusError('no work to learn from; give at least one note table')
        chosen = spec or FrameSpec()
        names = sorted(tables)
        windows = [_windows(tables[name], chosen) for name in names]
        groups = related_works(windows)
        return cls(
            np.concatenate(windows), np.repeat(np.arange(len(names)), [len(w) for w in windows]),
            tuple(names), split_groups(groups, held_out, seed), chosen,
            {**(about or {}), 'held_out': list(held_out), 'split_seed': seed,
             'groups_of_related_works': int(groups.max()) + 1})

    @property
    def sha256(self) -> str:
        """Hash of windows, works and split: names the data in a model card."""
        digest = hashlib.sha256(np.packbits(self.windows).tobytes())
        digest.update(json.dumps([self.works, self.split.tolist(), self.work.tolist()]).encode())
        return digest.hexdigest()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the set; cells are packed eight to a byte."""
        about = json.dumps({'spec': self.spec.to_json(), 'about': self.about,
                            'works': list(self.works)}, sort_keys=True)
        with write_aside(path) as aside, open(aside, 'wb') as handle:
            np.savez_compressed(
                handle, cells=np.packbits(self.windows.reshape(len(self.windows), -1), axis=1),
                work=self.work, split=self.split, about=np.array(about))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TrainingSet:
        """Read a set that :meth:`save` wrote; pickles are refused.

        Raises
        ------
        CorpusError
            If the file is missing or is not a training set.
        """
        if not Path(path).is_file():
            raise CorpusError(f'no such training set: {path}; build one with `corpus-tools '
                              'dataset`')
        try:
            with open(path, 'rb') as handle, np.load(handle, allow_pickle=False) as data:
                about = json.loads(str(data['about']))
                spec = FrameSpec(**about['spec'])
                cells = np.unpackbits(data['cells'], axis=1, count=spec.num_inputs)
                shape = (len(cells), spec.window_frames, 2 * spec.num_pitches)
                return cls(cells.reshape(shape).astype(np.bool_), data['work'].astype(np.int64),
                           tuple(about['works']), data['split'].astype(np.int64), spec,
                           about['about'])
        except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, MemoryError,
                zipfile.BadZipFile, zlib.error) as error:
            raise CorpusError(f'{path} is not a training set ({error}); build one with '
                              '`corpus-tools dataset`') from error


def _windows(table: NoteTable, spec: FrameSpec) -> npt.NDArray[np.bool_]:
    with warnings.catch_warnings():     # a corpus study counts such works, not their notes
        warnings.simplefilter('ignore', QbdiWarning)
        frames = table_to_frames(table, step=spec.step_ql, pitch_range=spec.pitch_range)
    layout = layout_windows(frames.grid, spec.window_frames)
    return frames_to_windows(frames, layout, spec.window_frames)
