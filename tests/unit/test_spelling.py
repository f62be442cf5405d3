"""Pitch names from MIDI numbers."""

import pytest
from music21 import key, pitch

from qbdi_m21.frames.spelling import spell, spelling_table


@pytest.mark.parametrize('sharps', range(-7, 8))
def test_names_sound_the_number_that_they_were_made_from(sharps):
    table = spelling_table(sharps)
    for midi in range(128):
        name, octave = spell(midi, table)
        assert pitch.Pitch(name, octave=octave).ps == midi


@pytest.mark.parametrize('sharps', range(-7, 8))
def test_the_scales_of_the_signature_keep_its_names(sharps):
    table = spelling_table(sharps)
    signature = key.KeySignature(sharps)
    for mode in ('major', 'minor'):
        scale = signature.asKey(mode)
        for degree in scale.pitches:
            assert table[degree.pitchClass] == degree.name
    # the leading note of the minor key is raised
    leading = signature.asKey('minor').tonic.transpose('-m2')
    assert table[leading.pitchClass] == leading.name


def test_c_major_spells_from_e_flat_to_g_sharp():
    assert spelling_table(0) == ('C', 'C#', 'D', 'E-', 'E', 'F', 'F#', 'G', 'G#', 'A', 'B-', 'B')


@pytest.mark.parametrize(('midi', 'sharps', 'name'), [
    (59, -7, ('C-', 4)), (60, 7, ('B#', 3)), (60, 0, ('C', 4)), (61, -5, ('D-', 4)),
    (61, 4, ('C#', 4)), (0, 0, ('C', -1))])
def test_octaves_follow_the_letter(midi, sharps, name):
    assert spell(midi, spelling_table(sharps)) == name
