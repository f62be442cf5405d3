"""Pitch names from MIDI numbers."""

import time

import numpy as np
import pytest
from music21 import corpus, harmony, key, pitch

from qbdi_m21.errors import FramesError
from qbdi_m21.frames.spelling import (
    fifths_of,
    name_of,
    note_name,
    parse_name,
    spell_notes,
    spelling_table,
)

SIGNATURES = range(-7, 8)


def respelled(music, sharps=0):
    """Return (names as given, names found) of chords: 'C4 E4G4' is a note and a chord."""
    names, onsets = [], []
    for onset, chord in enumerate(music.split()):
        for name in chord.replace(',', ' ').split():
            names.append(name)
            onsets.append(float(onset))
    midi = np.array([parse_name(name)[0] for name in names])
    found = spell_notes(midi, np.array(onsets), np.full(len(midi), sharps))
    return names, [note_name(m, f) for m, f in zip(midi.tolist(), found.tolist(), strict=True)]


def scale_names(tonic, mode, octave=4):
    """Return the names of one octave up, by music21."""
    scale = key.Key(tonic, mode)
    first = pitch.Pitch(scale.tonic.name, octave=octave)
    return [p.nameWithOctave for p in scale.getPitches(first, first.transpose('P8'))]


@pytest.mark.parametrize(('step', 'alter', 'fifths', 'name'), [
    ('F', 0, -1, 'F'), ('C', 0, 0, 'C'), ('G', 0, 1, 'G'), ('B', -1, -2, 'B-'),
    ('F', 1, 6, 'F#'), ('F', 2, 13, 'F##'), ('F', -2, -15, 'F--'), ('B', 2, 19, 'B##')])
def test_places_on_the_line_of_fifths(step, alter, fifths, name):
    assert fifths_of(step, alter) == fifths
    assert name_of(fifths) == name
    assert pitch.Pitch(name).pitchClass == 7 * fifths % 12


@pytest.mark.parametrize('step', ['', 'H', 'c', 'FC', '#'])
def test_a_letter_that_is_none_is_an_error(step):
    with pytest.raises(FramesError, match='letter'):
        fifths_of(step, 0)


@pytest.mark.parametrize(('midi', 'fifths', 'name'), [
    (59, -7, 'C-4'), (60, 12, 'B#3'), (60, 0, 'C4'), (61, -5, 'D-4'), (61, 7, 'C#4'),
    (0, 0, 'C-1'), (70, -2, 'B-4'), (62, 14, 'C##4'), (60, -12, 'D--4'), (61, 19, 'B##3')])
def test_octaves_follow_the_letter(midi, fifths, name):
    assert note_name(midi, fifths) == name
    if midi:
        assert parse_name(name) == (midi, fifths)


@pytest.mark.parametrize('name', ['', 'C', '4', 'H4', 'c4', 'C#-#4', 'B-#4', 'C4 ', 'Cb4', 'C4.5',
                                  'C\u0664', 'C4\n'])
def test_what_is_no_name_is_an_error(name):
    with pytest.raises(FramesError, match='note name'):
        parse_name(name)


@pytest.mark.parametrize('sharps', SIGNATURES)
def test_the_table_names_every_pitch_class_and_the_scales_of_the_signature(sharps):
    table = spelling_table(sharps)
    assert [pitch.Pitch(name).pitchClass for name in table] == list(range(12))
    signature = key.KeySignature(sharps)
    for mode in ('major', 'minor'):
        scale = signature.asKey(mode)
        for degree in scale.pitches:
            assert table[degree.pitchClass] == degree.name
    # the leading note of the minor key is raised
    leading = signature.asKey('minor').tonic.transpose('-m2')
    assert table[leading.pitchClass] == leading.name


def test_the_table_of_c_major_goes_from_e_flat_to_g_sharp():
    assert spelling_table(0) == ('C', 'C#', 'D', 'E-', 'E', 'F', 'F#', 'G', 'G#', 'A', 'B-', 'B')


def test_no_notes_have_no_names():
    none = spell_notes(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0, dtype=np.int64))
    assert none.shape == (0,)
    assert none.dtype == np.int64


@pytest.mark.parametrize('sharps', SIGNATURES)
def test_one_note_of_the_signature_has_its_name(sharps):
    for degree in key.KeySignature(sharps).asKey('major').pitches:
        found = spell_notes(np.array([degree.midi]), np.zeros(1), np.array([sharps]))
        assert name_of(int(found[0])) == degree.name


@pytest.mark.parametrize('shapes', [((2,), (3,), (2,)), ((2,), (2,), (1,)),
                                    ((2, 1), (2, 1), (2, 1))])
def test_columns_of_different_lengths_are_an_error(shapes):
    with pytest.raises(FramesError, match='shapes'):
        spell_notes(*(np.zeros(shape, dtype=np.int64) for shape in shapes))


@pytest.mark.parametrize('sharps', SIGNATURES)
@pytest.mark.parametrize('mode', ['major', 'minor'])
def test_scales_keep_the_names_of_the_signature(sharps, mode):
    tonic = key.KeySignature(sharps).asKey(mode).tonic.name
    up = scale_names(tonic, mode)
    names, found = respelled(' '.join(up + up[::-1]), sharps)
    assert found == names


