"""Splits: titles, lists of test works, and groups of related works in large corpora."""

import doctest
import time
from collections import Counter

import numpy as np
import pytest

from qbdi_m21.errors import CorpusError
from qbdi_m21.model import split as module
from qbdi_m21.model.split import (
    COMMON_BAR,
    find_works,
    joined_titles,
    related_works,
    split_with_test,
    work_title,
)


def test_the_examples_hold():
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(('first', 'second'), [
    ('pop/Blank Space - Chorus.midi', 'pop/Blank Space - Verse.midi'),
    ('pop/Say My Name - Pre Chorus.midi', 'pop/Say My Name - Verse.midi'),
    ('pop/Genie In A Bottle - Chorus.midi', 'pop/Genie in a Bottle - Verse.midi'),
    ('pop/Piano Man - Chorus.midi', 'pop/Piano man - Bridge.midi'),
    ('pop/Pompeii - Intro.midi', 'pop/Pompeii - Bridge.midi'),
    ('corpus:haydn/opus74no1/movement3', 'corpus:haydn/opus74no1/movement1'),
    ('corpus:beethoven/opus18no1/movement1.krn', 'corpus:beethoven/opus18no1/movement4'),
    ('a/song_verse_2.mid', 'a/song_chorus.mid'), ('a/song (Chorus).mid', 'a/song.xml'),
    ('Sonata, mvt. ii.mxl', 'Sonata - Movement 1.xml'), ('op27 part 2.mid', 'op27, Part 1.mid'),
    ('song/Verse.mid', 'song/Pre-Chorus 2.mid'), ('k155 Satz 2.mid', 'k155 movement ii.mid')])
def test_parts_of_one_work_have_one_title(first, second):
    assert work_title(first) == work_title(second)


@pytest.mark.parametrize(('first', 'second'), [
    ('corpus:bach/bwv66.6', 'corpus:bach/bwv66.5'),
    ('corpus:bach/bwv244.10', 'corpus:bach/bwv244.15'),
    ('corpus:essenFolksong/altdeu10#1', 'corpus:essenFolksong/altdeu10#2'),
    ('corpus:haydn/opus74no1/movement3', 'corpus:haydn/opus1no1/movement3'),
    ('corpus:monteverdi/madrigal.3.1', 'corpus:monteverdi/madrigal.3.10'),
    ('corpus:schumann_clara/polonaise_op1n1', 'corpus:schumann_clara/polonaise_op1n2'),
    ('corpus:palestrina/Agnus_00', 'corpus:palestrina/Agnus_01'),
    ('pop/Let\'s Go - Verse.midi', 'pop/Let\'s Dance - Chorus.midi'),
    ('a/song - Verse.mid', 'b/song - Chorus.mid'), ('a/part 1.mid', 'a/part 2.mid'),
    ('song 1.mid', 'song 2.mid'), ('Verse.mid', 'Chorus.mid'), ('a/Discover.mid', 'a/Dis.mid')])
def test_works_of_their_own_have_titles_of_their_own(first, second):
    assert work_title(first) != work_title(second)


def test_titles_of_the_corpus_join_movements_only():
    from music21 import common, corpus
    root = common.getCorpusFilePath()
    names = {f'corpus:{p.relative_to(root).with_suffix("").as_posix()}'
             for p in corpus.getCorePaths()}
    titles = Counter(map(work_title, names))
    joined = {name for name in names if titles[work_title(name)] > 1}
    assert len(joined) > 30
    assert all('/movement' in name for name in joined)


def test_titles_of_the_pop_clips_are_songs(shared_data):
    names = [f'pop/{path.name}' for path in (shared_data / 'pop').glob('*.midi')]
    assert len(names) == 126
    assert {work_title(n) for n in names} == {
        'pop/' + n.removeprefix('pop/').rpartition(' - ')[0].casefold() for n in names}


def test_titles_join_groups_through_each_other():
    names = ['a - verse', 'a - chorus', 'b - verse', 'b - chorus', 'c', 'd']
    # a's chorus shares bars with b's verse
    groups = joined_titles(np.array([0, 1, 1, 2, 3, 4]), names)
    assert groups.tolist() == [0, 0, 0, 0, 1, 2]


