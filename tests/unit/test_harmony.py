"""Chords from pitch-class weights."""

import numpy as np
import pytest

from qbdi_m21.analysis.harmony import harmony_name, infer_chord

QUALITIES = {'': (0, 4, 7), 'm': (0, 3, 7), '7': (0, 4, 7, 10), 'm7': (0, 3, 7, 10),
             'maj7': (0, 4, 7, 11), 'dim': (0, 3, 6)}


def weights(*classes):
    return np.bincount(np.array(classes) % 12, minlength=12).astype(float)


@pytest.mark.parametrize('quality', QUALITIES)
@pytest.mark.parametrize('root', range(12))
def test_a_plain_chord_is_named_by_root_and_quality(root, quality):
    assert infer_chord(weights(*(root + k for k in QUALITIES[quality]))) == (root, quality)


def test_an_augmented_triad_is_one_on_any_of_its_tones():
    root, quality = infer_chord(weights(2, 6, 10))
    assert quality == 'aug'
    assert root in (2, 6, 10)


def test_doubling_and_loudness_do_not_change_a_chord():
    assert infer_chord(weights(0, 0, 4, 7, 7)) == (0, '')
    assert infer_chord(1e-3 * weights(9, 0, 4)) == (9, 'm')


def test_transposing_moves_the_root(rng):
    for _ in range(50):
        chroma = rng.random(12) ** 4
        first, moved = infer_chord(chroma), infer_chord(np.roll(chroma, 5))
        if first is None or first[1] == 'aug':
            assert moved is None or moved[1] == 'aug'
        else:
            assert moved == ((first[0] + 5) % 12, first[1])


def test_a_passing_note_does_not_hide_a_chord():
    chroma = weights(0, 4, 7) * 4
    chroma[2] = 1
    assert infer_chord(chroma) == (0, '')


@pytest.mark.parametrize('classes', [(), (0,), (0, 7), tuple(range(12)), (0, 1, 2)],
                         ids=['silence', 'one', 'two', 'all', 'cluster'])
def test_what_is_no_chord_has_no_name(classes):
    assert infer_chord(weights(*classes) if classes else np.zeros(12)) is None


def test_names_follow_the_key():
    assert harmony_name(weights(10, 1, 5), -5) == 'B♭m'
    assert harmony_name(weights(10, 1, 5), 5) == 'A♯m'
    assert harmony_name(weights(7, 11, 2, 5)) == 'G7'


def test_without_a_chord_the_heaviest_pitch_classes_are_named():
    chroma = np.zeros(12)
    chroma[[0, 1, 2, 3]] = [1, 4, 3, 2]
    assert harmony_name(chroma) == '{C♯ D E♭}'
    assert harmony_name(weights(7)) == '{G}'
