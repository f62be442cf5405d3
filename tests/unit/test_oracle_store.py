"""Oracles that grow, are pickled, saved and loaded; and what is refused."""

import json
import math
import pickle
import zipfile
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from oracle_material import lattice, lopsided, symbols, varied_repeats, vmo_oracle, with_silence

from qbdi_m21.errors import ParameterError
from qbdi_m21.oracle.build import Oracle, build_oracle
from qbdi_m21.oracle.threshold import find_threshold

ARRAYS = ('features', 'suffix', 'lrs', 'symbol', 'transition_starts', 'transition_goals')

vectors = npst.arrays(np.float64, st.tuples(st.integers(1, 24), st.integers(1, 2)),
                      elements=st.floats(-2, 2, width=16))


def assert_equal(one, other):
    for name in ARRAYS:
        assert getattr(one, name).dtype == getattr(other, name).dtype
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert (one.threshold, one.distance, one.silence) == (
        other.threshold, other.distance, other.silence)


def grown(features, cuts, *options, **named):
    """Build an oracle of the first part, and extend it by the others."""
    first, *rest = np.split(features, cuts)
    oracle = build_oracle(first, *options, **named)
    for part in rest:
        oracle = oracle.extend(part)
    return oracle


@given(vectors, st.floats(0, 3), st.data())
def test_any_split_equals_one_build(features, threshold, data):
    places = st.lists(st.integers(1, max(len(features) - 1, 1)), max_size=4, unique=True)
    cuts = [cut for cut in sorted(data.draw(places)) if cut < len(features)]
    assert_equal(grown(features, cuts, threshold), build_oracle(features, threshold))


@pytest.mark.parametrize('distance', ['euclidean', 'cosine', lopsided, 'tonnetz',
                                      'pitch-class-set', 'symmetric-kl'])
def test_growing_frame_by_frame_equals_one_build_for_every_distance(distance):
    features = with_silence(3)
    for threshold in (0.0, 0.2, 0.7, 5.0):
        cuts = list(range(1, len(features)))
        assert_equal(grown(features, cuts, threshold, distance),
                     build_oracle(features, threshold, distance))


