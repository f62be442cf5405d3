"""Note tables to MIDI files: what is in them, and what reads back."""

from fractions import Fraction

import mido
import pytest
from midi_files import rows
from strategies import bars_of, table_of

from qbdi_m21.errors import FramesError, ParameterError, QuantizationWarning, SourceWarning
from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.midi import read_midi
from qbdi_m21.frames.midi_out import write_midi
from qbdi_m21.frames.table import Tempo, make_note_table

THIRD = Fraction(1, 3)


@pytest.fixture
def target(tmp_path):
    return tmp_path / 'out.mid'


@pytest.fixture
def back(target):
    """Write and read a table."""
    def there_and_back(table, **options):
        write_midi(table, target, **options)
        return read_midi(target)
    return there_and_back


def messages(target, kind):
    """(track, tick, message) of one kind."""
    found = []
    for index, track in enumerate(mido.MidiFile(target).tracks):
        now = 0
        for message in track:
            now += message.time
            if message.type == kind:
                found.append((index, now, message))
    return found


def meters(bars):
    return [(str(bar.start_ql), str(bar.length_ql), bar.meter) for bar in bars]


def test_a_file_has_a_conductor_and_a_track_a_part(back, target):
    table = table_of([(0, 1, 60, 0), (0, 2, 48, 1)], bars_of('3/4'), part_names=('Oben', 'Für'),
                     tempi=(Tempo(Fraction(0), 100), Tempo(Fraction(1), 50)))
    read = back(table)
    assert rows(read) == rows(table)
    assert read.part_names == ('Oben', 'Für')
    assert read.tempi == table.tempi
    midi = mido.MidiFile(target)
    assert (midi.type, midi.ticks_per_beat, len(midi.tracks)) == (1, 480, 3)
    assert {m.type for m in midi.tracks[0]} == {
        'set_tempo', 'time_signature', 'key_signature', 'end_of_track'}


def test_velocities_are_kept_and_80_where_there_is_none(back):
    bars = bars_of('4/4')
    table = make_note_table(bars, onset=[0, 1, 2], duration=[1, 1, 1], pitch=[60, 60, 60],
                            velocity=[0, 1, 127])
    assert back(table).velocity.tolist() == [80, 1, 127]
    assert back(table, velocity=33).velocity.tolist() == [33, 1, 127]


@pytest.mark.parametrize('velocity', [0, 128, -1, 64.5])
def test_velocities_that_midi_has_not_are_refused(target, velocity):
    with pytest.raises(ParameterError, match=f'velocity is {velocity}; expected 1 to 127'):
        write_midi(table_of([(0, 1, 60)], bars_of('4/4')), target, velocity=velocity)
    assert not target.exists()


@pytest.mark.parametrize(('duration', 'ticks'), [
    (Fraction(1), 480), (Fraction(1, 7), 483), (Fraction(1, 1001), 1001),
    (Fraction(1, 32767), 32767)])
def test_the_ticks_hold_every_duration(back, target, duration, ticks):
    table = table_of([(0, duration, 60), (duration, 2, 62)], bars_of('4/4'))
    assert rows(back(table)) == rows(table)
    assert mido.MidiFile(target).ticks_per_beat == ticks


def test_what_no_unit_holds_goes_to_the_nearest_tick_and_is_told(back):
    odd = Fraction(1, 97) + Fraction(1, 101) + Fraction(1, 103)
    table = table_of([(0, 1, 60), (odd, Fraction(1, 99991), 62)], bars_of('4/4'))
    with pytest.warns(QuantizationWarning, match='1 of 2 notes moved to the nearest of 30240'):
        read = back(table)
    assert read.onset_at(1) == Fraction(round(odd * 30240), 30240)
    assert read.end_at(1) - read.onset_at(1) == Fraction(1, 30240)


def test_a_barline_that_no_unit_holds_is_told(back):
    bars = (Bar(1, Fraction(0), Fraction(1, 40009)), Bar(2, Fraction(1, 40009), Fraction(4)))
    with pytest.warns(QuantizationWarning, match='0 of 1 notes moved'):
        back(table_of([(0, 1, 60)], bars))


def test_a_long_piece_has_no_time_that_midi_cannot_hold(back):
    bars = bars_of(*['150/1'] * 20)
    table = table_of([(0, 1, 60), (11_999, Fraction(1, 30011), 62)], bars)
    with pytest.warns(QuantizationWarning, match='1 of 2 notes moved to the nearest of 22369'):
        read = back(table)
    assert read.onset_at(1) == 11_999


def test_grace_notes_are_left_out_and_told(back):
    table = make_note_table(bars_of('4/4'), onset=[0, 0], duration=[0, 1], pitch=[62, 60],
                            grace=[True, False])
    with pytest.warns(SourceWarning, match='1 of 2 notes have no length'):
        assert rows(back(table)) == [(0, 1, 60, 0)]


def test_notes_of_one_pitch_that_overlap_come_back(back):
    table = make_note_table(bars_of('4/4'), onset=[0, 1, 0, 0], duration=[2, 2, 1, 3],
                            pitch=[60, 60, 70, 70], velocity=[10, 20, 30, 40])
    read = back(table)
    assert rows(read) == rows(table)
    assert read.velocity.tolist() == table.velocity.tolist()


def test_a_note_inside_another_of_its_pitch_exchanges_ends_with_it(back):
    read = back(table_of([(0, 4, 60), (1, 1, 60)], bars_of('4/4')))
    assert rows(read) == [(0, 2, 60, 0), (1, 4, 60, 0)]


