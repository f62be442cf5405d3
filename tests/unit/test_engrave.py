"""Frames to a score: every note, every measure full, four voices a staff, and accidentals."""

from fractions import Fraction

import numpy as np
import pytest
from music21 import bar as m21bar
from music21 import clef, metadata, meter, note, stream

import qbdi_m21 as q
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.raster import frames_to_table
from qbdi_m21.frames.roll import Frames
from qbdi_m21.frames.table import NoteTable, make_note_table
from qbdi_m21.notation.engrave import engrave

STEP = Fraction(1, 4)


def make_grid(
    *meters: str, pickup: Fraction | None = None, sharps: int = 0, step: Fraction = STEP
) -> Grid:
    """Return the grid of one bar a meter; a pickup is the end of a bar of the first meter."""
    bars, position = [], Fraction(0)
    for ratio in ([meters[0]] if pickup else []) + list(meters):
        signature = meter.TimeSignature(ratio)
        full = Fraction(signature.barDuration.quarterLength)
        short = pickup if pickup and not bars else None
        bars.append(Bar(len(bars) + (0 if pickup else 1), position, short or full, ratio,
                        Fraction(signature.beatDuration.quarterLength),
                        full - short if short else Fraction(0), sharps))
        position += bars[-1].length_ql
    return Grid(tuple(bars), step)


def random_frames(seed: int, grid: Grid, density: float, low: int = 24, high: int = 102) -> Frames:
    """Return frames whose cells are drawn alone: many short notes, ties and voices."""
    rng = np.random.default_rng(seed)
    sounding = rng.random((grid.num_frames, high - low)) < density
    before = np.zeros_like(sounding)
    before[1:] = sounding[:-1]
    onset = sounding & (~before | (rng.random(sounding.shape) < 0.3))
    return Frames(sounding, onset, grid, low)


def frames_of(grid: Grid, *notes: tuple[int, int, int]) -> Frames:
    """Return the frames of (first frame, frame after the last, MIDI number) notes."""
    sounding = np.zeros((grid.num_frames, 78), bool)
    onset = np.zeros_like(sounding)
    for start, stop, pitch in notes:
        sounding[start:stop, pitch - 24], onset[start, pitch - 24] = True, True
    return Frames(sounding, onset, grid)


def melody_frames(pitches: list[int], grid: Grid, length: int = 4) -> Frames:
    """Return one note after another, each of `length` frames."""
    return frames_of(grid, *((k * length, (k + 1) * length, p) for k, p in enumerate(pitches)))


def notes_of(table: NoteTable) -> list[tuple[Fraction, Fraction, int]]:
    return sorted((table.onset_at(k), table.end_at(k), int(table.pitch[k]))
                  for k in range(len(table)))


def measures_of(score: stream.Score) -> list[list[stream.Measure]]:
    return [list(part.getElementsByClass(stream.Measure)) for part in score.parts]


def assert_same_frames(got: Frames, expected: Frames) -> None:
    np.testing.assert_array_equal(got.sounding, expected.sounding)
    np.testing.assert_array_equal(got.onset, expected.onset)


GRIDS = {
    '4/4': make_grid('4/4', '4/4'),
    '3/4': make_grid('3/4', '3/4', '3/4'),
    '6/8': make_grid('6/8', '6/8'),
    '5/8': make_grid('5/8', '5/8'),
    '7/8': make_grid('7/8', '7/8'),
    '2/2': make_grid('2/2'),
    '12/8': make_grid('12/8'),
    'pickup': make_grid('4/4', '4/4', pickup=Fraction(1)),
    'pickup of 6/8': make_grid('6/8', '6/8', pickup=Fraction(1, 2)),
    'changes': make_grid('4/4', '3/4', '6/8', '5/8', '2/4'),
    'flats': make_grid('4/4', '4/4', sharps=-5),
    'sharps': make_grid('3/4', '3/4', sharps=6),
}


@pytest.fixture(
    scope='module',
    params=[(name, density) for name in GRIDS for density in (0.02, 0.5)],
    ids=lambda p: f'{p[0]}-{p[1]}',
)
def engraved(request):
    name, density = request.param
    frames = random_frames(7, GRIDS[name], density)
    return frames, q.to_score(frames)


def test_a_score_reads_back_as_the_same_frames(engraved):
    frames, score = engraved
    back = q.to_frames(score)
    assert_same_frames(back, frames)
    assert back.grid == frames.grid


