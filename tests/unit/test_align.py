"""Improvisation above, query below."""

import pytest
from music21 import instrument, layout, metadata, note, stream, tempo
from musicxml_checks import fingerprint

import qbdi_m21 as q
from qbdi_m21.errors import NotationError, ScoreError
from qbdi_m21.notation.align import side_parts
from qbdi_m21.notation.engrave import plain_title


@pytest.fixture(scope='module')
def query():
    return q.load_score('corpus:bach/bwv66.6')


@pytest.fixture(scope='module')
def improvisation(query):
    return q.to_score(q.to_frames(query), template=query, name='Improvisation')


def make_query(*names: str, bars: int = 2) -> stream.Score:
    """Return a score of whole notes, one part a name, each with a tempo mark."""
    score = stream.Score()
    score.metadata = metadata.Metadata(title='Tune')
    for name in names:
        part = stream.Part(id=f'id of {name}')
        part.partName = name
        for k in range(bars):
            measure = stream.Measure(number=k + 1)
            measure.append(note.Note('C4', quarterLength=4))
            part.append(measure)
        part[stream.Measure][0].insert(0, tempo.MetronomeMark(number=90))
        score.insert(0, part)
    return score


def frames_score(query: stream.Score) -> stream.Score:
    return q.to_score(q.to_frames(query))


def test_the_improvisation_stands_above_the_query(query, improvisation):
    both = q.align(query, improvisation)
    assert [p.groups[-1] for p in both.parts] == ['improvisation'] * 2 + ['query'] * 4
    measures = [len(p.getElementsByClass(stream.Measure)) for p in both.parts]
    assert len(set(measures)) == 1
    assert both.derivation.origin is query
    assert both.derivation.method == 'align'


def test_every_note_of_both_sides_is_kept(query, improvisation):
    both = q.align(query, improvisation)
    for side, source in (('query', query), ('improvisation', improvisation)):
        kept = [(n.getOffsetInHierarchy(p), n.quarterLength, str(n.pitches))
                for p in side_parts(both, side) for n in p.recurse().notes]
        theirs = [(n.getOffsetInHierarchy(p), n.quarterLength, str(n.pitches))
                  for p in source.parts for n in p.recurse().notes]
        assert kept == theirs


def test_neither_score_is_changed(query, improvisation):
    before = fingerprint(query), fingerprint(improvisation)
    q.align(query, improvisation)
    assert (fingerprint(query), fingerprint(improvisation)) == before


def test_the_brace_of_the_improvisation_is_kept(query, improvisation):
    both = q.align(query, improvisation)
    groups = list(both.getElementsByClass(layout.StaffGroup))
    assert [g.symbol for g in groups if side_of(g) == {'improvisation'}] == ['brace']


def side_of(group: layout.StaffGroup) -> set[str]:
    return {side for part in group.getSpannedElements() for side in part.groups}


def test_parts_of_the_query_say_so_and_keep_their_names():
    made = make_query('Violin', 'Piano', '')
    made.parts[0].insert(0, instrument.Violin())
    both = q.align(made, frames_score(made))
    assert [p.partName for p in side_parts(both, 'query')] == ['Query Violin', 'Query', 'Query']
    assert side_parts(both, 'query')[0].getInstrument().partName == 'Query Violin'


def test_one_tempo_mark_is_left():
    made = make_query('Flute', 'Oboe')
    both = q.align(made, frames_score(made))
    marks = list(both.recurse().getElementsByClass(tempo.MetronomeMark))
    assert [m.number for m in marks] == [90]
    assert marks[0].placement == 'above'


def test_the_title_names_the_query(query, improvisation):
    both = q.align(query, improvisation)
    assert both.metadata.title == f'Improvisation on {plain_title(query)}'
    untitled = make_query('Flute')
    untitled.metadata = None
    plain = q.align(untitled, frames_score(untitled)).metadata
    assert (plain.title, plain.composer) == ('Improvisation', None)


@pytest.mark.parametrize(('title', 'plain'), [
    ('bwv66.6.mxl', 'bwv66.6'), ('Reel.musicxml', 'Reel'), ('A tune', 'A tune'),
    ('No. 3', 'No. 3'), ('x.mid', 'x')])
def test_a_file_suffix_is_no_part_of_a_title(title, plain):
    score = stream.Score()
    score.metadata = metadata.Metadata(title=title)
    assert plain_title(score) == plain


def test_a_bare_part_can_be_the_query():
    part = make_query('Flute').parts[0]
    both = q.align(part, frames_score(part))
    assert [list(p.groups) for p in both.parts] == [['improvisation'], ['improvisation'], ['query']]


def test_a_bare_stream_without_measures_can_be_the_query():
    tune = stream.Stream([note.Note('C4', quarterLength=4), note.Note('D4', quarterLength=4)])
    both = q.align(tune, frames_score(tune))
    assert len(side_parts(both, 'query')[0].getElementsByClass(stream.Measure)) == 2


def test_other_numbers_of_measures_are_refused(improvisation):
    with pytest.raises(NotationError, match='improvisation has 10 measures and the query 2'):
        q.align(make_query('Flute'), improvisation)


def test_what_is_no_stream_is_refused(improvisation):
    with pytest.raises(ScoreError, match='got str; expected a music21 Stream'):
        q.align('bwv66.6', improvisation)


def test_parts_without_sides_belong_to_every_side(query):
    assert side_parts(query, 'improvisation') == list(query.parts)