@pytest.mark.parametrize('sharps', SIGNATURES)
def test_the_leading_note_of_minor_is_raised(sharps):
    tonic = pitch.Pitch(key.KeySignature(sharps).asKey('minor').tonic.name, octave=4)
    tune = [tonic.transpose(i).nameWithOctave
            for i in ('P1', '-m2', 'P1', 'M2', 'm3', 'P4', 'M2', '-m2', 'P1')]
    names, found = respelled(' '.join(tune), sharps)
    assert found == names


@pytest.mark.parametrize('sharps', SIGNATURES)
def test_melodic_minor_goes_up_raised_and_down_natural(sharps):
    tonic = pitch.Pitch(key.KeySignature(sharps).asKey('minor').tonic.name, octave=4)
    up = ('P1', 'M2', 'm3', 'P4', 'P5', 'M6', 'M7', 'P8')
    down = ('m7', 'm6', 'P5', 'P4', 'm3', 'M2', 'P1')
    names, found = respelled(
        ' '.join(tonic.transpose(i).nameWithOctave for i in up + down), sharps)
    assert found == names


@pytest.mark.parametrize(('sharps', 'music'), [
    (6, 'F#3,A#3,C#4 B3,D#4,F#4 C#4,E#4,G#4,B4 F#3,A#4,F#4'),
    (-6, 'G-3,B-3,D-4 C-4,E-4,G-4 D-4,F4,A-4,C-5 G-3,B-4,G-4'),
    (7, 'C#4,E#4,G#4 F#4,A#4,C#5 G#4,B#4,D#5,F#5 C#4,E#5,G#4'),
    (-7, 'C-4,E-4,G-4 F-4,A-4,C-5 G-4,B-4,D-5,F-5 C-4,E-5,G-4'),
    (6, 'D#4,F#4,A#4 G#3,B3,D#4 A#3,C##4,E#4 D#4,F#4,A#4')])
def test_keys_of_six_and_seven_accidentals(sharps, music):
    names, found = respelled(music, sharps)
    assert found == names


@pytest.mark.parametrize('tune', [
    'C4 C#4 D4 D#4 E4 F4 F#4 G4 G#4 A4', 'G4 F#4 G4 E4 D#4 E4 A4 G#4 A4',
    'C5 B4 A4 A-4 G4 F4 E4 D4 C4', 'E4 G4 B-4 A4 F4 A4 G4'])
def test_chromatic_notes_lead_where_they_go(tune):
    names, found = respelled(f'C4,E4,G4 F4,A4,C5 G4,B4,D5 C4,E4,G4 {tune}')
    assert found == names


def test_names_follow_a_modulation():
    # the same keys of the piano, in E major and in A flat major, without a signature
    home = 'C4,E4,G4 F4,A4,C5 G4,B4,D5,F5 C4,E4,G4 ' * 4
    sharp = 'E4,G#4,B4 A4,C#5,E5 B4,D#5,F#5,A5 E4,G#4,B4 G#4 A4 G#4 F#4 E4 D#4 E4 ' * 6
    flat = 'A-3,C4,E-4 D-4,F4,A-4 E-4,G4,B-4,D-5 A-3,C4,E-4 A-4 B-4 A-4 G4 F4 E-4 D-4 ' * 6
    names, found = respelled(home + sharp + home + flat)
    assert found == names


@pytest.mark.parametrize('music', [
    'D-4,F4,A-4 G-4,B-4,D-5 A-4,C5,E-5,G-5 D-4,F4,A-4 B-4,D-5,F5 E-4,G-4,B-4 A-4,C5,E-5 D-4 ',
    'B3,D#4,F#4 E4,G#4,B4 F#4,A#4,C#5,E5 B3,D#4,F#4 G#4,B4,D#5 C#4,E4,G#4 F#4,A#4,C#5 B3 '])
def test_without_a_signature_a_key_is_not_cut_in_two(music):
    names, found = respelled(music * 4)
    assert found == names


@pytest.mark.parametrize('work', ['bach/bwv66.6', 'bach/bwv281', 'mozart/k156/movement2',
                                  'schubert/Lindenbaum'])
def test_fewer_than_one_note_in_a_hundred_differs_from_the_score(work):
    score = corpus.parse(work)
    rows = []
    for part in score.parts:
        sharps = 0
        for element in part.flatten().getElementsByClass(['KeySignature', 'GeneralNote']):
            if isinstance(element, key.KeySignature):
                sharps = element.sharps
            elif not isinstance(element, harmony.Harmony):
                rows += [(p.midi, float(element.offset), sharps, fifths_of(p.step, int(p.alter)))
                         for p in element.pitches]
    midi, onset, sharps, fifths = (np.array(column) for column in zip(*rows, strict=True))
    assert np.mean(spell_notes(midi, onset, sharps) != fifths) < 0.01


def test_long_pieces_take_little_time():
    rng = np.random.default_rng(0)
    midi = 60 + np.cumsum(rng.integers(-2, 3, 100_000)) % 24
    onset = np.arange(100_000) / 4
    started = time.perf_counter()
    found = spell_notes(midi, onset, np.zeros(100_000, dtype=np.int64))
    assert time.perf_counter() - started < 5        # a tenth of it on a free machine
    assert np.array_equal(7 * found % 12, midi % 12)
