"""Pictures of motifs: over time above a piano roll, and as arcs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from qbdi_m21.analysis.motifs.result import Motif
from qbdi_m21.frames.encode import Source, read_music
from qbdi_m21.frames.grid import Grid
from qbdi_m21.notation.marks import MOTIF_COLORS
from qbdi_m21.report.oracle_plots import new_axes, number_measures

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_motifs(motifs: Sequence[Motif], source: Source, axes: Axes | None = None) -> Axes:
    """Plot motifs over time, a row each, over a piano roll (Dubnov 2019, figure 4).

    Parameters
    ----------
    motifs : sequence of Motif
    source : music21 Stream, NoteTable, Frames or Music
        The same piece.
    axes : Axes, optional

    Notes
    -----
    The notes of an occurrence have its motif's colour, its row has a bar for each, hatched where
    it is varied.
    """
    axes = axes or new_axes(9, 3 + 0.25 * max(len(motifs), 1))
    frames = read_music(source).frames
    times, pitches = np.nonzero(frames.sounding)
    axes.scatter(times, pitches + frames.pitch_low, s=2, marker='s', color='#BBBBBB', linewidths=0)
    low = int(pitches.min(initial=0)) + frames.pitch_low
    grid = frames.grid
    # the first motif's colour lies on top
    for row, motif in reversed(list(enumerate(motifs))):
        color = MOTIF_COLORS[row % len(MOTIF_COLORS)]
        y = low - 5 - 4 * row
        axes.text(-0.005 * grid.num_frames, y, motif.label, fontsize=8, ha='right', va='center')
        for o in motif.occurrences:
            start, end = (grid.frame_at_offset(x) for x in (o.start_ql, o.end_ql))
            axes.broken_barh([(start, max(end - start, 1))], (y - 1.3, 2.6), facecolor=color,
                             hatch=None if o.exact else '////', edgecolor='white', linewidth=0.4)
            if o.notes:
                axes.scatter([grid.frame_at_offset(onset) for onset, _ in o.notes],
                             [pitch for _, pitch in o.notes], s=5, color=color, linewidths=0)
            else:
                axes.axvspan(start, end, color=color, alpha=0.12, linewidth=0)
    axes.set_xlim(-0.02 * grid.num_frames, grid.num_frames)
    axes.set_ylabel('MIDI pitch; motifs below')
    number_measures(axes, grid)
    return axes


def plot_motif_arcs(motifs: Sequence[Motif], grid: Grid, axes: Axes | None = None) -> Axes:
    """Plot motifs as arcs from each occurrence to the next, as wide as it is long.

    Parameters
    ----------
    motifs : sequence of Motif
    grid : Grid
        Of the piece, for measures on the axis.
    axes : Axes, optional
    """
    from matplotlib.patches import Wedge
    axes = axes or new_axes(9, 4)
    height = 0.0
    for row, motif in enumerate(motifs):
        color = MOTIF_COLORS[row % len(MOTIF_COLORS)]
        # voices that have it at the same time are one end of an arc
        spans = sorted({tuple(grid.frame_at_offset(x) for x in (o.start_ql, o.end_ql))
                        for o in motif.occurrences})
        for (a, b), (c, d) in pairwise(spans):
            middle, outer, inner = (a + d) / 2, (d - a) / 2, max((c - b) / 2, 0.0)
            if outer <= 0:
                continue
            axes.add_patch(Wedge((middle, 0), outer, 0, 180, width=outer - inner, color=color,
                                 alpha=0.35, linewidth=0))
            height = max(height, outer)
        if spans:
            axes.plot([], [], color=color, linewidth=5, alpha=0.5,
                      label=f'{motif.label} ({len(motif.occurrences)})')
    axes.set_xlim(0, grid.num_frames)
    axes.set_ylim(0, 1.05 * height or 1.0)
    axes.set_yticks([])
    if motifs:
        axes.legend(fontsize=8, loc='upper right', ncols=min(len(motifs), 5))
    number_measures(axes, grid)
    return axes
