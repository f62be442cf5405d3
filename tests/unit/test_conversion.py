"""From any kind of file to any other: what each keeps, and what is refused."""

import filecmp
from fractions import Fraction

import numpy as np
import pytest
from frame_strategies import assert_equal_frames, assert_equal_tables, fractions
from music21 import converter
from strategies import bars_of, table_of

import qbdi_m21 as q
from qbdi_m21.errors import ParameterError, PitchClippedWarning, QuantizationWarning, ScoreError
from qbdi_m21.frames.raster import table_to_frames
from qbdi_m21.frames.store import load_frames, load_table, npz_kind, save_frames, save_table
from qbdi_m21.frames.table import Tempo
from qbdi_m21.notation.conversion import OUTPUT_SUFFIXES, convert_file, read_notes

F = Fraction
CHORALE = 'corpus:bach/bwv66.6'
BARS = bars_of('3/4', '3/4', '2/4', pickup_ql=1)
TABLE = table_of([(0, 1, 67), (1, F(1, 3), 69), (F(4, 3), F(2, 3), 71), (2, 2, 72), (4, 3, 60),
                  (1, 3, 48, 1), (4, 5, 43, 1), (7, 2, 64)], BARS, part_names=('Flute', 'Cello'),
                 tempi=[Tempo(F(0), 96.0)])
BOOK = ('X:1\nT:One\nM:3/4\nL:1/4\nK:G\n|:GAB|cde|g3:|d3|]\n\n'
        'X:2\nT:Two\nM:4/4\nL:1/4\nK:C\nCDEF|G4|]\n')
TABLES = ['.parquet', '.npz', '.csv']


@pytest.fixture
def sources(tmp_path):
    """The table in every kind of file, its frames, and a book of two songs."""
    for suffix in TABLES:
        save_table(TABLE, tmp_path / f'in{suffix}')
    q.write_midi(TABLE, tmp_path / 'in.mid')
    for suffix in ('.musicxml', '.xml', '.mxl'):
        q.write_musicxml(q.engrave(TABLE), tmp_path / f'in{suffix}', keep=False)
    save_frames(table_to_frames(TABLE, step='1/12'), tmp_path / 'frames.npz')
    (tmp_path / 'book.abc').write_text(BOOK)
    return tmp_path


def notes_of(table):
    return sorted(zip(fractions(table.onset), fractions(table.duration), table.pitch.tolist(),
                      table.part.tolist(), strict=True))


@pytest.mark.parametrize('suffix', [*TABLES, '.mid', '.musicxml', '.xml', '.mxl'])
def test_notes_are_the_same_from_every_kind_of_file(sources, suffix):
    table = read_notes(sources / f'in{suffix}')
    assert notes_of(table) == notes_of(TABLE)
    assert table.part_names == TABLE.part_names
    assert read_notes(str(sources / f'in{suffix}'), number=1).pitch.tolist() == (
        table.pitch.tolist())


def test_notes_of_frames_are_on_their_grid(sources):
    table = read_notes(sources / 'frames.npz')
    assert [row[:3] for row in notes_of(table)] == sorted(row[:3] for row in notes_of(TABLE))
    assert table.bars == TABLE.bars


def test_notes_of_a_corpus_name(corpus_score):
    assert_equal_tables(read_notes(CHORALE), q.extract_notes(corpus_score('bach/bwv66.6')))


def test_a_song_of_a_book_is_chosen_and_its_repeats_are_played(sources):
    assert len(read_notes(sources / 'book.abc', number=2).bars) == 2
    assert len(read_notes(sources / 'book.abc', number=1)) == 8
    assert len(read_notes(sources / 'book.abc', number=1, expand_repeats=True)) == 15
    with pytest.raises(ScoreError, match='is a book of 2 scores'):
        read_notes(sources / 'book.abc')


@pytest.mark.parametrize('name', ['in.csv', 'in.npz', 'in.mid', 'frames.npz', 'in.musicxml'])
def test_one_piece_has_no_second(sources, name):
    with pytest.raises(ParameterError, match=r'is one (piece|score); number is 2, leave it out'):
        read_notes(sources / name, number=2)


@pytest.mark.parametrize('name', ['none.mid', 'none.csv', 'none.npz', 'none.parquet', 'none.mxl',
                                  'none', ''])
def test_what_is_not_there_is_told(tmp_path, name):
    with pytest.raises(q.QbdiError):
        read_notes(tmp_path / name)


@pytest.mark.parametrize('source', ['.csv', '.mid', '.musicxml', '.parquet'])
@pytest.mark.parametrize('target', OUTPUT_SUFFIXES)
def test_every_kind_becomes_every_other_without_loss(sources, source, target):
    written = convert_file(sources / f'in{source}', sources / f'out{target}')
    assert written == ('the score as it is notated' if source == '.musicxml' and (
        target in ('.musicxml', '.xml', '.mxl')) else 'notes 8, bars 4, parts 2')
    # from a MIDI file a score is made on the longest grid that moves nothing
    assert notes_of(read_notes(sources / f'out{target}')) == notes_of(TABLE)