@pytest.mark.parametrize(('make', 'seed'), [*product([symbols, varied_repeats, lattice], range(4))])
def test_longer_sequences_grow_in_blocks(make, seed, monkeypatch):
    from qbdi_m21.oracle import build
    features = make(seed)
    whole = build_oracle(features, 0.4)
    monkeypatch.setattr(build, 'MAX_DISTANCES', 100)
    half = max(len(features) // 2, 1)
    assert_equal(grown(features, [half], 0.4) if half < len(features)
                 else build_oracle(features, 0.4), whole)


def test_what_is_extended_is_left_as_it_was():
    oracle = build_oracle([[0.0], [1.0], [0.0]], 0.5)
    before = pickle.loads(pickle.dumps(oracle))
    longer = oracle.extend([[1.0]])
    assert longer.num_states == oracle.num_states + 1
    assert_equal(oracle, before)
    assert longer.suffix.tolist() == [-1, 0, 0, 1, 2]


@pytest.mark.parametrize(('more', 'message'), [
    ([[1.0, 2.0]], 'features have 2 columns; this oracle has 1'),
    ([[math.nan]], 'NaN or infinity'), (np.zeros((0, 1)), 'at least one frame'),
    ([1.0], 'at least one frame')])
def test_an_oracle_is_not_extended_by_what_is_no_frame(more, message):
    with pytest.raises(ParameterError, match=message):
        build_oracle([[0.0]], 0.5).extend(more)


def test_an_oracle_is_pickled():
    oracle = build_oracle(varied_repeats(1), 0.1)
    assert_equal(pickle.loads(pickle.dumps(oracle)), oracle)
    found = find_threshold(varied_repeats(1))
    assert_equal(pickle.loads(pickle.dumps(found)).oracle, found.oracle)


@settings(max_examples=25)
@given(vectors, st.floats(0, 3) | st.just(math.inf), st.sampled_from(['euclidean', 'cityblock']))
def test_what_is_saved_is_loaded(tmp_path_factory, features, threshold, distance):
    path = tmp_path_factory.mktemp('oracle') / 'x.npz'
    oracle = build_oracle(features, threshold, distance)
    oracle.save(path)
    loaded = Oracle.load(path)
    assert_equal(loaded, oracle)
    assert_equal(loaded.extend(features), oracle.extend(features))


def test_a_saved_oracle_holds_no_pickle(tmp_path):
    build_oracle(np.eye(3), 0.5).save(tmp_path / 'x.npz')
    with np.load(tmp_path / 'x.npz', allow_pickle=False) as held:
        assert sorted(held.files) == sorted(['about', *ARRAYS])
        assert all(held[name].dtype != object for name in held.files)


def test_a_function_is_not_saved(tmp_path):
    with pytest.raises(ParameterError, match='the distance is a function'):
        build_oracle(np.eye(3), 0.5, lopsided).save(tmp_path / 'x.npz')
    assert list(tmp_path.iterdir()) == []


def saved(tmp_path):
    path = tmp_path / 'x.npz'
    build_oracle(symbols(1), 0.5).save(path)
    return path


def test_a_file_cut_anywhere_is_refused(tmp_path):
    path = saved(tmp_path)
    data = path.read_bytes()
    for count in range(0, len(data), max(len(data) // 60, 1)):
        path.write_bytes(data[:count])
        with pytest.raises(ParameterError, match='holds no oracle'):
            Oracle.load(path)


def test_a_byte_that_changed_is_noticed_or_changes_nothing(tmp_path, rng):
    path = saved(tmp_path)
    whole, data = Oracle.load(path), path.read_bytes()
    refused = 0
    for place in rng.integers(0, len(data), 150):
        changed = bytearray(data)
        changed[place] ^= 1 << int(rng.integers(0, 8))
        path.write_bytes(changed)
        try:
            loaded = Oracle.load(path)
        except ParameterError:
            refused += 1
        else:
            assert_equal(loaded, whole)
    assert refused > 75


def rewritten(path, **changes):
    """Write a saved oracle with other members; None leaves one out."""
    with np.load(path) as held:
        members = {name: held[name] for name in held.files} | changes
    np.savez(path, **{name: values for name, values in members.items() if values is not None})


def about(**changes):
    plain = {'format': 1, 'threshold': 0.5, 'distance': 'euclidean', 'silence': 'vmo'}
    kept = {name: value for name, value in (plain | changes).items() if value is not None}
    return np.array(json.dumps(kept))


@pytest.mark.parametrize('changes', [
    {'suffix': None}, {'about': None}, {'about': np.array('{')}, {'about': np.array('[1]')},
    {'about': about(threshold=None)}, {'about': about(threshold='high')},
    {'about': about(threshold=-1)}, {'about': about(distance='none')},
    {'about': about(distance=['cosine'])}, {'about': about(silence='loud')},
    {'about': about(more=1)}, {'lrs': np.zeros(3, np.int32)}, {'features': np.zeros((4, 0))},
    {'features': np.full((4, 1), np.nan)}, {'features': np.zeros((9, 1))},
    {'suffix': np.array([-1, 0, 0, 0, 99], np.int32)},
    {'suffix': np.array([-1, 0, 0, -7, 0], np.int32)},
    {'symbol': np.array([-1, 0, 1, 900, 1], np.int32)},
    {'lrs': np.array([0, 0, 0, 1, 77], np.int32)},
    {'transition_goals': np.array([1, 2, 3, 4, 1000], np.int32)},
    {'transition_starts': np.array([0, 900, 0, 0, 0, 2], np.int32)},
    {'suffix': np.array([-1.0, 0, 0, 1, 2])}])
def test_a_file_with_other_members_is_refused(changes, tmp_path):
    path = tmp_path / 'x.npz'
    build_oracle([[0.0], [1.0], [0.0], [1.0]], 0.5).save(path)
    rewritten(path, **changes)
    with pytest.raises(ParameterError, match=r'x\.npz holds no oracle .*Oracle\.save'):
        Oracle.load(path)


def test_a_file_of_another_format_says_so(tmp_path):
    path = saved(tmp_path)
    rewritten(path, about=about(format=2))
    with pytest.raises(ParameterError, match='another format than 1; save the oracle again'):
        Oracle.load(path)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / 'x.npz'
    np.save(tmp_path / 'array.npy', np.eye(2))
    with zipfile.ZipFile(tmp_path / 'other.zip', 'w') as archive:
        archive.writestr('a', 'b')
    contents = [(tmp_path / name).read_bytes() for name in ('array.npy', 'other.zip')]
    for content in (*contents, b'', b'Dear reader,\n', pickle.dumps({'a': 1})):
        path.write_bytes(content)
        with pytest.raises(ParameterError, match='holds no oracle'):
            Oracle.load(path)
    for missing in (tmp_path, tmp_path / 'none.npz'):
        with pytest.raises(ParameterError, match='holds no oracle'):
            Oracle.load(missing)


@pytest.mark.parametrize(('features', 'message'), [
    (np.zeros((0, 3)), 'at least one frame'), (np.zeros(4), 'at least one frame'),
    (np.zeros((3, 0)), 'at least one frame'), (np.zeros((2, 2, 2)), 'at least one frame'),
    ([[math.nan]] * 2, 'NaN or infinity'), ([[0.0], [math.inf]], 'NaN or infinity')])
def test_what_is_no_sequence_of_frames_is_refused(features, message):
    with pytest.raises(ParameterError, match=message):
        build_oracle(features, 0.5)
    with pytest.raises(ParameterError, match=message.replace('one frame', 'two frames')):
        find_threshold(features)


@pytest.mark.parametrize('threshold', [-0.1, -math.inf, math.nan])
def test_thresholds_that_are_none_are_refused(threshold):
    with pytest.raises(ParameterError, match=r'threshold is .*; expected a number >= 0'):
        build_oracle(np.eye(2), threshold)
    with pytest.raises(ParameterError, match=r'thresholds run from .*; expected finite numbers'):
        find_threshold(np.eye(2), thresholds=[0.1, threshold])


def test_thresholds_that_are_no_list_are_refused():
    for wrong in ([], np.zeros((2, 2)), 0.5):
        with pytest.raises(ParameterError, match='expected at least one'):
            find_threshold(np.eye(2), thresholds=wrong)
    with pytest.raises(ParameterError, match='finite numbers'):
        find_threshold(np.eye(2), thresholds=[math.inf])


def test_the_exact_search_takes_no_thresholds():
    with pytest.raises(ParameterError, match='thresholds were given for the exact search'):
        find_threshold(np.eye(2), search='exact', thresholds=[0.1])


def test_an_unknown_search_is_refused():
    with pytest.raises(ParameterError, match="search is 'best'; expected 'grid' or 'exact'"):
        find_threshold(np.eye(2), search='best')


@pytest.mark.parametrize('search', ['grid', 'exact'])
@pytest.mark.parametrize('features', [np.ones((9, 2)), np.zeros((9, 2)), np.arange(9.0)[:, None],
                                      2.0 ** np.arange(9)[:, None]])
@pytest.mark.parametrize('silence', ['symbol', 'vmo'])
def test_frames_all_equal_or_all_different_have_a_defined_result(features, search, silence):
    for distance in ('euclidean', 'cosine', lopsided):
        found = find_threshold(features, distance=distance, search=search, silence=silence)
        assert np.all(np.isfinite(found.curve))
        assert found.peak_bits == found.curve.max() == found.profile.sum()
        assert 0 <= found.selected < math.inf
        assert found.oracle.num_states == 10
        if silence == 'vmo':
            theirs = vmo_oracle(features, found.selected, distance)
            assert found.oracle.to_vmo().sfx == theirs.sfx


def test_one_frame_is_an_oracle_and_no_search():
    oracle = build_oracle([[1.0, 2.0]], 0.5)
    assert (oracle.num_states, oracle.num_symbols, oracle.code) == (2, 1, ((0, 1),))
    with pytest.raises(ParameterError, match='at least two frames'):
        find_threshold([[1.0, 2.0]])
