"""The MIDI reader against those of other packages, where they are installed, on the pop clips.

All agree on 124 of the 126 clips. In `OVERLAPS` notes of one pitch and channel overlap: one
note-off of pretty_midi ends them all, and partitura forgets the earlier one. `HANGS` has a note
that is never switched off: the others drop it.
"""

import warnings
from collections import Counter
from fractions import Fraction

import pytest

from qbdi_m21.frames.midi import read_midi

OVERLAPS, HANGS = 'Dark Horse - Verse.midi', 'Pompeii - Chorus.midi'


def peer(name):
    """Import a package that may warn when it is imported; skip where it is absent."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return pytest.importorskip(name)


@pytest.fixture
def clips(shared_data):
    found = sorted((shared_data / 'pop').glob('*.midi'))
    assert len(found) == 126
    return [*found, shared_data / 'naruto_query.mid']


def read_quietly(read, clip):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return read(str(clip))


def our_notes(table):
    """(onset, end, pitch, velocity) of every note, with how often it is there."""
    return Counter((table.onset_at(k), table.end_at(k), int(table.pitch[k]),
                    int(table.velocity[k])) for k in range(len(table)))


def their_notes(notes, quarter):
    """The same of (start, end, pitch, velocity) in ticks, but for notes of no length."""
    return Counter((Fraction(int(start), quarter), Fraction(int(end), quarter), int(pitch),
                    int(velocity)) for start, end, pitch, velocity in notes if end > start)


def differing(clips, theirs):
    return [clip.name for clip in clips if our_notes(read_midi(clip)) != theirs(clip)]


def test_pretty_midi(clips):
    pretty_midi = peer('pretty_midi')

    def theirs(clip):
        read = read_quietly(pretty_midi.PrettyMIDI, clip)
        return their_notes(((read.time_to_tick(n.start), read.time_to_tick(n.end), n.pitch,
                             n.velocity) for part in read.instruments if not part.is_drum
                            for n in part.notes), read.resolution)

    assert differing(clips, theirs) == [OVERLAPS, HANGS]


def test_symusic(clips):
    symusic = peer('symusic')

    def theirs(clip):
        read = symusic.Score(str(clip))
        return their_notes(((n.time, n.time + n.duration, n.pitch, n.velocity)
                            for part in read.tracks if not part.is_drum for n in part.notes),
                           read.ticks_per_quarter)

    assert differing(clips, theirs) == [HANGS]


def test_partitura(clips):
    partitura = peer('partitura')

    def theirs(clip):
        read = read_quietly(partitura.load_performance_midi, clip)
        return their_notes(((n['onset_tick'], n['onset_tick'] + n['duration_tick'], n['pitch'],
                             n['velocity']) for n in read.note_array()), read[0].ppq)

    assert differing(clips, theirs) == [OVERLAPS, HANGS]


def test_symusic_has_the_same_meters_keys_and_tempi(clips):
    """pretty_midi takes tempi from the first track only, where these clips do not have them."""
    symusic = peer('symusic')
    for clip in clips:
        read, table = symusic.Score(str(clip)), read_midi(clip)
        end = table.bars[-1].end_ql * read.ticks_per_quarter
        assert {f'{c.numerator}/{c.denominator}' for c in read.time_signatures if c.time < end} == {
            bar.meter for bar in table.bars}, clip.name
        assert {c.key for c in read.key_signatures if c.time < end} == {
            bar.sharps for bar in table.bars}, clip.name
        assert {(Fraction(t.time, read.ticks_per_quarter), round(t.qpm, 3))
                for t in read.tempos if t.time < end} == {
            (t.onset_ql, round(t.quarters_per_minute, 3)) for t in table.tempi}, clip.name