def test_works_are_found_by_name_file_name_and_book():
    names = ['corpus:bach/bwv66.6', 'pop/A - Verse.mid', 'tunes/book.abc#1', 'tunes/book.abc#2',
             'other/A - Verse.mid']
    for entry, places in [('corpus:bach/bwv66.6', [0]), ('bwv66.6', [0]), ('corpus:bwv66.6', [0]),
                          ('A - Verse.mid', [1, 4]), ('pop/A - Verse.mid', [1]),
                          ('/home/me/pop/A - Verse.mid', [1]), ('book.abc#2', [3]),
                          ('tunes/book.abc', [2, 3]), ('book.abc', [2, 3])]:
        assert find_works([entry], names).tolist() == places, entry
    assert find_works(['A - Verse.mid'], [*names, 'A - Verse.mid']).tolist() == [5]
    assert find_works(['bwv66.6', 'book.abc', 'book.abc#1'], names).tolist() == [0, 2, 3]


@pytest.mark.parametrize('entry', ['A', 'Verse.mid', 'home/A - Verse.mid', 'book.abc#3', ''])
def test_an_entry_that_names_nothing_is_named(entry):
    with pytest.raises(CorpusError, match='no work is named') as told:
        find_works(['A - Verse.mid', entry], ['pop/A - Verse.mid', 'tunes/book.abc#1'])
    assert repr(entry) in str(told.value)


def test_an_empty_list_is_refused():
    with pytest.raises(CorpusError, match='list of test works is empty'):
        find_works([], ['a'])


def test_the_list_is_the_test_and_nothing_that_belongs_with_it_is_learned():
    groups = np.array([0, 0, 1, 2, 2, 2, *range(3, 13)])
    for seed in range(5):
        split = split_with_test(groups, np.array([1, 2]), 0.25, seed)
        assert np.flatnonzero(split == 2).tolist() == [1, 2]
        assert np.flatnonzero(split == -1).tolist() == [0]
        assert len(set(split[3:6].tolist())) == 1
        assert (split == 1).sum() >= 3


def test_a_list_that_leaves_nothing_to_learn_is_refused():
    with pytest.raises(CorpusError, match='all 3 works are test works or belong with them'):
        split_with_test(np.array([0, 0, 1]), np.array([0, 2]), 0.1, 0)


def bars(rng, count):
    """Windows of random onsets: no two alike, and none still."""
    onset = rng.random((count, 16, 78)) < 0.05
    return np.concatenate([onset, onset], axis=2)


def test_a_bar_that_very_many_works_have_relates_none(rng):
    formulas, works = bars(rng, 4), COMMON_BAR + 2
    corpus = [np.concatenate([formulas, bars(rng, 2)]) for _ in range(works)]
    assert len(set(related_works(corpus).tolist())) == works
    assert len(set(related_works(corpus[:COMMON_BAR]).tolist())) == 1


def test_very_many_copies_of_one_work_are_related(rng):
    copies = bars(rng, 4)
    copies[:, :, [77, 155]] = False
    higher = np.roll(copies, 1, axis=2)
    corpus = [[copies, copies[::-1], higher][k % 3] for k in range(3 * COMMON_BAR)]
    assert len(set(related_works([*corpus, bars(rng, 4)]).tolist())) == 2


def test_groups_count_from_0_in_order_of_their_first_work(rng):
    made = bars(rng, 40)
    corpus = [made[:8], made[8:16], made[16:24], made[12:16], made[20:30]]
    assert related_works(corpus).tolist() == [0, 1, 2, 1, 2]
    assert related_works([made[:0], made[:1], made[:0]]).tolist() == [0, 1, 2]


def test_blocks_of_works_give_what_one_block_gives(rng, monkeypatch):
    pool = bars(rng, 60)
    corpus = [pool[rng.integers(0, 60, 5)] for _ in range(80)]
    whole = related_works(corpus)
    monkeypatch.setattr(module, '_PAIRS', 50)
    assert np.array_equal(related_works(corpus), whole)
    pairs = {(i, j) for i in range(80) for j in range(i) if len(
        {w.tobytes() for w in corpus[i]} & {w.tobytes() for w in corpus[j]}) >= 3}
    assert len(pairs) > 5
    assert all(whole[i] == whole[j] for i, j in pairs)


def test_the_time_grows_with_the_works_and_not_with_their_square(rng):
    formulas = [np.uint64(k) for k in range(1000)]
    seconds = []
    for count in (1000, 8000):
        # each formula is in many works, but no more than count
        made = [np.unique(rng.choice(formulas, 12)) for _ in range(count)]
        made = [np.concatenate([own, rng.integers(2**40, 2**60, 8, dtype=np.uint64)])
                for own in made]
        start = time.process_time()
        module._sharing(made)
        seconds.append(time.process_time() - start)
    # eight times the works; 64 times the pairs
    assert seconds[1] < 24 * seconds[0] + 0.5