def test_every_voice_fills_its_measure_exactly(engraved):
    frames, score = engraved
    for measures in measures_of(score):
        assert len(measures) == len(frames.grid.bars)
        for measure, bar in zip(measures, frames.grid.bars, strict=True):
            assert Fraction(measure.offset) == bar.start_ql
            assert measure.voices
            for voice in measure.voices:
                assert sum(Fraction(e.quarterLength) for e in voice.notesAndRests) == bar.length_ql


def test_a_staff_has_four_voices_at_most_with_numbers_of_its_own(engraved):
    for staff, measures in enumerate(measures_of(engraved[1])):
        allowed = [str(4 * staff + k) for k in (1, 2, 3, 4)]
        for measure in measures:
            names = [voice.id for voice in measure.voices]
            assert names == allowed[: len(names)]


def test_every_note_is_one_notehead_long(engraved):
    for element in engraved[1].recurse().notesAndRests:
        if not getattr(element, 'fullMeasure', None):
            assert element.duration.type != 'complex'
            assert element.duration.dots <= 1
            assert not element.duration.tuplets


@pytest.mark.parametrize('seed', range(4))
def test_a_thick_cluster_of_long_notes_keeps_all(seed):
    grid = make_grid('4/4', '3/4')
    rng = np.random.default_rng(seed)
    starts, lengths = rng.integers(0, 20, 40), rng.integers(1, 20, 40)
    frames = frames_of(grid, *((int(a), int(a + n), 44 + k) for k, (a, n) in enumerate(
        zip(starts, lengths, strict=True))))
    score = q.to_score(frames)
    assert_same_frames(q.to_frames(score), frames)
    assert max(len(m.voices) for part in measures_of(score) for m in part) <= 4


@pytest.mark.parametrize('step', [Fraction(1), Fraction(1, 2), Fraction(1, 8), Fraction(1, 16)])
def test_other_steps_read_back(step):
    frames = random_frames(1, make_grid('4/4', '2/4', step=step), 0.05)
    assert_same_frames(q.to_frames(q.to_score(frames), step=step), frames)


@pytest.mark.parametrize('step', [
    Fraction(1, 3), Fraction(1, 6), Fraction(1, 12), Fraction(1, 24), Fraction(1, 5),
    Fraction(1, 7), Fraction(3, 8), Fraction(2, 3), Fraction(1, 32), Fraction(2), 'beat', 'bar'])
@pytest.mark.parametrize('name', ['changes', 'pickup of 6/8'])
def test_every_step_reads_back(step, name):
    frames = random_frames(1, Grid(GRIDS[name].bars, step), 0.04)
    table = frames_to_table(frames)
    assert notes_of(q.extract_notes(q.to_score(frames))) == notes_of(table)


def test_silence_is_a_rest_in_every_measure_of_both_staves():
    grid = GRIDS['pickup']
    empty = np.zeros((grid.num_frames, 78), bool)
    score = q.to_score(Frames(empty, empty, grid))
    rests = [n for n in score.recurse().notesAndRests if isinstance(n, note.Rest)]
    assert len(rests) == len(list(score.recurse().notesAndRests)) == 6
    # a full-measure rest in a pickup would be read as a whole bar
    assert [r.fullMeasure is True for r in rests] == [False, True, True] * 2


def test_the_pickup_is_short_and_its_number_is_not_printed():
    first = q.to_score(random_frames(0, GRIDS['pickup'], 0.1)).parts[0][stream.Measure][0]
    assert (first.number, first.paddingLeft, first.barDuration.quarterLength) == (0, 3.0, 4.0)
    assert first.showNumber == stream.enums.ShowNumber.NEVER


def test_signatures_stand_where_they_change_only():
    grid = make_grid('4/4', '4/4', '3/4')
    bars = tuple(
        Bar(b.number, b.start_ql, b.length_ql, b.meter, b.beat_ql, b.lead_ql, s)
        for b, s in zip(grid.bars, (2, 2, -1), strict=True)
    )
    empty = np.zeros((grid.num_frames, 78), bool)
    score = q.to_score(Frames(empty, empty, Grid(bars)))
    for measures in measures_of(score):
        assert [m.timeSignature and m.timeSignature.ratioString for m in measures] == [
            '4/4',
            None,
            '3/4',
        ]
        assert [m.keySignature and m.keySignature.sharps for m in measures] == [2, None, -1]
        assert [bool(m.clef) for m in measures] == [True, False, False]
        assert [m.rightBarline and m.rightBarline.type for m in measures] == [None, None, 'final']


