"""Chord symbols over a score."""

from itertools import pairwise

import pytest
from music21 import harmony, note, stream
from musicxml_checks import fingerprint, schema_errors

import qbdi_m21 as q
from qbdi_m21.analysis.harmony import TEMPLATES, chord_tones
from qbdi_m21.notation.chords import chord_symbol
from qbdi_m21.notation.musicxml import to_musicxml


def symbols(score):
    return [(e.measureNumber, e.offset, e.figure)
            for e in score.recurse().getElementsByClass(harmony.ChordSymbol)]


@pytest.mark.parametrize('sharps', [-5, 0, 6])
@pytest.mark.parametrize('quality', list(TEMPLATES))
def test_music21_reads_the_tones_of_every_symbol(quality, sharps):
    for root in range(12):
        symbol = chord_symbol((root, quality), sharps)
        assert {p.pitchClass for p in symbol.pitches} == chord_tones((root, quality))


def test_every_symbol_is_valid():
    part = stream.Part()
    for root in range(12):
        measure = stream.Measure([note.Note(quarterLength=4)], number=root + 1)
        for place, quality in enumerate(TEMPLATES):
            measure.insert(place / 4, chord_symbol((root, quality)))
        part.append(measure)
    assert schema_errors(to_musicxml(stream.Score([part]))) == []


def test_symbols_stand_where_the_harmony_changes(corpus_score):
    score = corpus_score('bach/bwv269')
    before = fingerprint(score)
    drawn = q.add_chords(score)
    assert fingerprint(score) == before
    assert drawn.derivation.origin is score
    found = symbols(drawn)
    assert [figure for *_, figure in found[:4]] == ['G', 'C', 'D', 'G']
    assert [measure for measure, *_ in found[:2]] == [0, 1]
    assert all(a[2] != b[2] for a, b in pairwise(found))
    assert len(q.extract_notes(drawn)) == len(q.extract_notes(score))
    assert schema_errors(to_musicxml(drawn)) == []
