"""A fixed sample of music21's corpus, of every folder: score, notes, frames, score again."""

import warnings
from collections import Counter
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from music21 import stream
from musicxml_checks import musescore, musescore_errors, read_musicxml, schema_errors, schema_path
from naive.twins import naive_sounding_notes
from naive.xml_notes import xml_sounding_notes

import qbdi_m21 as q
from qbdi_m21.errors import QuantizationWarning
from qbdi_m21.frames.spelling import spell_notes
from qbdi_m21.notation.musicxml import to_musicxml

SAMPLE = [tuple(line.split(' #')) for line in (Path(__file__).parents[1] / 'corpus_sample.txt')
          .read_text(encoding='utf-8').splitlines() if line and not line.startswith('#')]

#: Of the sample, what MuseScore reads too: every eighth, so that all large folders come.
FOR_MUSESCORE = SAMPLE[::8]

pytestmark = pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QbdiWarning')


def name_of(work):
    return '#'.join(work).removeprefix('corpus:')


@lru_cache(maxsize=2)         # scores are large
def load(work):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        name, *number = work
        return q.load_score(name, number=int(number[0]) if number else None)


def sounding(table):
    """Count (onset, end, pitch) of a table's notes without grace notes."""
    return Counter((table.onset_at(row), table.end_at(row), int(table.pitch[row]))
                   for row in range(len(table)) if not table.grace[row])


def has_one_barring(score):
    """Return whether all parts have their barlines at the same times, no two at one time."""
    starts = {tuple(part.elementOffset(m) for m in part.getElementsByClass(stream.Measure))
              for part in score.parts}
    return len(starts) == 1 and all(len(set(own)) == len(own) for own in starts)


def nearly_equal(notes, others, tolerance=Fraction(1, 32)):
    """Return whether notes are others that a file's rounding of tuplets has moved."""
    ours, theirs = (sorted((pitch, onset, end) for onset, end, pitch in held.elements())
                    for held in (notes, others))
    return len(ours) == len(theirs) and all(
        a[0] == b[0] and abs(a[1] - b[1]) < tolerance and abs(a[2] - b[2]) < tolerance
        for a, b in zip(ours, theirs, strict=True))


def written(score):
    """Return a score as MusicXML, and the notes that its bytes hold."""
    data = to_musicxml(score, keep=False)
    return data, xml_sounding_notes(read_musicxml(data))


def valid(data):
    """Return what the schemas say: 4.0, and 3.1 where it is there."""
    return [error for version in ('4.0', '3.1') if schema_path(version).is_file()
            for error in schema_errors(data, version)]


def test_the_sample_is_large_and_of_every_folder():
    assert len(SAMPLE) >= 200
    assert len({work[0].split('/')[0] for work in SAMPLE}) >= 30
    assert len(FOR_MUSESCORE) >= 25


def problems(score):
    """Return what does not come back of a score, in words; benchmarks/corpus.py uses it too."""
    table = q.extract_notes(score)
    found = []
    # an independent extraction finds the same notes
    starts = [bar.start_ql for bar in table.bars]
    if sounding(table) != Counter(row[1:] for row in naive_sounding_notes(score, starts)):
        found.append('extraction by measures')
    if has_one_barring(score) and sounding(table) != Counter(
            row[1:] for row in naive_sounding_notes(score)):
        found.append('extraction')
    # frames come back from their score on the grid
    frames = q.to_frames(table)
    data, notes = written(q.to_score(frames, template=score))
    found += ['frames'] * (notes != sounding(q.frames_to_table(frames)))
    found += valid(data)[:2]
    # and every note exactly from the score of the table
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter('always')
        engraved = q.engrave(table)
    data, notes = written(engraved)
    rounded = any(issubclass(w.category, QuantizationWarning) for w in told)
    same = nearly_equal(notes, sounding(table)) if rounded else notes == sounding(table)
    return found + ['exact notes'] * (not same) + valid(data)[:2]


@pytest.mark.parametrize('work', SAMPLE, ids=name_of)
def test_a_work_goes_round(work):
    assert problems(load(work)) == []


@pytest.mark.notation_app
@pytest.mark.skipif(musescore() is None, reason='MuseScore 3 is not installed')
@pytest.mark.parametrize('work', FOR_MUSESCORE, ids=name_of)
def test_musescore_loses_no_note(work, tmp_path):
    path = tmp_path / 'frames.musicxml'
    q.write_musicxml(q.to_score(q.to_frames(load(work)), template=load(work)), path, keep=False)
    assert musescore_errors(path) == []


def test_spelling_from_midi_numbers_misses_less_than_a_hundredth():
    missed = total = 0
    for work in SAMPLE[::4]:
        table = q.extract_notes(load(work))
        sharps = np.array([table.bars[bar].sharps for bar in table.bar.tolist()])
        missed += int((spell_notes(table.pitch, table.onset_ql, sharps) != table.fifths).sum())
        total += len(table)
    assert missed / total < 0.01
