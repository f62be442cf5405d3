"""Scores made of a score's own frames, and longer latent sequences, by walks on an oracle."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from music21 import stream

from qbdi_m21.analysis.information_rate import analysis_chroma
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.digest import notes_sha256
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.measures import as_score
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.roll import Frames
from qbdi_m21.frames.windows import layout_windows, windows_to_frames
from qbdi_m21.improvisation.operations import ModelLike, name_of, serve
from qbdi_m21.improvisation.recipe import attach
from qbdi_m21.improvisation.settings import Settings, check_bars, check_seed
from qbdi_m21.improvisation.transmission import Encoding, encode_frames
from qbdi_m21.notation.engrave import plain_title, to_score
from qbdi_m21.notation.marks import Mark
from qbdi_m21.oracle.resynthesis import follow, walk
from qbdi_m21.oracle.threshold import Threshold, find_threshold

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Resynthesis:
    """A score made of frames of another, and where each of them is from.

    Attributes
    ----------
    score : music21.stream.Score
        ``derivation.method`` is 'resynthesise'; ``derivation.recipe`` says how it was made.
    source_frames : ndarray of int64, shape (N,)
        Analysis frame (or bar, of latents) of the source for each of the result.
    source_grid, grid : Grid
        The frames of the source and of the result.
    threshold : Threshold
        The search, with the oracle that was walked.
    """

    score: stream.Score
    source_frames: IntArray
    source_grid: Grid
    grid: Grid
    threshold: Threshold

    def passages(self) -> tuple[tuple[Fraction, Fraction, int, Fraction], ...]:
        """Return (start, end, source measure, source beat) of each passage that stayed whole.

        Start and end are quarter lengths of the result.
        """
        starts = np.flatnonzero(np.diff(self.source_frames, prepend=-2) != 1)
        ends = [*starts[1:].tolist(), len(self.source_frames)]
        found = []
        for start, end in zip(starts.tolist(), ends, strict=True):
            offset = self.source_grid.offset_at_frame(int(self.source_frames[start]))
            found.append((self.grid.offset_at_frame(start), self.grid.offset_at_frame(end),
                          *self.source_grid.beat_at_offset(offset)))
        return tuple(found)

    def marks(self) -> tuple[Mark, ...]:
        """Return marks that name the source measure of each passage, for :func:`annotate`."""
        return tuple(Mark('passage', f'm. {measure}, {float(beat):g}', 'improvisation', start, end,
                          below=True) for start, end, measure, beat in self.passages())


def resynthesise(score: stream.Stream, query: stream.Stream | None = None, *,
                 bars: int | None = None, model: ModelLike | None = None,
                 step: float | Fraction = Fraction(1, 2), continuity: float = 0.87,
                 min_lrs: int | None = None, jump_cost: float = 1.0,
                 search: Literal['grid', 'exact'] = 'exact', seed: int = 0) -> Resynthesis:
    """Return a score that is made of another's own passages, by a walk through its oracle.

    Parameters
    ----------
    score : music21 Stream
        The material; not changed.
    query : music21 Stream, optional
        What the walk follows: of all walks the one whose harmony is nearest. The result has
        the query's bars. Without a query the walk is free.
    bars : int, optional
        Bars of a free walk, in the meter of the material's first full bar; as many as the
        material has by default.
    model : LatentModel, str or path, optional
        Walk over the latents of the material's bars, and decode them, in place of its notes.
    step : float or Fraction
        Length of a frame of the walk in quarter lengths; an eighth by default. Of latents it
        is a bar.
    continuity, min_lrs, jump_cost
        As of :func:`qbdi_m21.oracle.resynthesis.walk` and
        :func:`~qbdi_m21.oracle.resynthesis.follow`; `min_lrs` is 2 for a free walk, 1 otherwise.
    search : {'grid', 'exact'}
        For the oracle's threshold.
    seed : int
        Of a free walk, and of cells that are drawn.

    Returns
    -------
    Resynthesis

    Raises
    ------
    ParameterError
        If an option is out of range.

    Notes
    -----
    Source: Wang, Hsu & Dubnov 2016; of latents, the open question of Dubnov 2019: the oracle
    extends a latent sequence before it is decoded.
    """
    rng = np.random.default_rng(check_seed(seed))
    material = _Material(as_score(score), model, Fraction(step).limit_denominator(960))
    found = find_threshold(material.features, distance=material.distance, search=search)
    if query is None:
        grid = material.plain_grid(bars)
        frames = walk(found.oracle, grid.num_frames, continuity=continuity,
                      min_lrs=2 if min_lrs is None else min_lrs, rng=rng)
    else:
        if bars is not None:
            raise ParameterError(f'bars is {bars}, but the query says how many; leave it out')
        asked, grid = material.heard(as_score(query))
        frames = follow(found.oracle, asked, jump_cost=jump_cost,
                        min_lrs=1 if min_lrs is None else min_lrs)
    template = None if query is None else as_score(query)
    made = to_score(material.joined(frames, grid, rng), template=template, name='Resynthesis')
    title = plain_title(material.score)
    made.metadata.title = f'Resynthesis of {title}' if title else 'Resynthesis'
    tables = [material.table] + ([] if template is None else [extract_notes(template)])
    attach(made, {
        'format': 1, 'operation': 'resynthesise', 'model': material.model_name,
        'query_notes_sha256': [notes_sha256(table) for table in tables], 'bars': bars,
        'step': str(material.step), 'continuity': continuity, 'min_lrs': min_lrs,
        'jump_cost': jump_cost, 'search': search, 'seed': seed}, score)
    return Resynthesis(made, frames, material.grid, grid, found)


class _Material:
    """What is walked: features of frames, and how frames become a piece again."""

    def __init__(self, score: stream.Score, model: ModelLike | None, step: Fraction) -> None:
        self.score, self.table = score, extract_notes(score)
        self.model = None if model is None else serve(model)
        self.model_name = '' if model is None else name_of(model)
        self.encoding: Encoding | None = None
        if self.model is None:
            if step <= 0:
                raise ParameterError(f'step is {step}; expected a positive length in quarters')
            self.step: Any = step
            self.frames = to_frames(self.table, step=_fine_step(step))
            self.features, self.grid = analysis_chroma(self.frames, step)
            self.distance = 'tonnetz'
            return
        spec = self.model.spec
        self.step = spec.window_frames * spec.step_ql
        self.frames = to_frames(self.table, step=spec.step_ql, pitch_range=spec.pitch_range)
        self.encoding = encode_frames(self.frames, self.model)
        self.features = np.concatenate([self.encoding.mean, np.log(self.encoding.variance)], axis=1)
        self.grid = Grid(self.frames.grid.bars, self.step)
        self.distance = 'symmetric-kl'

    def heard(self, query: stream.Score) -> tuple[npt.NDArray[np.float64], Grid]:
        """Return the features of a query, and their grid."""
        table = extract_notes(query)
        if self.model is None:
            return analysis_chroma(to_frames(table, step=_fine_step(self.step)), self.step)
        spec = self.model.spec
        frames = to_frames(table, step=spec.step_ql, pitch_range=spec.pitch_range)
        encoding = encode_frames(frames, self.model)
        return (np.concatenate([encoding.mean, np.log(encoding.variance)], axis=1),
                Grid(frames.grid.bars, self.step))

    def plain_grid(self, bars: int | None) -> Grid:
        """Return so many bars in the meter of the first full bar."""
        count = check_bars(len(self.frames.grid.bars) if bars is None else bars)
        whole = next((bar for bar in self.frames.grid.bars if bar.is_full),
                     self.frames.grid.bars[0])
        length = whole.length_ql + whole.lead_ql
        return Grid(tuple(Bar(k + 1, k * length, length, whole.meter, whole.beat_ql,
                              sharps=whole.sharps) for k in range(count)), self.step)

    def joined(self, walked: IntArray, grid: Grid, rng: np.random.Generator) -> Frames:
        """Return the frames of a walk as a piece on a grid."""
        if self.model is not None and self.encoding is not None:
            layout_grid = Grid(grid.bars, self.model.spec.step_ql)
            layout = layout_windows(layout_grid, self.model.spec.window_frames)
            rule, limit = Settings().decoding.resolve(self.model, self.encoding.windows)
            cells, _ = self.model.decode(self.encoding.mean[walked], rule=rule, threshold=limit,
                                         rng=rng)
            return windows_to_frames(cells, layout, layout_grid, self.model.spec.pitch_low)
        fine = Grid(grid.bars, self.frames.grid.step_ql)
        sounding = np.zeros((fine.num_frames, self.frames.num_pitches), dtype=np.bool_)
        onset = np.zeros_like(sounding)
        theirs, ours = _spans(self.grid, self.frames.grid), _spans(grid, fine)
        before = -2
        for place, source in enumerate(walked.tolist()):
            start, stop = ours[place:place + 2]
            first, last = theirs[source:source + 2]
            # frames at barlines can be short: what is there is taken
            count = min(stop - start, last - first)
            sounding[start:start + count] = self.frames.sounding[first:first + count]
            onset[start:start + count] = self.frames.onset[first:first + count]
            if source != before + 1:
                # what is held into a passage is struck where the passage begins
                onset[start] |= sounding[start]
            before = source
        return replace(self.frames, sounding=sounding, onset=onset, grid=fine)


def _fine_step(step: Fraction) -> Fraction:
    """Return the longest step of which frames of `step` and sixteenths are whole numbers."""
    return Fraction(math.gcd(4 * step.numerator, step.denominator), 4 * step.denominator)


def _spans(coarse: Grid, fine: Grid) -> IntArray:
    """Return the first fine frame of each coarse frame, and their number, shape (T + 1,)."""
    offsets, bars = coarse.offsets[:-1], coarse.frame_bars()
    return np.concatenate([fine.frames_holding(offsets, bars), [fine.num_frames]])
