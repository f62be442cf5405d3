"""What is one motif, what is told of it, and what each level takes."""

import numpy as np
import pytest
from melodies import FILLS, HALF, THEME, melody, moved, piece
from strategies import bars_of, table_of

from qbdi_m21.analysis.motifs.find import find_motifs

#: Seven notes, enough for a theme.
TUNE = [*THEME, (1, 69), (1, 66)]
NEAR = [*THEME[:3], (1, 60), (1, 62)]
FAR = [(1, 76), (3, 62), (HALF, 60), (2, 69), (HALF, 67)]


def starts(motif):
    return [int(o.start_ql) for o in motif.occurrences]


@pytest.mark.parametrize(('other', 'one_motif'), [(NEAR, True), (FAR, False)])
def test_repetitions_that_share_half_of_what_they_say_are_one_motif(other, one_motif):
    motifs = find_motifs(piece(melody(THEME, FILLS[0], THEME, FILLS[1], other, FILLS[2], other,
                                      FILLS[3])))
    home = next(m for m in motifs if 0 in starts(m))
    assert starts(home)[:2] == [0, 12]
    assert (24 in starts(home)) == one_motif
    assert len(motifs) == 2 - one_motif
    if one_motif:
        assert [o.exact for o in home.occurrences] == [True, True, False, False]
        assert 0.25 < home.occurrences[2].distance == home.occurrences[3].distance < 0.5


def test_a_motif_is_told_by_the_form_that_returns_and_not_by_a_variant_before_it():
    varied = [*moved(THEME, 3)[:4], (2, 72)]
    (motif,) = find_motifs(piece(melody(varied, FILLS[0], FILLS[1], THEME, FILLS[2], THEME)))
    assert starts(motif) == [0, 21, 33]
    assert motif.first_form is motif.occurrences[1]
    assert motif.length_ql == 4
    assert [(o.transposition, o.exact) for o in motif.occurrences] == [
        (3, False), (0, True), (0, True)]


def test_two_lines_of_a_staff_in_parallel_are_one_occurrence_of_the_upper():
    upper = melody(THEME, FILLS[0], FILLS[1], THEME)
    table = piece([*upper, *((onset, length, pitch - 15, part)
                             for onset, length, pitch, part in upper)])
    (motif,) = find_motifs(table)
    assert starts(motif) == [0, 20]
    assert [[pitch for _, pitch in o.notes] for o in motif.occurrences] == [
        [pitch for _, pitch in THEME]] * 2


def test_parallel_parts_are_an_occurrence_each():
    (motif,) = find_motifs(piece(melody(THEME, FILLS[0]), melody(moved(THEME, -15), FILLS[2],
                                                                 part=1)))
    assert [(o.start_ql, o.part) for o in motif.occurrences] == [(0, 0), (0, 1)]


def test_a_motif_of_any_length_can_be_asked_for():
    phrase = [*THEME, *FILLS[0], *moved(THEME, 3), (1, 50), (2, 53), (1, 57)]
    table = piece(melody(phrase, FILLS[1], phrase, FILLS[2]))
    assert max(m.length_ql for m in find_motifs(table)) <= 12
    (motif,) = find_motifs(table, min_length=13)
    assert (motif.length_ql, starts(motif)) == (20, [0, 28])


@pytest.fixture(scope='module')
def ordered():
    """Three bars that return in their order, and a bar that returns."""
    bars = [[(1, 60), (1, 62), (1, 59), (1, 64)],
            [(1, 57), (1, 65), (HALF, 62), (HALF, 64), (1, 67)],
            [(1, 69), (1, 55), (1, 72), (1, 71)]]
    single = [(HALF, 84), (HALF, 81), (HALF, 86), (1, 79), (1, 83), (HALF, 77)]
    return piece(melody(*bars, single, FILLS[0], single, FILLS[1], *bars))


def test_chance_is_told_by_length_and_number_together(ordered):
    long, short = find_motifs(ordered, null=20)
    assert (len(long.first_form.notes), len(short.first_form.notes)) == (13, 6)
    # whatever the order of the bars, a motif inside one returns as often; not so three of them
    assert short.p_value == 1
    assert long.p_value < 0.2


def test_another_seed_is_another_order(ordered):
    values = {find_motifs(ordered, null=2, seed=seed)[0].p_value for seed in range(8)}
    assert values <= {1 / 3, 2 / 3, 1.0}
    assert find_motifs(ordered, null=2, seed=3) == find_motifs(ordered, null=2, seed=3)


@pytest.mark.parametrize(('chords', 'tunes', 'lines'), [(4, 4, 0), (3, 9, 1)])
def test_lines_are_themes_where_textures_hold_less_than_a_third(chords, tunes, lines):
    # chords of four notes, a line of eight notes for each tune, and the chords again
    block = [(k, 1, p) for k in range(chords)
             for p in (60 + 5 * k % 7, 48 - 3 * k % 5, 72 + k, 55 + 2 * k % 9)]
    line = melody(*([*moved(TUNE, k), (2, 101 - 2 * k)] for k in range(tunes)), start=chords)
    later = chords + 8 * tunes
    again = [(later + k, length, p) for k, length, p in block]
    motifs = find_motifs(table_of([*block, *line, *again], bars_of(*['4/4'] * (2 * tunes + 2))),
                         level='themes')
    assert [0, later] in [starts(m) for m in motifs if m.occurrences[0].part is None]
    assert [starts(m) for m in motifs if m.occurrences[0].part == 0] == [
        list(range(chords, later, 8))] * lines


@pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QbdiWarning')
@pytest.mark.parametrize('work', ['joplin/maple_leaf_rag', 'bach/bwv846'])
def test_a_theme_explains_a_fifth_of_what_the_first_one_does(corpus_score, work):
    values = [m.salience for m in find_motifs(corpus_score(work), level='themes')]
    assert len(values) > 1
    assert values[0] == 1
    assert min(values) >= 0.2
    assert np.all(np.diff(values) <= 0)
