"""TrainingSet: the windows of many works, split by work, in one `.npz` file."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import CorpusError, QbdiWarning, SourceWarning, warn
from qbdi_m21.files import write_aside
from qbdi_m21.frames.raster import table_to_frames
from qbdi_m21.frames.table import NoteTable
from qbdi_m21.frames.windows import frames_to_windows, layout_windows
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.model.split import (
    check_split,
    find_works,
    joined_titles,
    related_works,
    split_groups,
    split_with_test,
)

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
        if not (np.isin(self.split, range(len(SPLITS))).all()
                and ((self.work >= 0) & (self.work < len(self.works))).all()):
            raise CorpusError('the training set names works or splits that it does not have')
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
        split_by: str = 'work', held_out: tuple[float, float] = (0.1, 0.1),
        test_works: Iterable[str] | None = None, seed: int = 0,
        about: Mapping[str, Any] | None = None,
    ) -> TrainingSet:
        """Return the windows of note tables, split by work.

        Parameters
        ----------
        tables : mapping of str to NoteTable
            By the works' names.
        spec, split_by, held_out, test_works, seed, about
            Those of :meth:`from_windows`.
        """
        chosen = spec or FrameSpec()
        return cls.from_windows(
            {name: table_windows(table, chosen) for name, table in tables.items()}, spec=chosen,
            split_by=split_by, held_out=held_out, test_works=test_works, seed=seed, about=about)

    @classmethod
    def from_windows(
        cls, windows: Mapping[str, npt.NDArray[np.bool_]], *, spec: FrameSpec | None = None,
        split_by: str = 'work', held_out: tuple[float, float] = (0.1, 0.1),
        test_works: Iterable[str] | None = None, seed: int = 0,
        about: Mapping[str, Any] | None = None,
    ) -> TrainingSet:
        """Return a set of windows, split by work.

        Parameters
        ----------
        windows : mapping of str to ndarray of bool, shape (n, W, 2P)
            By the works' names.
        spec : FrameSpec, optional
            What a window is; the paper's by default.
        split_by : str
            'work': works that share bars, also transposed, are never divided
            (:func:`~qbdi_m21.model.split.related_works`). 'title': nor are works of one title
            (:func:`~qbdi_m21.model.split.work_title`).
        held_out : (float, float)
            Shares of the works for validation and for the test.
        test_works : iterable of str, optional
            Names, or file names, of the works that make the test, all of them and no others;
            the second share then does not count, and the first is of the other works. Works
            that belong with them and are not named are left out, with a warning.
        seed : int
            Of the split.
        about : mapping, optional
            Added to what the set says of itself.
        """
        if not windows:
            raise CorpusError('no work to learn from; give at least one')
        check_split(split_by, held_out, seed)
        chosen = spec or FrameSpec()
        names = sorted(windows)
        _check_windows(windows, chosen)
        groups = related_works([windows[name] for name in names])
        if split_by == 'title':
            groups = joined_titles(groups, names)
        split = split_groups(groups, held_out, seed) if test_works is None else split_with_test(
            groups, find_works(test_works, names), held_out[0], seed)
        kept = np.flatnonzero(split >= 0)
        _warn_of_split(split, held_out if test_works is None else (held_out[0], 0))
        facts = {'held_out': list(held_out), 'split_seed': seed, 'split_by': split_by,
                 'groups_of_related_works': len(np.unique(groups[kept]))}
        if test_works is not None:
            facts['listed_test_works'] = int((split == 2).sum())
            facts['left_out_beside_the_test'] = len(names) - len(kept)
        held = [windows[names[k]] for k in kept]
        return cls(np.concatenate(held), np.repeat(np.arange(len(kept)), [len(w) for w in held]),
                   tuple(names[k] for k in kept), split[kept], chosen, {**(about or {}), **facts})

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


def table_windows(table: NoteTable, spec: FrameSpec) -> npt.NDArray[np.bool_]:
    """Return the windows of a note table, shape (n, W, 2P)."""
    with warnings.catch_warnings():     # a corpus study counts such works, not their notes
        warnings.simplefilter('ignore', QbdiWarning)
        frames = table_to_frames(table, step=spec.step_ql, pitch_range=spec.pitch_range)
    layout = layout_windows(frames.grid, spec.window_frames)
    return frames_to_windows(frames, layout, spec.window_frames)


def _check_windows(windows: Mapping[str, npt.NDArray[np.bool_]], spec: FrameSpec) -> None:
    shape = (spec.window_frames, 2 * spec.num_pitches)
    for name, own in windows.items():
        if own.dtype != np.bool_ or own.ndim != 3 or own.shape[1:] != shape:
            raise CorpusError(f'the windows of {name} are {own.dtype} of shape {own.shape}; '
                              f'expected bool of shape (n, {shape[0]}, {shape[1]})')


def _warn_of_split(split: npt.NDArray[np.int64], wanted: tuple[float, float]) -> None:
    """Tell what was left out, and which shares came out empty."""
    beside = int((split < 0).sum())
    if beside:
        warn(f'{beside} works that belong with the test works (shared bars or title) and are not '
             'among them are left out', SourceWarning)
    empty = [name for place, name in ((1, 'validation'), (2, 'test'))
             if wanted[place - 1] and not (split == place).any()]
    if len(empty) == 2:
        warn('nothing could be held out: the works are too few, or all related; measures will be '
             'those of the training bars', QbdiWarning)
    elif empty:
        warn(f'nothing could be held out for {empty[0]}: the works are too few, or most are '
             'related', QbdiWarning)
