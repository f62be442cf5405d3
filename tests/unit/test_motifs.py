"""Motifs: what returns, as the right notes at the right places."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from melodies import FILLS, HALF, THEME, melody, moved, piece
from music21 import note, stream
from musicxml_checks import fingerprint
from strategies import bars_of, table_of

import qbdi_m21 as q
from qbdi_m21.analysis.motifs.find import find_motifs
from qbdi_m21.analysis.motifs.result import LABELS
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.encode import Music, to_frames
from qbdi_m21.frames.table import make_note_table


def starts(motif):
    return [(o.start_ql, o.part) for o in motif.occurrences]


@pytest.fixture(scope='module')
def imitation():
    """A theme, answered a fifth above in another part, and back."""
    return piece(melody(THEME, FILLS[0], FILLS[1], THEME),
                 melody(FILLS[2], moved(THEME, 7), FILLS[3], part=1))


def test_a_theme_is_found_in_every_voice_and_transposition(imitation):
    (motif,) = find_motifs(imitation)
    assert starts(motif) == [(0, 0), (8, 1), (20, 0)]
    assert [o.transposition for o in motif.occurrences] == [0, 7, 0]
    assert all(o.exact and o.distance == 0 for o in motif.occurrences)
    assert (motif.label, motif.side, motif.length_ql, motif.salience) == ('A', 'query', 4, 1)
    assert motif.gain_notes == 10
    assert motif.coverage == 15 / len(imitation)
    assert motif.compression == 15 / (5 + 2)
    assert motif.p_value is None


def test_an_occurrence_is_the_notes_and_nothing_else(imitation):
    (motif,) = find_motifs(imitation)
    ids = imitation.element_id.tolist()
    for o in motif.occurrences:
        rows = [ids.index(one) for one in o.element_ids]
        assert [int(imitation.pitch[k]) - o.transposition for k in rows] == [p for _, p in THEME]
        assert [(imitation.onset_at(k), int(imitation.pitch[k])) for k in rows] == list(o.notes)
        assert o.end_ql == imitation.end_at(rows[-1])
    assert [(o.measure, o.beat, o.end_measure, o.end_beat) for o in motif.occurrences] == [
        (1, 1, 2, 1), (3, 1, 4, 1), (6, 1, 6, 5)]       # the last bar's end is its own


def test_a_tonal_answer_and_a_changed_note_are_told_apart():
    answer = [(1, 67), (HALF, 71), (HALF, 69), (1, 74), (1, 72)]            # G major, exact
    changed = [(1, 60), (HALF, 64), (HALF, 62), (1, 67), (1, 64)]           # another last note
    table = piece(melody(THEME, FILLS[0], answer, FILLS[1], changed, FILLS[2], changed, FILLS[3],
                         THEME))
    motif = find_motifs(table)[0]
    told = {o.start_ql: o.exact for o in motif.occurrences}
    assert [told[k] for k in (0, 12, 48)] == [True, True, True]
    assert [told[k] for k in (24, 36)] == [False, False]
    assert all(0 < o.distance <= 0.5 for o in motif.occurrences if not o.exact)


def test_a_tonal_answer_is_the_subject_varied():
    # the fifth from tonic to dominant is answered by a fourth
    subject = [(1, 60), (HALF, 67), (HALF, 65), (1, 64), (1, 62), (1, 60)]
    answer = [(1, 67), (HALF, 72), (HALF, 71), (1, 69), (1, 67), (1, 65)]
    (motif,) = find_motifs(piece(melody(subject, FILLS[0], FILLS[1], subject),
                                 melody(FILLS[2], [(1, 84)], answer, FILLS[3], part=1)))
    assert [(*place, o.exact) for place, o in zip(starts(motif), motif.occurrences, strict=True)
            ] == [(0, 0, True), (9, 1, False), (21, 0, True)]
    assert motif.occurrences[1].distance < 0.1
    assert motif.occurrences[1].transposition == 7


def test_the_diatonic_interval_counts_and_not_the_semitone():
    minor = [(1, 62), (HALF, 65), (HALF, 64), (1, 69), (1, 67)]     # a third, but a minor one
    table = piece(melody(THEME, FILLS[0], FILLS[1], minor))
    (motif,) = find_motifs(table)
    assert [(o.start_ql, o.exact) for o in motif.occurrences] == [(0, True), (20, True)]


@pytest.mark.parametrize('semitones', [-12, -5, 1, 6, 12])
def test_transposing_the_piece_changes_no_place(imitation, semitones):
    plain, high = find_motifs(imitation), find_motifs(imitation.transpose(semitones))
    assert [starts(m) for m in high] == [starts(m) for m in plain]
    assert [m.salience for m in high] == pytest.approx([m.salience for m in plain])


@given(st.lists(st.tuples(st.sampled_from([HALF, Fraction(1), Fraction(2)]),
                          st.integers(55, 67)), min_size=0, max_size=40), st.integers(2, 3))
def test_whatever_the_notes_the_promises_are_kept(notes, fewest):
    table = piece(melody(notes or [(1, 60)]))
    found = find_motifs(table, min_occurrences=fewest)
    assert [m.label for m in found] == list(LABELS[:len(found)])
    values = [m.salience for m in found]
    assert values == sorted(values, reverse=True)
    for motif in found:
        assert len(motif.occurrences) >= fewest
        assert [o.start_ql for o in motif.occurrences] == sorted(
            o.start_ql for o in motif.occurrences)
        assert motif.first_form.distance == 0
        assert 0 < motif.coverage <= 1
        assert 0 < motif.compactness <= 1
        for o in motif.occurrences:
            assert len(o.element_ids) >= 4
            assert Fraction(3, 2) <= o.end_ql - o.start_ql
            assert 0 <= o.distance <= 0.5


def test_the_callers_score_is_not_changed(corpus_score):
    score = corpus_score('bach/bwv66.6')
    before = fingerprint(score)
    for level in ('motifs', 'themes', 'sections'):
        find_motifs(score, level=level)
    assert fingerprint(score) == before


@pytest.mark.parametrize('parts', [[0], ['upper'], ['UPPER']])
def test_only_the_parts_that_are_asked_for_are_looked_in(parts):
    table = make_note_table(
        bars_of(*['4/4'] * 12), **dict(zip(('onset', 'duration', 'pitch', 'part'), zip(
            *melody(THEME, FILLS[0], FILLS[1], THEME),
            *melody(FILLS[2], moved(THEME, 7), FILLS[3], part=1), strict=True), strict=True)),
        part_names=('Upper', 'Lower'))
    (motif,) = find_motifs(table, parts=parts)
    assert starts(motif) == [(0, 0), (20, 0)]
    assert find_motifs(table, parts=['lower']) == ()


def test_parts_that_are_not_there_are_told_with_those_that_are(imitation):
    with pytest.raises(ParameterError, match=r"no part 'Oboe'; the parts are 0 \(no name\), 1"):
        find_motifs(imitation, parts=['Oboe'])
    with pytest.raises(ParameterError, match='no part 7'):
        find_motifs(imitation, parts=[7])


def test_length_and_number_can_be_asked_for():
    short = [(HALF, 76), (HALF, 74), (HALF, 72), (HALF, 71)]
    table = piece(melody(THEME, FILLS[3], short, FILLS[0], short, FILLS[1], THEME, FILLS[2],
                         short))
    assert sorted(m.length_ql for m in find_motifs(table)) == [2, 4]
    longer = find_motifs(table, min_length=3)
    assert [m.length_ql for m in longer] == [4]
    assert all(len(m.occurrences) >= 3 for m in find_motifs(table, min_occurrences=3))
    assert find_motifs(table, max_motifs=1) == find_motifs(table)[:1]


def test_whole_textures_that_return_are_themes_and_sections():
    chords = [(60, 64, 67), (62, 65, 69), (59, 62, 67), (60, 64, 72)] * 4
    first = [(k, 1, p) for k, held in enumerate(chords[:12]) for p in (
        q + (k // 4) * 2 for q in held)]
    between = [(12 + k, 1, p) for k, p in enumerate((50, 81, 54, 79, 47, 85, 52, 77))]
    again = [(20 + k, length, p) for k, length, p in first]
    table = table_of([*first, *between, *again], bars_of(*['4/4'] * 8))
    for level in ('themes', 'sections'):
        motif = find_motifs(table, level=level)[0]
        assert [(o.start_ql, o.end_ql, o.part) for o in motif.occurrences] == [
            (0, 12, None), (20, 32, None)]
        assert len(motif.occurrences[0].element_ids) == len(first)
        assert motif.occurrences[1].exact


def test_alike_frames_of_other_notes_are_no_passage():
    # the same pitch classes, an octave lower: not the same notes
    first = [(k, 1, p) for k, p in enumerate((60, 64, 67, 65, 62, 69, 71, 60))]
    between = [(8 + k, 1, p) for k, p in enumerate((66, 61, 68, 63))]
    lower = [(12 + k, 1, p - 12) for k, _, p in first]
    table = table_of([*first, *between, *lower], bars_of(*['4/4'] * 5))
    assert find_motifs(table, level='sections', min_length=4) == ()
    assert find_motifs(table, preset='vmo', threshold=0.05)


def test_the_null_model_tells_order_from_chance():
    table = piece(melody(THEME, FILLS[0], FILLS[1], moved(THEME, 2), FILLS[2], moved(THEME, 4)))
    shifted = piece(melody([(2, 59)], THEME, FILLS[0], FILLS[1], THEME, FILLS[2], THEME))
    crossing = find_motifs(shifted, null=10, seed=3)[0]
    assert crossing == find_motifs(shifted, null=10, seed=3)[0]
    # bars are kept whole, so a motif inside one is there in every order
    assert find_motifs(table, null=10)[0].p_value == 1
    assert 1 / 11 <= crossing.p_value < 1


@pytest.mark.parametrize('notes', [
    [], [(1, 60)], [(1, 60), (1, 62), (1, 64)], [(k, 40 + 3 * k) for k in range(1, 12)]])
def test_where_nothing_returns_there_is_no_motif(notes):
    table = piece(melody(notes)) if notes else make_note_table(
        bars_of('4/4'), onset=[], duration=[], pitch=[])
    for level in ('motifs', 'themes', 'sections'):
        assert find_motifs(table, level=level) == ()


def test_one_repeated_note_is_at_most_one_motif_of_nothing_else():
    found = find_motifs(piece(melody([(1, 60)] * 32)))
    assert len(found) <= 1
    for motif in found:
        assert {pitch for o in motif.occurrences for _, pitch in o.notes} == {60}


def test_unpitched_parts_have_no_motif_and_do_no_harm(imitation):
    score = q.engrave(imitation)
    drums = stream.Part([stream.Measure([note.Unpitched(quarterLength=1) for _ in range(4)],
                                        number=k + 1) for k in range(6)])
    score.insert(0, drums)
    (motif,) = find_motifs(score)
    assert [o.start_ql for o in motif.occurrences] == [0, 8, 20]


def test_repeats_that_are_written_are_no_occurrences(corpus_score):
    score = corpus_score('ryansMammoth/AcaciaReel')
    for motif in find_motifs(score):
        assert all(o.end_ql <= 70 for o in motif.occurrences)
        assert len({o.start_ql for o in motif.occurrences}) == len(motif.occurrences)


def test_bare_frames_have_places_without_names(imitation):
    found = find_motifs(to_frames(imitation), level='themes')
    for motif in found:
        assert {o.element_ids for o in motif.occurrences} == {()}
    frames = to_frames(piece(melody(THEME, FILLS[0], FILLS[1], THEME)))
    assert [o.start_ql for o in find_motifs(frames)[0].occurrences] == [0, 20]


def test_music_is_read_with_its_side(imitation):
    music = Music(to_frames(imitation), imitation, 'improvisation')
    (motif,) = find_motifs(music)
    assert motif.side == 'improvisation'
    assert motif.occurrences == find_motifs(imitation)[0].occurrences
    bare = Music(to_frames(imitation))
    assert {o.element_ids for m in find_motifs(bare) for o in m.occurrences} == {()}


def test_progress_is_told_after_each_version(imitation):
    told = []
    find_motifs(imitation, null=3, progress=lambda *pair: told.append(pair))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_grace_notes_are_in_no_motif():
    graced = note.Note('C#5').getGrace()
    score = q.engrave(piece(melody(THEME, FILLS[0], THEME)))
    score.parts[0].getElementsByClass(stream.Measure)[3].insert(0, graced)
    (motif,) = find_motifs(score)
    assert [[pitch for _, pitch in o.notes] for o in motif.occurrences] == [
        [p for _, p in THEME]] * 2


def test_features_count_frames():
    features = np.array([[0.0], [1], [2], [5], [9], [0], [1], [2], [7]])
    (motif,) = find_motifs(features, preset='vmo', threshold=0.5, min_length=3)
    assert [(o.start_ql, o.end_ql) for o in motif.occurrences] == [(0, 3), (5, 8)]
    assert motif.gain_notes == 3


@pytest.mark.parametrize(('options', 'message'), [
    ({'preset': 'best'}, "preset is 'best'; expected 'default' or 'vmo'"),
    ({'level': 'bars'}, "level is 'bars'; expected one of motifs, themes, sections"),
    ({'min_length': 0}, 'min_length is 0; expected quarters above 0'),
    ({'min_length': float('nan')}, 'min_length is nan'),
    ({'min_occurrences': 1}, 'min_occurrences=1'), ({'max_motifs': 27}, 'max_motifs=27'),
    ({'null': -1}, 'null=-1'), ({'step': float('nan')}, 'step is nan'), ({'step': 0}, 'step is 0'),
    ({'seed': -1}, 'seed -1')])
def test_choices_that_are_none_are_told(imitation, options, message):
    with pytest.raises(ParameterError, match=message):
        find_motifs(imitation, **options)


def test_features_need_the_preset_and_finite_values():
    with pytest.raises(ParameterError, match="features have no notes; expected preset='vmo'"):
        find_motifs(np.zeros((4, 2)))
    with pytest.raises(ParameterError, match='finite'):
        find_motifs(np.array([[0.0], [np.nan]]), preset='vmo')


@pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QbdiWarning')
def test_beethovens_turn_is_the_first_motif_of_opus_18_1():
    table = q.extract_notes(q.load_score('corpus:beethoven/opus18no1/movement1'))
    motif = find_motifs(table, max_motifs=1)[0]
    first = motif.occurrences[0]
    assert [pitch for _, pitch in first.notes] == [65, 67, 65, 64, 65]
    assert (first.measure, first.beat) == (1, 1)
    opening = {(o.measure, o.part) for o in motif.occurrences if o.measure < 5}
    assert opening == {(m, part) for m in (1, 3) for part in range(4)}
    assert len(motif.occurrences) > 100


@pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QbdiWarning')
@pytest.mark.parametrize('work', ['bach/bwv66.6', 'ryansMammoth/AcaciaReel', 'demos/two-parts'])
def test_occurrences_in_corpus_works_keep_every_promise(corpus_score, work):
    table = q.extract_notes(corpus_score(work))
    ids = set(table.element_id.tolist())
    for level in ('motifs', 'themes', 'sections'):
        for motif in find_motifs(table, level=level):
            assert len(motif.occurrences) >= 2
            for o in motif.occurrences:
                assert set(o.element_ids) <= ids
                assert o.start_ql < o.end_ql
                assert all(o.start_ql <= onset < o.end_ql for onset, _ in o.notes)
            if level == 'sections':
                spans = [(o.start_ql, o.end_ql) for o in motif.occurrences]
                assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_the_first_form_stays_where_it_runs_in_parallel_with_a_varied_one():
    score = q.load_score('corpus:handel/rinaldo/Lascia_chio_pianga')
    for motif in find_motifs(score):
        assert motif.first_form.exact
        assert motif.first_form.distance == 0
