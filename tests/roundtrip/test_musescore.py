"""The whole pipeline, read by MuseScore 3: no note lost, every measure full."""

from fractions import Fraction

import mido
import numpy as np
import pytest
from musicxml_checks import (
    block_model,
    musescore,
    musescore_errors,
    note_events,
    read_musicxml,
    require_schema,
    schema_errors,
    voice_lengths,
)

import qbdi_m21 as q
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.roll import Frames

pytestmark = [
    pytest.mark.notation_app,
    pytest.mark.skipif(musescore() is None, reason='MuseScore 3 is not installed'),
    # quantisation of ornaments and thick textures of the sources are told, not failed
    pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QbdiWarning'),
]

QUERIES = {
    'pickup': 'corpus:bach/bwv66.6', '3/4': 'corpus:bach/bwv57.8',
    '6/8': 'corpus:ryansMammoth/BanishMisfortune', 'quartet': 'corpus:haydn/opus74no1/movement3',
    'reel': 'corpus:ryansMammoth/AcaciaReel', 'folk song': ('corpus:essenFolksong/erk5', 2),
    'midi': 'midi', 'mxl': 'mxl'}


def write_midi(path):
    """Write two tracks in 3/4, held notes and unisons among them."""
    midi = mido.MidiFile(ticks_per_beat=96)
    for channel, base in enumerate((72, 48)):
        track = midi.add_track(f'Voice {channel + 1}')
        track.append(mido.MetaMessage('time_signature', numerator=3, denominator=4))
        for k in range(36):
            pitch = base + (k * 5 + channel) % 14
            track.append(mido.Message('note_on', note=pitch, channel=channel, time=0))
            track.append(mido.Message('note_off', note=pitch, channel=channel,
                                      time=96 if channel else 48 + 24 * (k % 3)))
    midi.save(path)
    return path


@pytest.fixture(scope='module', params=QUERIES)
def made(request, tmp_path_factory):
    """Return a comparison and the file that was written of it."""
    folder = tmp_path_factory.mktemp('roundtrip')
    source, number = QUERIES[request.param], None
    if source == 'midi':
        source = write_midi(folder / 'voices.mid')
    elif source == 'mxl':
        q.write_musicxml(q.load_score('corpus:bach/bwv1.6'), folder / 'chorale.mxl')
        source = folder / 'chorale.mxl'
    elif isinstance(source, tuple):
        source, number = source
    found = q.compare(q.load_score(source, number=number), block_model(), rate=300, seed=1)
    path = folder / 'out.musicxml'
    q.write_musicxml(found.annotated(), path)
    return found, path


@pytest.mark.parametrize('version', ['4.0', '3.1'])
def test_the_file_is_valid(made, version):
    require_schema(version)
    assert schema_errors(made[1], version) == []


def test_musescore_keeps_every_note_and_says_nothing(made):
    assert musescore_errors(made[1]) == []


def test_the_file_holds_every_note_of_both_sides(made):
    found, path = made
    root = read_musicxml(path)
    parts = root.findall('part')
    improvised = {key for key in note_events(root) if key[0] == 0}
    assert found.num_notes['improvisation'] > 0
    starts = {(m, o, int(p)) for _, m, o, p, _ in improvised}
    table = q.extract_notes(found.improvisation)
    bars = table.bars
    assert {(int(table.bar[k]), table.onset_at(k) - bars[int(table.bar[k])].start_ql,
             int(table.pitch[k])) for k in range(len(table))} <= starts
    assert len(parts) > 1


def test_every_measure_is_full_and_both_sides_have_as_many(made):
    found, path = made
    bars = found.grid.bars
    above, *below = [voice_lengths(part) for part in read_musicxml(path).findall('part')]
    assert {len(measures) for measures in (above, *below)} == {len(bars)}
    for filled, bar in zip(above, bars, strict=True):
        assert set(filled.values()) == {bar.length_ql}
    # sources may leave a part short, or overfill one; the fullest part of the query fills the bar
    for *filled, bar in zip(*below, bars, strict=True):
        assert max(length for part in filled for length in part.values()) >= bar.length_ql


@pytest.mark.parametrize('density', [0.02, 0.15, 0.4])
def test_dense_frames_lose_nothing_in_musescore(density, tmp_path):
    bars = (Bar(0, Fraction(0), Fraction(1), lead_ql=Fraction(3)),
            Bar(1, Fraction(1), Fraction(4), sharps=3),
            Bar(2, Fraction(5), Fraction(3), '6/8', Fraction(3, 2)),
            Bar(3, Fraction(8), Fraction(5, 2), '5/8', Fraction(1, 2)))
    grid = Grid(bars)
    sounding = np.random.default_rng(9).random((grid.num_frames, 78)) < density
    path = tmp_path / 'dense.musicxml'
    q.write_musicxml(q.to_score(Frames(sounding, sounding, grid)), path)
    assert sum(note_events(read_musicxml(path)).values()) >= sounding.sum()
    assert musescore_errors(path) == []


def test_an_improvisation_of_the_shipped_model(tmp_path):
    found = q.compare(q.load_score('corpus:bach/bwv66.6'), 'chorales')
    path = tmp_path / 'out.mxl'
    q.write_musicxml(found.annotated(), path)
    assert schema_errors(path) == []
    assert musescore_errors(path) == []
