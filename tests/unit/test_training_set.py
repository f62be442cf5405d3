"""Training sets: windows of works, split so that related works stay together."""

import json
from fractions import Fraction

import numpy as np
import pytest
from strategies import bars_of, table_of

from qbdi_m21.errors import CorpusError, ParameterError, QbdiWarning, SourceWarning
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.raster import table_to_frames
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.model.split import related_works, split_groups
from qbdi_m21.model.training_set import TrainingSet

SPEC = FrameSpec()


def melody(seed, bars=6, shift=0):
    rng = np.random.default_rng(seed)
    pitches = rng.integers(50, 80, 8 * bars) + shift
    return table_of([(Fraction(k, 2), Fraction(1, 2), int(p)) for k, p in enumerate(pitches)],
                    bars_of(*['4/4'] * bars))


def works(count=20):
    return {f'work {k:02}': melody(k) for k in range(count)}


@pytest.fixture
def made():
    return TrainingSet.from_tables(works(), held_out=(0.2, 0.3), seed=3)


def test_windows_are_the_bars_of_the_works(made):
    for name, table in works().items():
        rows = np.flatnonzero(made.work == made.works.index(name))
        frames = table_to_frames(table)
        planes = np.concatenate([frames.sounding, frames.onset], axis=1)
        assert np.array_equal(made.windows[rows].reshape(planes.shape), planes)


def test_every_window_is_in_one_split_and_shares_are_as_asked(made):
    rows = [made.rows(split) for split in ('train', 'validation', 'test')]
    assert sorted(np.concatenate(rows).tolist()) == list(range(len(made.windows)))
    assert np.bincount(made.split).tolist() == [10, 4, 6]


def test_a_work_is_never_divided(made):
    for split in ('train', 'validation', 'test'):
        others = np.setdiff1d(np.arange(len(made.windows)), made.rows(split))
        assert not set(made.work[made.rows(split)]) & set(made.work[others])


def test_flat_windows_are_numbers_of_the_models_inputs(made):
    flat = made.flat('test')
    assert flat.shape == (len(made.rows('test')), SPEC.num_inputs)
    assert flat.dtype == np.float32
    assert np.array_equal(flat.reshape(-1, 16, 156) == 1, made.windows[made.rows('test')])


@pytest.mark.parametrize('seed', range(8))
def test_a_transposed_copy_is_on_the_side_of_its_original(seed):
    tables = {**works(), **{f'copy {k}': melody(k, shift=3 * k - 7) for k in range(5)}}
    made = TrainingSet.from_tables(tables, held_out=(0.3, 0.3), seed=seed)
    side = dict(zip(made.works, made.split.tolist(), strict=True))
    assert len(set(side.values())) == 3
    for k in range(5):
        assert side[f'copy {k}'] == side[f'work {k:02}']
    assert made.about['groups_of_related_works'] == 20


def test_a_transposed_chorale_is_related_to_itself(corpus_score):
    score = corpus_score('bach/bwv66.6')
    tables = {**works(6), 'chorale': extract_notes(score),
              'chorale, higher': extract_notes(score.transpose(4))}
    sides = []
    for seed in range(6):
        made = TrainingSet.from_tables(tables, held_out=(0.25, 0.25), seed=seed)
        side = dict(zip(made.works, made.split.tolist(), strict=True))
        assert side['chorale'] == side['chorale, higher']
        sides.append(side['chorale'])
    assert len(set(sides)) > 1


def windows_of(*tables):
    return [TrainingSet.from_tables({'one': t}, held_out=(0, 0)).windows for t in tables]


def test_works_are_related_through_a_third():
    first, second, apart = windows_of(melody(1), melody(2), melody(3))
    both = np.concatenate([first[:3], second[:3]])
    groups = related_works([first, apart, second, both])
    assert groups[0] == groups[2] == groups[3] != groups[1]


def test_two_bars_in_common_do_not_relate_and_three_do():
    first, second = windows_of(melody(1), melody(2))
    for shared, count in ((2, 2), (3, 1)):
        other = np.concatenate([first[:shared], second[shared:]])
        assert len(set(related_works([first, other]).tolist())) == count


def test_a_bar_that_one_work_repeats_counts_once():
    first, second = windows_of(melody(1), melody(2))
    other = np.concatenate([np.repeat(first[:1], 6, axis=0), second])
    assert len(set(related_works([first, other]).tolist())) == 2


def test_silent_and_still_bars_relate_nothing():
    bars = bars_of(*['4/4'] * 6)
    held = [table_of([(4 * k, 4, p) for k in range(6)], bars) for p in (60, 62)]
    assert len(set(related_works(windows_of(*held)).tolist())) == 2


@pytest.mark.parametrize('seed', range(5))
def test_whole_groups_are_held_out(seed, rng):
    _, groups = np.unique(rng.integers(0, 12, 40), return_inverse=True)
    split = split_groups(groups, (0.2, 0.2), seed)
    for group in range(groups.max() + 1):
        assert len(set(split[groups == group].tolist())) == 1
    assert (split == 0).any()
    assert (split == 1).sum() >= 8
    assert (split == 2).sum() >= 8


def test_the_seed_chooses_the_split():
    groups = np.arange(50)
    assert np.array_equal(split_groups(groups, (0.2, 0.2), 1), split_groups(groups, (0.2, 0.2), 1))
    assert not np.array_equal(
        split_groups(groups, (0.2, 0.2), 1), split_groups(groups, (0.2, 0.2), 2))


def test_nothing_is_held_out_where_nothing_is_asked():
    assert not split_groups(np.arange(9), (0, 0), 0).any()


