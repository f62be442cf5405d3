"""Motifs of known works: what everybody who knows them would name, read anew by music21."""

import re
from fractions import Fraction

import pytest
from music21 import corpus, interval, stream
from music21.common import opFrac

import qbdi_m21 as q

pytestmark = pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QbdiWarning')

WORKS = ['bach/bwv66.6', 'ryansMammoth/AcaciaReel', 'mozart/k545/movement1_exposition',
         'corelli/opus3no1/1grave', 'palestrina/Kyrie_10']


@pytest.fixture(scope='module')
def kyrie(corpus_score):
    return corpus_score('palestrina/Kyrie_10')


def head_of(score, identifier):
    """Return the onset and pitch of an id, counted in music21's own part and measure."""
    part, bar, place = (int(n) for n in re.fullmatch(r'P(\d+)M(\d+)N(\d+)', identifier).groups())
    measure = score.parts[part].getElementsByClass(stream.Measure)[bar]
    heads = [(element, pitch) for element in measure.recurse().notes for pitch in element.pitches]
    element, pitch = heads[place]
    return Fraction(opFrac(element.getOffsetInHierarchy(score))), pitch


@pytest.mark.parametrize('work', WORKS)
def test_exact_occurrences_have_the_steps_and_the_rhythm_of_the_first_form(work, corpus_score):
    score = corpus_score(work)
    exact = 0
    for motif in q.find_motifs(score):
        forms = {}
        for o in motif.occurrences:
            heads = [head_of(score, one) for one in o.element_ids]
            assert [(onset, pitch.midi) for onset, pitch in heads] == list(o.notes)
            forms[o] = [(pitch.diatonicNoteNum - heads[0][1].diatonicNoteNum, onset - o.start_ql)
                        for onset, pitch in heads]
        first = forms[motif.first_form]
        assert [o.exact for o in forms] == [form == first for form in forms.values()]
        exact += sum(o.exact for o in forms)
    assert exact > 5


@pytest.mark.parametrize('name', ['m2', '-M3', 'A4', 'P5', '-m7', 'P8'])
@pytest.mark.parametrize('work', WORKS[:4])
def test_a_transposed_work_has_the_same_motifs(work, name, corpus_score):
    def told(score, level):
        return [(m.label, m.gain_notes, round(m.salience, 6),
                 [(o.start_ql, o.end_ql, o.part, o.transposition, o.exact, round(o.distance, 6),
                   o.element_ids) for o in m.occurrences])
                for m in q.find_motifs(score, level=level)]
    score = corpus_score(work)
    high = score.transpose(name)
    for level in ('motifs', 'themes'):
        assert told(high, level) == told(score, level)


def test_palestrinas_subject_enters_in_all_five_voices(kyrie):
    entries = {(o.measure, o.beat, kyrie.parts[o.part].partName, o.transposition)
               for m in q.find_motifs(kyrie, max_motifs=2) for o in m.occurrences
               if m.first_form.notes[0] == (0, 67)}
    assert entries == {(1, 1, 'Soprano', 0), (2, 3, 'Alto', -7), (4, 3, 'Tenor', -12),
                       (6, 1, 'Bass', -19), (8, 2, 'Tenor', -12)}


@pytest.mark.parametrize('name', ['P1', '-P8', 'P5'])
def test_the_subject_is_looked_for_by_its_own_notes_wherever_they_are_written(kyrie, name):
    subject = kyrie.parts[0].measures(1, 2).transpose(name)
    found = q.find_theme(kyrie, subject, min_similarity=0.9)
    moved = interval.Interval(name).semitones
    assert [(o.measure, o.beat, o.transposition + moved) for o in found] == [
        (1, 1, 0), (2, 3, -7), (4, 3, -12), (6, 1, -19)]
    assert all(o.exact for o in found)


def test_a_folk_song_has_its_phrase_three_times():
    song = corpus.parse('essenFolksong/han1', number=1)    # of a book: all take half a minute
    motif = q.find_motifs(song)[0]
    assert [o.measure for o in motif.occurrences] == [4, 12, 18]
    phrases = [[(n.pitch.nameWithOctave, n.quarterLength) for n in song.recurse().notes
                if o.start_ql <= n.getOffsetInHierarchy(song) < o.end_ql]
               for o in motif.occurrences]
    assert len(phrases[0]) == 12
    assert phrases == [phrases[0]] * 3


def test_mozarts_scales_are_a_falling_sequence(corpus_score):
    motif = q.find_motifs(corpus_score('mozart/k545/movement1_exposition'))[0]
    exact = [(o.measure, o.beat, o.part, o.transposition) for o in motif.occurrences if o.exact]
    assert exact == [(5, 1, 0, 0), (6, 1, 0, -2), (7, 1, 0, -4), (8, 1, 0, -5)]


def test_a_reel_returns_to_its_opening(corpus_score):
    motif = q.find_motifs(corpus_score('ryansMammoth/AcaciaReel'))[0]
    exact = [o for o in motif.occurrences if o.exact]
    assert [(o.measure, o.beat) for o in exact] == [(1, Fraction(3, 2)), (5, Fraction(3, 2))]
    assert [pitch for _, pitch in exact[0].notes] == [67, 69, 71, 72, 74, 71, 72, 71, 72, 74, 76]


def test_the_first_strain_of_a_rag_is_its_theme_and_section(corpus_score):
    rag = corpus_score('joplin/maple_leaf_rag')
    for level in ('themes', 'sections'):
        motif = q.find_motifs(rag, level=level)[0]
        assert [(o.measure, o.part) for o in motif.occurrences] == [(0, None), (34, None)]
        assert motif.length_ql == 32
        assert motif.occurrences[1].exact


def test_a_chorale_has_its_figure_in_all_four_voices(corpus_score):
    motif = q.find_motifs(corpus_score('bach/bwv66.6'))[0]
    assert {o.part for o in motif.occurrences} == {0, 1, 2, 3}
    assert [(o.measure, o.part) for o in motif.occurrences if o.exact] == [(0, 2), (7, 3), (9, 1)]