def test_the_same_file_comes_of_the_same_source(sources):
    for target in OUTPUT_SUFFIXES:
        for name in ('one', 'two'):
            convert_file(sources / 'in.parquet', sources / f'{name}{target}')
        assert filecmp.cmp(sources / f'one{target}', sources / f'two{target}', shallow=False)


def test_a_score_of_a_table_has_a_title_and_its_parts(sources):
    convert_file(sources / 'in.csv', sources / 'out.musicxml')
    score = converter.parse(sources / 'out.musicxml', forceSource=True)
    assert score.metadata.bestTitle == 'in'
    assert [part.partName for part in score.parts] == ['Flute', 'Cello']
    assert [bar.meter for bar in q.extract_notes(score).bars] == ['3/4', '3/4', '3/4', '2/4']


def test_a_work_of_the_corpus_becomes_a_table_and_a_midi_file(tmp_path, corpus_score):
    table = q.extract_notes(corpus_score('bach/bwv66.6'))
    convert_file(CHORALE, tmp_path / 'x.parquet')
    convert_file(CHORALE, tmp_path / 'x.mid')
    assert_equal_tables(load_table(tmp_path / 'x.parquet'), table)
    assert notes_of(read_notes(tmp_path / 'x.mid')) == notes_of(table)


def test_frames_are_written_with_their_step_and_range(sources):
    with pytest.warns(QuantizationWarning, match='^2 of 8 notes moved'):
        told = convert_file(sources / 'in.csv', sources / 'out.npz', frames=True)
    assert told == '36 frames of 1/4 x 78 pitches, sounding and onset'
    assert npz_kind(sources / 'out.npz') == 'frames'
    with pytest.warns(PitchClippedWarning, match='^1 of 8 .* moved by octaves'):
        convert_file(sources / 'in.csv', sources / 'out.npz', frames=True, step='1/12',
                     pitch_range=(48, 84), outside='fold')
    with pytest.warns(PitchClippedWarning):
        expected = table_to_frames(TABLE, step='1/12', pitch_range=(48, 84), outside='fold')
    assert_equal_frames(load_frames(sources / 'out.npz'), expected)


def test_notes_are_moved_to_a_grid_where_one_is_asked_for(sources):
    with pytest.warns(QuantizationWarning, match='^2 of 8 notes moved to the grid of 1/2 quarter'):
        convert_file(sources / 'in.mxl', sources / 'out.csv', step='1/2')
    moved = load_table(sources / 'out.csv')
    assert all(d in (1, 2) for d in moved.onset[:, 1])
    with pytest.warns(QuantizationWarning):
        convert_file(sources / 'in.musicxml', sources / 'out.musicxml', step=0.5)
    assert notes_of(read_notes(sources / 'out.musicxml')) == notes_of(moved)


def test_repeats_are_played_out_where_it_is_asked_for(sources):
    told = convert_file(sources / 'book.abc', sources / 'out.musicxml', number=1,
                        expand_repeats=True)
    assert told == 'notes 15, bars 7, parts 1'
    assert read_notes(sources / 'out.musicxml').pitch.tolist() == [
        *[67, 69, 71, 72, 74, 76, 79] * 2, 74]


@pytest.mark.parametrize('name', ['out', 'out.txt', 'out.pdf', 'out.npy'])
def test_other_targets_are_refused(sources, name):
    with pytest.raises(ParameterError, match=r'expected one of \.musicxml'):
        convert_file(sources / 'in.csv', sources / name)
    assert not (sources / name).exists()


@pytest.mark.parametrize(('name', 'options'), [
    ('out.csv', {'frames': True}), ('out.musicxml', {'frames': True}),
    ('out.npz', {'pitch_range': (0, 128)}), ('out.mid', {'pitch_range': (0, 128)})])
def test_frames_have_one_kind_of_file_and_only_they_a_range(sources, name, options):
    with pytest.raises(ParameterError, match=r'frames are written as \.npz, and only frames have'):
        convert_file(sources / 'in.csv', sources / name, **options)


@pytest.mark.parametrize(('options', 'message'), [
    ({'step': 'fast'}, "step is 'fast'"), ({'step': 0}, 'step is 0'),
    ({'frames': True, 'step': -1}, 'step is -1'),
    ({'frames': True, 'pitch_range': (9, 9)}, 'pitch_range is'),
    ({'frames': True, 'outside': 'x'}, "outside is 'x'")])
def test_options_that_cannot_be_are_refused(sources, options, message):
    with pytest.raises(ParameterError, match=message):
        convert_file(sources / 'in.csv', sources / 'out.npz', **options)
    assert not (sources / 'out.npz').exists()


def test_a_folder_that_is_not_there_is_told(sources):
    for target in OUTPUT_SUFFIXES:
        with pytest.raises(q.QbdiError, match='no such folder'):
            convert_file(sources / 'in.csv', sources / 'none' / f'out{target}')


def test_tempi_come_along_where_a_file_holds_them(sources):
    for target in ('.mid', '.npz', '.parquet'):
        convert_file(sources / 'in.parquet', sources / f'out{target}')
        assert [tempo.quarters_per_minute for tempo in read_notes(
            sources / f'out{target}').tempi] == [96.0]
    assert np.array_equal(load_table(sources / 'out.npz').velocity, TABLE.velocity)
