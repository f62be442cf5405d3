"""Motifs: repeated passages at the right places."""

import json
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from strategies import bars_of, table_of

from qbdi_m21.analysis.motifs import LABELS, find_motifs
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.frames.roll import Frames

HALF = Fraction(1, 2)
THEME = [60, 64, 67, 71, 62, 65, 69, 61]
OTHER = [59, 66, 63, 70, 68, 58, 56, 54]
BETWEEN = [[78, 73, 80], [75, 82, 77], [83, 76, 81], [79, 74, 84]]


def eighths(*pitches):
    """A piece of eighths in 4/4; None rests."""
    bars = bars_of(*['4/4'] * -(-len(pitches) // 8))
    return table_of([(k * HALF, HALF, p) for k, p in enumerate(pitches) if p is not None], bars)


def places(motif):
    return [(o.measure, o.beat, o.end_measure, o.end_beat) for o in motif.occurrences]


def sounding_at(table, occurrence):
    """Pitches that start in an occurrence, in order, counted one by one."""
    return [int(table.pitch[k]) for k in range(len(table))
            if occurrence.start_ql <= table.onset_at(k) < occurrence.end_ql]


def test_an_exact_repeat_is_found_where_it_is():
    # one bar of theme, one and a half of other notes, the theme again from the middle of a bar
    table = eighths(*THEME, *OTHER, 78, 73, 80, 75, *THEME, 82, 77, 83, 76)
    motifs = find_motifs(table, threshold=0.05)
    assert [places(m) for m in motifs] == [[(1, 1, 2, 1), (3, 3, 4, 3)]]
    assert motifs[0].length_ql == 4
    assert motifs[0].gain_frames == 8
    assert motifs[0].label == 'A'
    assert motifs[0].side == 'query'


def test_the_threshold_that_the_information_rate_chooses_finds_it_too():
    table = eighths(*THEME, *OTHER, 78, 73, 80, 75, *THEME, 82, 77, 83, 76)
    assert (1, 1, 2, 1) in [place for m in find_motifs(table) for place in places(m)]


def test_a_pickup_and_another_meter_are_counted_as_music_counts_them():
    bars = bars_of(*['6/8'] * 5, pickup_ql=HALF)
    melody = [90, *THEME[:6], *OTHER[:6], *THEME[:6], *OTHER[2:], 85, 86, 87, 88, 89, 91]
    table = table_of([(k * HALF, HALF, p) for k, p in enumerate(melody)], bars)
    found = find_motifs(table, threshold=0.05)
    assert [(1, 1, 2, 1), (3, 1, 4, 1)] in [places(m) for m in found]


def test_ids_name_exactly_the_notes_that_start_in_the_span():
    table = eighths(*THEME, *OTHER, *THEME, *BETWEEN[0], *BETWEEN[1])
    motif = find_motifs(table, threshold=0.05)[0]
    for occurrence in motif.occurrences:
        named = [table.pitch[table.element_id.tolist().index(i)] for i in occurrence.element_ids]
        assert named == sounding_at(table, occurrence) == THEME
        assert len(set(occurrence.element_ids)) == len(THEME)


def test_labels_follow_the_first_appearance():
    first, second = THEME[:5], OTHER[:5]
    table = eighths(*second, *BETWEEN[0], *first, *BETWEEN[1], *second, *BETWEEN[2], *first,
                    *BETWEEN[3], *first)
    motifs = find_motifs(table, threshold=0.01)
    assert [m.label for m in motifs] == list(LABELS[:len(motifs)])
    starts = [m.occurrences[0].start_ql for m in motifs]
    assert starts == sorted(starts)
    assert [[o.start_ql for o in m.occurrences] for m in motifs] == [[0, 8], [4, 12, 16]]
    assert [m.gain_frames for m in motifs] == [5, 10]


@pytest.mark.parametrize('work', ['bach/bwv66.6', 'ryansMammoth/AcaciaReel', 'demos/two-parts',
                                  'joplin/maple_leaf_rag'])
@pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QuantizationWarning')
def test_occurrences_in_corpus_works_keep_every_promise(corpus_score, work):
    motifs = find_motifs(corpus_score(work), min_length=4)
    assert len(motifs) <= 5
    for motif in motifs:
        assert len(motif.occurrences) >= 2
        spans = [(o.start_ql, o.end_ql) for o in motif.occurrences]
        assert all(stop <= start for (_, stop), (start, _) in pairwise(spans))
        assert motif.gain_frames == 2 * motif.length_ql * (len(spans) - 1)


def test_a_repeated_reel_has_motifs(corpus_score):
    frames = to_frames(corpus_score('bach/bwv66.6'))
    twice = Frames(np.tile(frames.sounding, (2, 1)), np.tile(frames.onset, (2, 1)),
                   type(frames.grid)(bars_of(*['2/4'] * (frames.grid.num_frames // 4))))
    starts = [o.start_ql for m in find_motifs(twice, threshold=0.01) for o in m.occurrences]
    assert 0 in starts
    assert Fraction(frames.grid.num_frames, 4) in starts


@pytest.mark.parametrize('threshold', [0.01, 0.0])
def test_a_piece_that_repeats_nothing_has_none(threshold):
    assert find_motifs(eighths(*range(60, 72)), threshold=threshold) == ()


def test_too_few_frames_for_a_motif_have_none():
    table = table_of([(k * HALF, HALF, p) for k, p in enumerate(THEME[:4])], bars_of('2/4'))
    assert find_motifs(table) == ()


def test_symmetric_chords_sound_though_their_centroid_is_zero():
    # whole-tone chords have no tonal centre, but they are no silence
    phrase = [range(60, 72, 2)] * 5 + [[67], [71], [62]]
    between = [[p] for p in (*OTHER, 78, 73, 80, 75, 82, 77, 83, 76)]
    plan = [*phrase, *between, *phrase]
    table = table_of([(k * HALF, HALF, p) for k, held in enumerate(plan) for p in held],
                     bars_of(*['4/4'] * 4))
    found = find_motifs(table, threshold=0.01)
    assert [[(o.start_ql, o.end_ql) for o in m.occurrences] for m in found] == [[(0, 4), (12, 16)]]


def test_silence_is_no_motif():
    table = eighths(*THEME, *[None] * 8, *OTHER, *[None] * 8, 78, 73, 80, 75, 82, 77, 83, 76)
    assert find_motifs(table, threshold=0.01) == ()


def test_a_piece_of_one_frame_has_none():
    assert find_motifs(table_of([(0, HALF, 60)], bars_of('1/8'))) == ()


def test_bare_frames_have_motifs_without_ids():
    frames = to_frames(eighths(*THEME, *OTHER, *THEME))
    motifs = find_motifs(frames, threshold=0.05)
    assert [o.start_ql for o in motifs[0].occurrences] == [0, 8]
    assert [o.element_ids for o in motifs[0].occurrences] == [(), ()]


def test_min_occurrences_leaves_out_rarer_motifs():
    table = eighths(*THEME, *BETWEEN[0], *OTHER, *BETWEEN[1], *THEME, *BETWEEN[2], *OTHER,
                    *BETWEEN[3], *THEME)
    assert [len(m.occurrences) for m in find_motifs(table, threshold=0.01)] == [3, 2]
    assert [len(m.occurrences) for m in find_motifs(
        table, threshold=0.01, min_occurrences=3)] == [3]


def test_min_length_leaves_out_shorter_motifs():
    table = eighths(*THEME, *OTHER, *THEME)
    assert len(find_motifs(table, threshold=0.05, min_length=8)) == 1
    assert find_motifs(table, threshold=0.05, min_length=9) == ()


def test_max_motifs_keeps_what_explains_most():
    table = eighths(*THEME[:5], *BETWEEN[0], *OTHER, *BETWEEN[1], *THEME[:5], *BETWEEN[2], *OTHER)
    kept = find_motifs(table, threshold=0.01, max_motifs=1)
    assert [(m.label, m.length_ql) for m in kept] == [('A', 4)]


def test_the_side_is_that_of_an_improvisation(corpus_score):
    score = corpus_score('bach/bwv66.6').coreCopyAsDerivation('improvise')
    found = find_motifs(score, min_length=2, threshold=0.3)
    assert found
    assert {m.side for m in found} == {'improvisation'}


def test_plain_values_can_be_written_as_json():
    motif = find_motifs(eighths(*THEME, *OTHER, *THEME), threshold=0.05)[0]
    plain = json.loads(json.dumps(motif.to_json()))
    assert plain['length_ql'] == 4.0
    assert [o['measure'] for o in plain['occurrences']] == [1, 3]


@pytest.mark.parametrize('options', [
    {'min_occurrences': 1}, {'max_motifs': 0}, {'max_motifs': 27}, {'min_length': 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ParameterError, match='expected at least 2, 1 to 26'):
        find_motifs(eighths(*THEME), **options)
