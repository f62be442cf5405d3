"""Any notes on usual grids are engraved exactly: written, valid, read again, the same notes."""

import warnings
from collections import Counter, defaultdict
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from music21 import converter, stream
from musicxml_checks import read_musicxml, schema_errors, voice_lengths
from strategies import bar_sequences, frames_of, odd_bar_sequences, table_of

import qbdi_m21 as q
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.notation.engrave import engrave
from qbdi_m21.notation.musicxml import to_musicxml

METERS = ('2/4', '3/4', '4/4', '5/4', '6/8', '9/8', '12/8', '3/2', '2/2', '4/2', '5/8', '7/8')
QUARTERS = {'breve': 8, 'whole': 4, 'half': 2, 'quarter': 1} | {
    name: Fraction(1, 2 ** k) for k, name in enumerate(
        ('eighth', '16th', '32nd', '64th', '128th', '256th'), start=1)}


@st.composite
def tables(draw, parts=(4, 6, 12, 5), max_notes=14):
    """Notes on fourths, sixths, twelfths and fifths of a quarter; no pitch twice at a time."""
    bars = draw(bar_sequences(METERS, max_bars=3))
    end = bars[-1].end_ql
    grids = draw(st.sampled_from([parts, *((part,) for part in parts)]))
    notes: list[tuple[Fraction, Fraction, int]] = []
    for _ in range(draw(st.integers(1, max_notes))):
        first, last = (draw(st.sampled_from(grids)) for _ in range(2))
        start = Fraction(draw(st.integers(0, int(end * first) - 1)), first)
        after = int(start * last) + 1
        stop = min(Fraction(draw(st.integers(after, after + 4 * last)), last), end)
        pitch = draw(st.integers(45, 80))
        if all(pitch != p or stop <= a or a + n <= start for a, n, p in notes):
            notes.append((start, stop - start, pitch))
    return table_of(notes, bars)


def rows_of(table):
    return Counter((table.onset_at(k), table.end_at(k), int(table.pitch[k]))
                   for k in range(len(table)))


def open_tuplets(root: etree._Element) -> list[str]:
    """Return what is wrong with the tuplets of a file, measure by measure."""
    wrong = []
    for measure in root.iterfind('part/measure'):
        held: dict[str, Fraction] = defaultdict(Fraction)
        running: set[str] = set()
        for note in measure.iterfind('note'):
            if note.find('chord') is not None or note.find('grace') is not None:
                continue
            voice, ratio = note.findtext('voice', '1'), note.find('time-modification')
            marks = {mark.get('type') for mark in note.iterfind('notations/tuplet')}
            running |= {voice} if 'start' in marks else set()
            if (ratio is not None) != (voice in running):
                wrong.append(f'measure {measure.get("number")}: a note outside its tuplet')
            if ratio is None:
                continue
            shown = QUARTERS[note.findtext('type')]
            held[voice] += shown * Fraction(3, 2) if note.find('dot') is not None else shown
            if 'stop' in marks:
                running.discard(voice)
                unit = QUARTERS[ratio.findtext('normal-type')]
                if held.pop(voice) != unit * int(ratio.findtext('actual-notes')):
                    wrong.append(f'measure {measure.get("number")}: an incomplete tuplet')
        wrong += [f'measure {measure.get("number")}: an open tuplet'] * bool(running)
    return wrong


def check(score: stream.Score, table) -> None:
    data = to_musicxml(score)
    root = read_musicxml(data)
    assert schema_errors(data) == []
    assert open_tuplets(root) == []
    for part in root.findall('part'):
        for bar, filled in zip(table.bars, voice_lengths(part), strict=True):
            assert set(filled.values()) == {bar.length_ql}
            for staff in {place[0] for place in filled}:
                assert sum(place[0] == staff for place in filled) <= 4
    read = extract_notes(converter.parseData(data.decode(), format='musicxml'))
    assert rows_of(read) == rows_of(extract_notes(score)) == rows_of(table)


@given(tables())
@settings(max_examples=60)
def test_one_staff_is_written_and_read_exactly(table):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        check(engrave(table, brace=False), table)


@given(tables(parts=(4, 3, 7)))
@settings(max_examples=30)
def test_two_hands_are_written_and_read_exactly(table):
    check(q.to_score(table), table)


@given(tables(parts=(4, 12), max_notes=40))
@settings(max_examples=20)
def test_thick_music_keeps_every_note(table):
    assert rows_of(extract_notes(engrave(table, brace=False))) == rows_of(table)


@given(st.data())
def test_frames_of_every_step_come_back(data):
    bars = data.draw(bar_sequences(METERS, max_bars=2))
    step = data.draw(st.sampled_from([Fraction(1, d) for d in (1, 2, 3, 4, 5, 6, 8, 12, 24)]
                                     + [Fraction(3, 8), Fraction(2, 3), 'beat', 'bar']))
    last = Grid(bars, step).num_frames
    notes = []
    for pitch in data.draw(st.lists(st.integers(40, 80), max_size=8, unique=True)):
        start = data.draw(st.integers(0, last - 1))
        notes.append((start, data.draw(st.integers(start + 1, last)), pitch))
    frames = frames_of(notes, bars, step)
    score = q.to_score(frames)
    back = q.to_frames(extract_notes(score, allow_empty=True), step=step)
    assert (back.sounding == frames.sounding).all()
    assert (back.onset == frames.onset).all()
    assert back.grid == frames.grid


@given(odd_bar_sequences(), st.integers(0, 2 ** 32 - 1))
@pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QuantizationWarning')
def test_bars_of_odd_lengths_are_full_and_keep_the_number_of_notes(bars, seed):
    grid = Grid(bars, Fraction(1, 6))
    notes = [((seed >> k) % grid.num_frames, grid.num_frames, 50 + k) for k in range(0, 30, 5)]
    frames = frames_of([note for note in notes if note[0] < note[1]], bars, Fraction(1, 6))
    score = q.to_score(frames)
    assert len(extract_notes(score)) == len(notes)
    for part in score.parts:
        for measure in part.getElementsByClass(stream.Measure):
            length = measure.duration.quarterLength
            assert {sum(Fraction(e.quarterLength) for e in voice.notesAndRests)
                    for voice in measure.voices} == {Fraction(length)}
