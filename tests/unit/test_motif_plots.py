"""Pictures of motifs: what is drawn where."""

from fractions import Fraction

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Wedge
from melodies import FILLS, THEME, melody, moved, piece
from strategies import bars_of

import qbdi_m21 as q
from qbdi_m21.analysis.motifs.result import Motif, Occurrence
from qbdi_m21.frames.grid import Grid
from qbdi_m21.notation.marks import MOTIF_COLORS

CHANGED = [*THEME[:4], (1, 64)]
GRID = Grid(bars_of(*['4/4'] * 8))


def motif_at(*spans, label='A'):
    """Return a motif of spans in quarters, without notes."""
    one = Fraction(1)
    return Motif(label, tuple(Occurrence(Fraction(a), Fraction(b), 0, 1, one, 1, one, ())
                              for a, b in spans), one, 1)


@pytest.fixture(scope='module')
def table():
    return piece(melody(THEME, FILLS[0], THEME, FILLS[1], CHANGED),
                 melody([(3, 74)], moved(THEME, 7), FILLS[3], part=1))


def bars_in(axes):
    """Return (start, end, height, hatch) of each bar, in frames."""
    found = []
    for one in axes.collections:
        if one.get_paths() and len(one.get_offsets()) <= 1:
            box = one.get_paths()[0].get_extents()
            found.append((box.x0, box.x1, (box.y0 + box.y1) / 2, one.get_hatch()))
    return found


def test_each_occurrence_has_a_bar_where_it_is_hatched_if_it_is_varied(table):
    motifs = q.find_motifs(table)
    axes = q.plot_motifs(motifs, table)
    expected = [(4 * float(o.start_ql), 4 * float(o.end_ql), o.exact)
                for motif in motifs for o in motif.occurrences]
    assert sorted((a, b, hatch is None) for a, b, _, hatch in bars_in(axes)) == sorted(expected)
    assert {exact for *_, exact in expected} == {True, False}


def test_each_motif_has_a_row_of_its_own_below_the_notes(table):
    motifs = [motif_at((0, 4), (8, 12)), motif_at((4, 8), (12, 16), (16, 20), label='B')]
    axes = q.plot_motifs(motifs, table)
    heights = [y for *_, y, _ in bars_in(axes)]
    rows = sorted(set(heights), reverse=True)
    assert [heights.count(y) for y in rows] == [2, 3]
    assert rows[0] < int(table.pitch.min())
    assert {text.get_text(): text.get_position()[1] for text in axes.texts} == pytest.approx(
        dict(zip('AB', rows, strict=True)))


def test_the_notes_of_an_occurrence_have_its_colour(table):
    (motif, *_) = q.find_motifs(table)
    axes = q.plot_motifs([motif], table)
    color = to_rgb(MOTIF_COLORS[0])
    drawn = {tuple(place) for one in axes.collections if len(one.get_offsets()) > 1
             and to_rgb(one.get_facecolor()[0]) == color for place in one.get_offsets().tolist()}
    assert drawn == {(4 * float(onset), pitch) for o in motif.occurrences
                     for onset, pitch in o.notes}


def test_the_roll_behind_is_the_piece(table):
    axes = q.plot_motifs((), table)
    frames = q.to_frames(table)
    (roll,) = axes.collections
    assert len(roll.get_offsets()) == int(frames.sounding.sum())
    assert axes.get_xlim()[1] == frames.grid.num_frames
    assert axes.get_xlabel() == 'measure'


def test_a_motif_without_notes_is_a_stripe(table):
    axes = q.plot_motifs([motif_at((0, 2), (8, 10))], table)
    assert sorted((p.get_x(), p.get_x() + p.get_width()) for p in axes.patches) == [
        (0, 8), (32, 40)]


@pytest.mark.parametrize(('spans', 'arcs'), [
    ([(0, 4), (8, 12)], [(0, 12, 4, 8)]),
    ([(0, 4), (8, 12), (20, 24)], [(0, 12, 4, 8), (8, 24, 12, 20)]),
    ([(0, 4), (0, 4), (8, 12)], [(0, 12, 4, 8)]),       # two voices at once are one end
    ([(0, 4), (2, 6)], [(0, 6, 3, 3)]),                 # they overlap: there is no hole
])
def test_arcs_lead_from_each_occurrence_to_the_next(spans, arcs):
    axes = q.plot_motif_arcs([motif_at(*spans)], GRID)
    found = [(w.center[0] - w.r, w.center[0] + w.r, w.center[0] - w.r + w.width,
              w.center[0] + w.r - w.width) for w in axes.patches if isinstance(w, Wedge)]
    assert np.array(found) / 4 == pytest.approx(np.array(arcs))
    assert axes.get_ylim()[1] > max(w.r for w in axes.patches)


def test_the_legend_counts_occurrences_and_colours_are_those_of_the_score():
    motifs = [motif_at((k, k + 1), (20 + k, 21 + k), label='ABCDEF'[k]) for k in range(6)]
    axes = q.plot_motif_arcs(motifs, GRID)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        f'{letter} (2)' for letter in 'ABCDEF']
    colors = [to_rgb(w.get_facecolor()) for w in axes.patches]
    assert colors == [to_rgb(c) for c in (*MOTIF_COLORS, MOTIF_COLORS[0])]


def test_without_motifs_there_is_an_empty_picture():
    axes = q.plot_motif_arcs((), GRID)
    assert not axes.patches
    assert axes.get_legend() is None
    assert axes.get_xlim() == (0, GRID.num_frames)
