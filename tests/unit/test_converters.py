"""music21 reads and writes note tables and frames after `register()`, and only then."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from frame_strategies import assert_equal_frames, assert_equal_tables
from music21 import converter, note, stream
from music21.converter import ConverterFileException, subConverters
from strategies import bars_of, table_of

import qbdi_m21 as q
from qbdi_m21.errors import EmptyScoreError, FramesError, ParameterError, QuantizationWarning
from qbdi_m21.frames.raster import table_to_frames
from qbdi_m21.frames.store import load_frames, load_table, save_frames, save_table
from qbdi_m21.notation.converters import FramesConverter, NoteTableConverter

TABLE = table_of([(0, 1, 67), (1, 2, 69), (3, 1, 71), (4, 2, 60, 1)],
                 bars_of('3/4', '3/4', pickup_ql=1), part_names=('Flute', 'Cello'))


@pytest.fixture
def registered():
    """Register the converters, and take them out again."""
    q.register()
    yield
    converter.resetSubConverters()


def ours():
    return [kind for kind in converter.Converter().subConvertersList()
            if kind in (NoteTableConverter, FramesConverter)]


def notes_of(score):
    table = q.extract_notes(score)
    return sorted(zip(table.onset_ql, table.duration_ql, table.pitch, table.part, strict=True))


def test_importing_registers_nothing():
    assert ours() == []


def test_registering_twice_is_registering_once(registered):
    count = len(converter.Converter().subConvertersList())
    q.register()
    q.register()
    assert len(converter.Converter().subConvertersList()) == count
    assert len(ours()) == 2


def test_after_a_reset_it_can_be_registered_again(registered):
    converter.resetSubConverters()
    assert ours() == []
    q.register()
    assert len(ours()) == 2


def test_other_formats_are_read_as_before(registered):
    assert isinstance(converter.Converter().getSubConverterFormats()['musicxml'], type)
    assert len(converter.parse('tinyNotation: 3/4 c4 d e', forceSource=True).flatten().notes) == 3
    assert subConverters.ConverterMusicXML in converter.Converter().subConvertersList()


@pytest.mark.parametrize('suffix', ['.parquet', '.npz', '.csv'])
def test_note_tables_are_parsed(registered, tmp_path, suffix):
    save_table(TABLE, tmp_path / f'song{suffix}')
    score = converter.parse(tmp_path / f'song{suffix}', forceSource=True)
    assert isinstance(score, stream.Score)
    assert notes_of(score) == notes_of(q.engrave(TABLE))
    assert score.metadata.title == 'song'
    assert [part.partName for part in score.parts] == ['Flute', 'Cello']


def test_frames_are_parsed(registered, tmp_path):
    frames = table_to_frames(TABLE)
    save_frames(frames, tmp_path / 'song.npz')
    score = converter.parse(tmp_path / 'song.npz', forceSource=True)
    assert_equal_frames(q.to_frames(score), frames)
    assert [m.number for m in score.parts[0].getElementsByClass('Measure')] == [0, 1, 2]


def test_what_is_parsed_can_be_written_and_read_again(registered, tmp_path):
    score = q.engrave(TABLE)
    assert_equal_tables(load_table(score.write('notetable', tmp_path / 'one.npz')),
                        q.extract_notes(score))
    for name in ('one.parquet', 'one.csv', 'one.npz'):
        written = score.write('notetable', tmp_path / name)
        assert Path(written) == tmp_path / name
        assert np.array_equal(load_table(written).onset, q.extract_notes(score).onset)
        assert notes_of(converter.parse(written, forceSource=True)) == notes_of(score)


def test_frames_are_written_as_to_frames_makes_them(registered, tmp_path):
    score = q.engrave(TABLE)
    written = score.write('frames', tmp_path / 'x.npz', step='beat', pitch_range=(48, 84))
    assert_equal_frames(load_frames(written), q.to_frames(score, step='beat',
                                                          pitch_range=(48, 84)))
    with pytest.warns(QuantizationWarning, match='3 of 4 notes moved to the grid of a frame a bar'):
        score.write('frames', tmp_path / 'x.npz', step='bar')


def test_a_target_without_a_suffix_gets_one(registered, tmp_path):
    score = q.engrave(TABLE)
    assert Path(score.write('frames', tmp_path / 'x')) == tmp_path / 'x.npz'
    assert Path(score.write('notetable', tmp_path / 'y')) == tmp_path / 'y.parquet'
    assert Path(score.write('parquet', str(tmp_path / 'z'))) == tmp_path / 'z.parquet'


def test_without_a_target_a_temporary_file_is_written(registered):
    for kind, load in (('frames', load_frames), ('notetable', load_table)):
        path = Path(q.engrave(TABLE).write(kind))
        try:
            assert load(path) is not None
        finally:
            path.unlink()


def test_a_part_and_a_measure_can_be_written(registered, tmp_path):
    part = q.engrave(TABLE).parts[0]
    for one, count in ((part, 3), (part.measure(1), 2)):
        assert len(load_table(one.write('notetable', tmp_path / 'x.parquet'))) == count


def test_repeats_are_played_out_on_request(registered, tmp_path):
    score = q.engrave(TABLE)
    written = score.write('notetable', tmp_path / 'x.csv', expand_repeats=True)
    assert len(load_table(written)) == 4


def test_errors_are_those_of_the_package(registered, tmp_path):
    score = q.engrave(TABLE)
    with pytest.raises(ParameterError, match='step is'):
        score.write('frames', tmp_path / 'x.npz', step='fast')
    with pytest.raises(ParameterError, match=r'expected \.npz'):
        score.write('frames', tmp_path / 'x.csv')
    with pytest.raises(ParameterError, match=r'expected \.parquet, \.npz, \.csv'):
        score.write('notetable', tmp_path / 'x.txt')
    with pytest.raises(EmptyScoreError, match='expected at least one'):
        stream.Score([stream.Part([stream.Measure([note.Rest()])])]).write(
            'frames', tmp_path / 'x.npz')
    assert list(tmp_path.iterdir()) == []


def test_damaged_files_and_a_second_piece_are_refused(registered, tmp_path):
    (tmp_path / 'x.csv').write_text('onset,duration\n0,1\n')
    with pytest.raises(FramesError, match=r'x\.csv: the columns pitch are missing'):
        converter.parse(tmp_path / 'x.csv', forceSource=True)
    save_table(TABLE, tmp_path / 'x.parquet')
    with pytest.raises(ParameterError, match='is one piece; number is 2, leave it out'):
        converter.parse(tmp_path / 'x.parquet', number=2, forceSource=True)
    np.savez(tmp_path / 'x.npz', values=np.arange(3))
    with pytest.raises(FramesError, match='it is no table of this package'):
        converter.parse(tmp_path / 'x.npz', forceSource=True)


def test_without_registering_music21_does_not_know_the_formats(tmp_path):
    save_table(TABLE, tmp_path / 'x.parquet')
    with pytest.raises(ConverterFileException):
        converter.parse(tmp_path / 'x.parquet', forceSource=True)


def test_registering_lasts_for_its_process_only(tmp_path):
    script = ('import sys; from music21 import converter; import qbdi_m21 as q\n'
              'assert not {"frames", "notetable"} & set(converter.Converter()'
              '.getSubConverterFormats())\nq.register()\n'
              'assert len(converter.parse(sys.argv[1], forceSource=True).flatten().notes) == 4')
    save_table(TABLE, tmp_path / 'x.parquet')
    subprocess.run([sys.executable, '-c', script, tmp_path / 'x.parquet'], check=True)
    assert ours() == []