def test_one_related_family_is_left_to_learn_from():
    assert not split_groups(np.zeros(9, dtype=np.int64), (0.4, 0.4), 0).any()


@pytest.mark.parametrize('held_out', [(0.5, 0.5), (-0.1, 0.1), (1.0, 0.0)])
def test_shares_that_leave_nothing_are_refused(held_out):
    with pytest.raises(ParameterError, match='leave works to learn'):
        split_groups(np.arange(5), held_out, 0)


def test_a_set_comes_back_from_its_file(made, tmp_path):
    path = tmp_path / 'set.npz'
    made.save(path)
    again = TrainingSet.load(path)
    assert np.array_equal(again.windows, made.windows)
    assert again.windows.dtype == np.bool_
    assert np.array_equal(again.work, made.work)
    assert np.array_equal(again.split, made.split)
    assert (again.works, again.spec, again.about) == (made.works, made.spec, made.about)
    assert again.sha256 == made.sha256


def test_the_hash_names_windows_works_and_split(made):
    other_split = TrainingSet.from_tables(works(), held_out=(0.2, 0.3), seed=4)
    fewer = TrainingSet.from_tables(works(19), held_out=(0.2, 0.3), seed=3)
    same = TrainingSet.from_tables(works(), held_out=(0.2, 0.3), seed=3)
    assert same.sha256 == made.sha256
    assert len({made.sha256, other_split.sha256, fewer.sha256}) == 3


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(CorpusError, match='no such training set'):
        TrainingSet.load(tmp_path / 'none.npz')


def test_a_damaged_file_is_refused_wherever_the_damage_is(made, tmp_path, rng):
    path = tmp_path / 'set.npz'
    made.save(path)
    whole = path.read_bytes()
    refused = 0
    for place in rng.integers(0, len(whole), 60).tolist():
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1:])
        try:
            again = TrainingSet.load(path)
        except CorpusError as error:
            assert 'is not a training set' in str(error)        # noqa: PT017
            refused += 1
        else:
            assert again.sha256 == made.sha256      # a byte that zip does not read
    assert refused > 30


def test_a_file_cut_short_is_refused(made, tmp_path):
    path = tmp_path / 'set.npz'
    made.save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CorpusError, match='is not a training set'):
        TrainingSet.load(path)


def test_a_file_of_an_impossible_window_is_refused(made, tmp_path):
    path = tmp_path / 'set.npz'
    made.save(path)
    with np.load(path) as data:
        fields = dict(data)
    about = json.loads(str(fields['about']))
    about['spec']['window_frames'] = 0
    np.savez(path, **{**fields, 'about': np.array(json.dumps(about))})
    with pytest.raises(CorpusError, match='is not a training set'):
        TrainingSet.load(path)


def test_no_work_is_refused():
    with pytest.raises(CorpusError, match='no work to learn from'):
        TrainingSet.from_tables({})


def windows_by_name(count=12):
    return {name: windows_of(table)[0] for name, table in works(count).items()}


def test_windows_give_the_set_that_their_tables_give():
    options = {'held_out': (0.2, 0.2), 'seed': 5, 'about': {'meter': '4/4'}}
    first = TrainingSet.from_tables(works(12), **options)
    second = TrainingSet.from_windows(windows_by_name(), **options)
    assert (first.sha256, first.about) == (second.sha256, second.about)
    assert first.about['meter'] == '4/4'


@pytest.mark.parametrize('wrong', [
    np.zeros((2, 16, 155), bool), np.zeros((2, 8, 156), bool), np.zeros((16, 156), bool),
    np.zeros((2, 16, 156), int)])
def test_windows_of_another_shape_or_type_are_refused(wrong):
    with pytest.raises(CorpusError, match=r'the windows of odd are .* expected bool of shape'):
        TrainingSet.from_windows({**windows_by_name(2), 'odd': wrong})


def test_listed_works_are_the_test():
    listed = ['work 03', 'work 05']
    made = TrainingSet.from_windows(windows_by_name(), held_out=(0.2, 0.7), test_works=listed)
    assert np.flatnonzero(made.split == 2).tolist() == [3, 5]
    assert np.bincount(made.split).tolist() == [8, 2, 2]
    assert made.about['listed_test_works'] == 2
    with pytest.raises(CorpusError, match="no work is named 'work 99'"):
        TrainingSet.from_windows(windows_by_name(), test_works=['work 03', 'work 99'])


def test_works_that_belong_with_the_test_are_left_out_and_counted():
    tables = {**works(8), 'copy of 3': melody(3, shift=2), 'tune - verse': melody(20),
              'tune - chorus': melody(21)}
    listed = ['work 03', 'tune - verse']
    for split_by, left_out in (('work', 1), ('title', 2)):
        with pytest.warns(SourceWarning, match=f'^{left_out} works that belong'):
            made = TrainingSet.from_tables(tables, test_works=listed, split_by=split_by)
        assert len(made.works) == len(tables) - left_out
        assert 'copy of 3' not in made.works
        assert set(made.work.tolist()) == set(range(len(made.works)))
        assert made.about['left_out_beside_the_test'] == left_out


def test_where_nothing_can_be_held_out_it_is_told():
    with pytest.warns(QbdiWarning, match='nothing could be held out: '):
        made = TrainingSet.from_tables(works(1))
    assert not made.split.any()
    with pytest.warns(QbdiWarning, match='nothing could be held out for test'):
        TrainingSet.from_tables(works(2), held_out=(0.4, 0.4))