def test_a_note_struck_again_does_not_end_the_new_one(back):
    table = table_of([(0, 1, 60), (1, 1, 60), (2, 1, 60)], bars_of('4/4'))
    assert rows(back(table)) == rows(table)


def test_parts_have_channels_of_their_own_but_for_percussion(back, target):
    table = table_of([(0, 1, 60, part) for part in range(17)], bars_of('4/4'))
    assert rows(back(table)) == rows(table)
    used = [message.channel for _, _, message in messages(target, 'note_on')]
    assert used == [*range(9), *range(10, 16), 0, 1]


def test_a_part_without_notes_is_written_but_not_read(back, target):
    table = table_of([(0, 1, 60, 1)], bars_of('4/4'), part_names=('Silent', 'Solo'))
    read = back(table)
    assert (rows(read), read.part_names) == ([(0, 1, 60, 0)], ('Solo',))
    assert [m.name for _, _, m in messages(target, 'track_name')] == ['Silent', 'Solo']


def test_a_pickup_is_a_bar_of_its_own_meter(back, target):
    table = table_of([(0, 9, 60)], bars_of('4/4', '4/4', pickup_ql=1))
    assert meters(back(table).bars) == [('0', '1', '1/4'), ('1', '4', '4/4'), ('5', '4', '4/4')]
    assert [(tick, m.numerator, m.denominator) for _, tick, m in messages(
        target, 'time_signature')] == [(0, 1, 4), (480, 4, 4)]


def test_bars_shorter_and_longer_than_their_meter_keep_their_lines(back):
    lengths = [4, 2, Fraction(3, 2), 4, THIRD, 4, 7, Fraction(13, 3), 4]
    bars, start = [], Fraction(0)
    for number, length in enumerate(lengths):
        bars.append(Bar(number, start, Fraction(length), '4/4'))
        start += length
    read = back(table_of([(0, start, 60)], tuple(bars)))
    assert meters(read.bars) == [
        ('0', '4', '4/4'), ('4', '2', '2/4'), ('6', '3/2', '3/8'), ('15/2', '4', '4/4'),
        ('23/2', '1/3', '1/4'), ('71/6', '4', '4/4'), ('95/6', '7', '7/4'),
        ('137/6', '13/3', '5/4'), ('163/6', '4', '4/4')]


def test_meters_change_with_the_bars(back):
    bars = bars_of('6/8', '6/8', '2/2', '5/16', '400/4', '3/4')
    read = back(table_of([(0, bars[-1].end_ql, 60)], bars))
    assert meters(read.bars) == [(s, n, m.replace('400/4', '100/1')) for s, n, m in meters(bars)]


def test_keys_change_with_the_bars(back):
    bars = [Bar(k, Fraction(4 * k), Fraction(4), sharps=sharps)
            for k, sharps in enumerate((-7, -7, 0, 7, 8, -9))]
    read = back(table_of([(0, 24, 60)], tuple(bars)))
    assert [bar.sharps for bar in read.bars] == [-7, -7, 0, 7, -4, 3]


def test_tempi_are_whole_microseconds_within_what_midi_holds(back):
    tempi = tuple(Tempo(Fraction(k, 3), speed) for k, speed in enumerate((132.0, 1.0, 1e9)))
    read = back(table_of([(0, 4, 60)], bars_of('4/4'), tempi=tempi))
    assert [tempo.onset_ql for tempo in read.tempi] == [tempo.onset_ql for tempo in tempi]
    assert [tempo.quarters_per_minute for tempo in read.tempi] == pytest.approx(
        [132, 3.5762789, 6e7], rel=2e-6)


@pytest.mark.parametrize('headings', [
    {'tempi': (Tempo(Fraction(0), 0.0),)}, {'tempi': (Tempo(Fraction(0), float('nan')),)},
    {'part_names': ('',) * 32767}, {'tempi': (Tempo(Fraction(10**9), 1.0),)}],
    ids=range(4))
def test_what_midi_cannot_hold_is_refused(target, headings):
    table = make_note_table(bars_of('4/4'), onset=[0], duration=[1], pitch=[60], **headings)
    with pytest.raises(FramesError, match=r'expected one above 0|MIDI holds'):
        write_midi(table, target)
    assert not target.exists()


def test_the_same_table_gives_the_same_bytes(target):
    table = table_of([(0, 1, 60), (0, 1, 64), (THIRD, 1, 67)], bars_of('4/4'), part_names=('a',))
    write_midi(table, target)
    first = target.read_bytes()
    write_midi(table, target)
    assert target.read_bytes() == first
    assert [path.name for path in target.parent.iterdir()] == ['out.mid']


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(ParameterError, match='no such folder'):
        write_midi(table_of([(0, 1, 60)], bars_of('4/4')), tmp_path / 'none' / 'out.mid')


def test_a_table_without_notes_is_written(target):
    write_midi(table_of([], bars_of('4/4')), target)
    assert len(mido.MidiFile(target).tracks) == 1


def test_the_pop_clips_come_back(shared_data, back):
    for clip in sorted((shared_data / 'pop').glob('*.midi'))[::20]:
        table = read_midi(clip)
        read = back(table)
        assert rows(read) == rows(table)
        assert read.velocity.tolist() == table.velocity.tolist()
        assert (read.bars, read.tempi) == (table.bars, table.tempi)