def test_a_number_divides_the_two_staves():
    score = q.to_score(melody_frames([60, 59, 72, 24], GRIDS['4/4']), split=60)
    upper, lower = (
        [p.midi for n in part.recurse().notes for p in n.pitches] for part in score.parts
    )
    assert (upper, lower) == ([60, 72], [59, 24])
    signs = [part.recurse().getElementsByClass(clef.Clef).first() for part in score.parts]
    assert [type(s) for s in signs] == [clef.TrebleClef, clef.BassClef]


@pytest.mark.parametrize(
    ('pitches', 'signs'),
    [([62, 74], ['TrebleClef']), ([40, 45], ['BassClef']), ([40, 80], ['TrebleClef', 'BassClef'])],
)
def test_a_part_takes_the_staves_that_its_range_asks_for(pitches, signs):
    table = make_note_table(make_grid('4/4').bars, onset=[0, 0], duration=[1, 2], pitch=pitches,
                            part_names=['Flute'])
    score = engrave(table)
    assert [
        type(p.recurse().getElementsByClass(clef.Clef).first()).__name__ for p in score.parts
    ] == signs
    assert {p.partName for p in score.parts} == {'Flute'}


def test_a_leaping_melody_stays_on_one_staff_with_the_clefs_that_it_needs():
    pitches = [40, 43, 45, 40] * 2 + [79, 81, 84, 79] * 2
    table = make_note_table(make_grid(*['4/4'] * 4).bars, onset=range(16), duration=[1] * 16,
                            pitch=pitches)
    (part,) = engrave(table).parts
    assert [type(m.clef).__name__ for m in part.getElementsByClass(stream.Measure)] == [
        'BassClef', 'NoneType', 'TrebleClef', 'NoneType']


def test_a_template_gives_title_composer_and_barlines():
    template = stream.Score()
    template.metadata = metadata.Metadata(title='A Reel', composer='Anon')
    part = stream.Part([stream.Measure(number=k + 1) for k in range(2)])
    for measure in part:
        measure.append(note.Note('C4', quarterLength=4))
    part[stream.Measure][0].rightBarline = m21bar.Barline('double')
    part[stream.Measure][1].rightBarline = m21bar.Repeat(direction='end')
    template.insert(0, part)
    score = q.to_score(random_frames(0, GRIDS['4/4'], 0.02), template=template)
    assert (score.metadata.title, score.metadata.composer) == ('A Reel', 'Anon')
    for measures in measures_of(score):
        assert measures[0].rightBarline.type == 'double'
        assert isinstance(measures[1].rightBarline, m21bar.Repeat)


def test_a_bar_of_no_64ths_is_engraved_at_the_nearest_length():
    grid = Grid((Bar(1, Fraction(0), Fraction(10, 3)), Bar(2, Fraction(10, 3), Fraction(4))))
    empty = np.zeros((grid.num_frames, 78), bool)
    sounding = empty.copy()
    sounding[[0, 13, 14]], onset = True, empty.copy()
    onset[[0, 14]] = True
    onset[13] = True
    score = q.to_score(Frames(sounding, onset, grid))
    assert [Fraction(m.duration.quarterLength) for m in measures_of(score)[0]] == [
        Fraction(53, 16),
        Fraction(4),
    ]


@pytest.mark.parametrize('name', ['corpus:bach/bwv66.6', 'corpus:bach/bwv57.8'])
def test_a_chorale_engraved_and_read_back_keeps_pitch_names_and_frames(name):
    source = q.load_score(name)
    frames = q.to_frames(source)
    score = q.to_score(frames, template=source)
    assert_same_frames(q.to_frames(score), frames)
    # sixteenths of the grid are exact here, so the notes are those of the chorale
    theirs = {
        (n.onset_at(k), int(n.pitch[k])): str(n.spelling[k])
        for n in [q.extract_notes(source)]
        for k in range(len(n))
    }
    ours = {
        (n.onset_at(k), int(n.pitch[k])): str(n.spelling[k])
        for n in [q.extract_notes(score)]
        for k in range(len(n))
    }
    assert set(ours) == set(theirs)
    wrong = [place for place in ours if ours[place] != theirs[place]]
    assert len(wrong) <= 0.03 * len(ours)


def test_in_a_chord_a_held_note_stays_apart_from_a_struck_one():
    # six long notes force one voice of tied chords; C is struck again where the others hold
    held = [(pitch % 3, 8, pitch) for pitch in (64, 67, 71, 74, 77)]
    frames = frames_of(make_grid('2/4'), (0, 4, 60), (4, 8, 60), *held)
    assert_same_frames(q.to_frames(q.to_score(frames)), frames)
