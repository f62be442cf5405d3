"""From sources to training sets: what is read, what is left out, what is told."""

import warnings

import numpy as np
import pytest
from midi_files import note, save_midi, track
from random_works import random_table

import qbdi_m21
from qbdi_m21.corpus import build_training_set
from qbdi_m21.errors import CorpusError, ParameterError, QbdiWarning, SourceWarning
from qbdi_m21.frames.midi import from_midi
from qbdi_m21.frames.midi_out import write_midi
from qbdi_m21.frames.store import save_table
from qbdi_m21.model.spec import FrameSpec

NONE = (0, 0)


def write_tables(folder, tables):
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        save_table(table, folder / f'{name}.parquet')
    return folder


@pytest.fixture
def mixed(tmp_path):
    """A folder of a note table, a MIDI file and a book of two tunes."""
    folder = write_tables(tmp_path / 'mixed', {'table': random_table(0)})
    write_midi(random_table(1, bars=3), folder / 'clip.mid')
    (folder / 'book.abc').write_text('X:1\nT:A\nM:3/4\nL:1/4\nK:C\nCDE|FGA|]\n\n'
                                     'X:2\nT:B\nM:4/4\nL:1/4\nK:C\nCDEF|GABc|edcB|]\n')
    return folder


def test_it_is_a_public_name():
    assert qbdi_m21.build_training_set is build_training_set


def test_sources_of_all_kinds_make_one_set(mixed):
    made = build_training_set(mixed, held_out=NONE)
    assert made.works == ('mixed/book.abc#1', 'mixed/book.abc#2', 'mixed/clip.mid',
                          'mixed/table.parquet')
    assert np.bincount(made.work).tolist() == [2, 3, 3, 6]
    assert made.about['left_out'] == {}
    assert (made.about['reading'], made.about['split_by']) == ('score', 'title')


def test_a_source_alone_and_several_are_taken(mixed):
    one = mixed / 'clip.mid'
    for sources in (one, str(one), [str(one)], (s for s in [one, mixed / 'clip.mid'])):
        assert build_training_set(sources, held_out=NONE).works == ('mixed/clip.mid',)


def test_a_corpus_work_is_a_source(corpus_score):
    made = build_training_set('corpus:bach/bwv66.6', held_out=NONE)
    assert made.works == ('corpus:bach/bwv66.6',)
    assert len(made.windows) == len(corpus_score('bach/bwv66.6').parts[0].getElementsByClass(
        'Measure'))


def test_other_meters_and_short_works_are_left_out_and_counted(mixed):
    made = build_training_set(mixed, meter='4/4', held_out=NONE)
    assert made.works == ('mixed/book.abc#2', 'mixed/clip.mid', 'mixed/table.parquet')
    assert made.about['left_out'] == {'not in 4/4 throughout': 1}
    made = build_training_set(mixed, min_bars=4, held_out=NONE)
    assert made.works == ('mixed/table.parquet',)
    assert made.about['left_out'] == {'with fewer than 4 bars': 3}


def test_what_cannot_be_used_is_left_out_and_named(mixed):
    (mixed / 'broken.mid').write_bytes(b'MThd nonsense')
    (mixed / 'cut.parquet').write_bytes((mixed / 'table.parquet').read_bytes()[:100])
    save_midi(mixed / 'drums.mid', track(*note(0, 4, 40, channel=9)))
    save_midi(mixed / 'high.mid', track(*note(0, 4, 120)))
    with pytest.warns(SourceWarning) as told:
        made = build_training_set(mixed, held_out=NONE)
    texts = [str(w.message) for w in told]
    assert [t.split(' is left out')[0] for t in texts] == [
        'mixed/broken.mid', 'mixed/cut.parquet', 'mixed/drums.mid', 'mixed/high.mid']
    assert 'cannot be read as MIDI' in texts[0]
    assert 'only percussion' in texts[2]
    assert 'no note lies in MIDI 24 to 101' in texts[3]
    assert len(made.works) == 4
    assert made.about['left_out'] == {'that cannot be used': 2,
                                      'without a pitched note in range': 2}
    assert made.about['not_used'] == [t.split(' is left out')[0] for t in texts]


def test_many_that_cannot_be_used_are_counted_in_one_warning(mixed):
    for k in range(8):
        (mixed / f'broken {k}.mid').write_bytes(b'MThd nonsense')
    text = r'8 works cannot be used; left out: 8 that cannot be used \(mixed/broken 0'
    with pytest.warns(SourceWarning, match=text) as told:
        assert len(build_training_set(mixed, held_out=NONE).works) == 4
    assert len(told) == 1


def test_two_tables_of_one_work_are_one_work(tmp_path):
    for k in range(2):
        save_table(random_table(k), tmp_path / f'{k}.parquet', work='corpus:a/b')
    with pytest.warns(SourceWarning, match='corpus:a/b is left out: another work'):
        made = build_training_set(tmp_path, held_out=NONE)
    assert (made.works, len(made.windows)) == (('corpus:a/b',), 6)


@pytest.mark.parametrize(('options', 'match'), [
    ({'meter': '5/4'}, '3 not in 5/4 throughout'), ({'min_bars': 9}, '3 with fewer than 9 bars')])
def test_nothing_left_says_why(tmp_path, options, match):
    folder = write_tables(tmp_path / 'works', {f'w{k}': random_table(k) for k in range(3)})
    with pytest.raises(CorpusError, match=f'no work is left; left out: {match}'):
        build_training_set(folder, **options)


@pytest.mark.parametrize(('events', 'match'), [
    ([], 'holds no note'), (note(0, 4, 40, channel=9), 'only percussion'),
    (note(0, 4, 110), 'no note lies in')])
def test_a_corpus_without_pitched_notes_is_refused(tmp_path, events, match):
    save_midi(tmp_path / 'x.mid', track(*events))
    with pytest.raises(CorpusError, match=f'1 without a pitched note in range .*{match}'):
        build_training_set(tmp_path)


def test_a_missing_file_and_a_folder_without_scores_are_refused(tmp_path, mixed):
    with pytest.raises(CorpusError, match='no such file or folder'):
        build_training_set([mixed, tmp_path / 'none.mid'])
    (tmp_path / 'empty').mkdir()
    with pytest.raises(CorpusError, match='holds no score file'):
        build_training_set(tmp_path / 'empty')
    with pytest.raises(CorpusError, match='no work given'):
        build_training_set([])


@pytest.mark.parametrize(('options', 'match'), [
    ({'held_out': (0.6, 0.5)}, 'leave works to learn'), ({'held_out': (-0.1, 0)}, 'leave works'),
    ({'held_out': (float('nan'), 0)}, 'leave works'), ({'held_out': (0.1,)}, 'two shares'),
    ({'seed': -1}, 'seed is -1'), ({'split_by': 'bar'}, 'split_by is'),
    ({'reading': 'paper'}, 'reading is'), ({'min_bars': 0}, 'min_bars is 0'),
    ({'meter': 'waltz'}, "meter is 'waltz'"),
    ({'reading': 'dubnov2019', 'meter': '4/4'}, 'leave meter and spec out'),
    ({'reading': 'dubnov2019', 'spec': FrameSpec(step='1/3')}, 'leave meter and spec out')])
def test_options_out_of_range_are_refused_before_reading(options, match):
    # the source would be an error of another kind if it were read
    with pytest.raises(ParameterError, match=match):
        build_training_set('nowhere', **options)


def test_a_listed_work_that_is_left_out_is_told(mixed):
    for entry in ('clip.mid', 'mixed/clip.mid'):
        with pytest.raises(CorpusError, match=r'mixed/clip\.mid, of the list .*with fewer than 4'):
            build_training_set(mixed, min_bars=4, test_works=['mixed/table.parquet', entry])
    with pytest.raises(CorpusError, match=r"no work is named 'other\.mid'"):
        build_training_set(mixed, test_works='other.mid')
    made = build_training_set(mixed, test_works='clip.mid', held_out=NONE)
    assert made.split.tolist() == [0, 0, 2, 0]


def test_progress_counts_the_sources(mixed):
    told = []
    build_training_set(mixed, held_out=NONE, progress=lambda *now: told.append(now))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_one_work_cannot_be_held_out(mixed):
    with pytest.warns(QbdiWarning, match='nothing could be held out') as told:
        made = build_training_set(mixed / 'clip.mid')
    assert 'measures will be those of the training bars' in str(told[0].message)
    assert len(made.rows('train')) == 3


def test_two_works_leave_none_for_the_test(tmp_path):
    folder = write_tables(tmp_path / 'works', {f'w{k}': random_table(k) for k in range(2)})
    with pytest.warns(QbdiWarning, match='nothing could be held out for test'):
        made = build_training_set(folder, held_out=(0.4, 0.4))
    assert np.bincount(made.split).tolist() == [1, 1]


def test_titles_stay_together_where_asked(tmp_path):
    tables = {f'song {k} - {part}': random_table(2 * k + (part == 'Verse'))
              for k in range(8) for part in ('Chorus', 'Verse')}
    folder = write_tables(tmp_path / 'pop', tables)
    for seed in range(3):
        made = build_training_set(folder, held_out=(0.25, 0.25), seed=seed)
        assert made.about['groups_of_related_works'] == 8
        assert (made.split[::2] == made.split[1::2]).all()
    loose = build_training_set(folder, held_out=(0.25, 0.25), split_by='work')
    assert loose.about['groups_of_related_works'] == 16


class TestReadingOfThePaper:
    def clip(self, path, frames, pitch=60):
        return save_midi(path, track(*[e for k in range(0, frames, 2)
                                       for e in note(k / 4, min(k + 1, frames) / 4, pitch)]))

    def test_bars_are_16_frames_from_the_first_on(self, tmp_path):
        path = self.clip(tmp_path / 'x.mid', 70)
        made = build_training_set(path, reading='dubnov2019', held_out=NONE)
        frames = from_midi(path, preset='dubnov2019')
        planes = np.hstack([frames.sounding, frames.onset])
        assert len(planes) > 64
        assert np.array_equal(made.windows.reshape(64, 156), planes[:64])
        assert made.about['reading'] == 'dubnov2019'

    def test_short_pieces_are_left_out(self, tmp_path):
        for length in (49, 51):
            self.clip(tmp_path / f'{length}.mid', length)
        sizes = {k: len(from_midi(tmp_path / f'{k}.mid', preset='dubnov2019').onset)
                 for k in (49, 51)}
        assert sizes == {49: 50, 51: 52}
        made = build_training_set(tmp_path, reading='dubnov2019', held_out=NONE)
        assert made.works == (f'{tmp_path.name}/51.mid',)
        assert len(made.windows) == 3
        assert made.about['left_out'] == {'with 50 frames or fewer': 1}
        with pytest.raises(CorpusError, match='fewer than 4 bars'):
            build_training_set(tmp_path, reading='dubnov2019', min_bars=4)

    def test_other_files_are_left_out_and_named(self, tmp_path):
        self.clip(tmp_path / 'x.mid', 70)
        save_table(random_table(0), tmp_path / 'y.parquet')
        with pytest.warns(SourceWarning, match='it is no MIDI file'):
            made = build_training_set(tmp_path, reading='dubnov2019', held_out=NONE)
        assert len(made.works) == 1


@pytest.fixture
def pop(shared_data):
    return shared_data / 'pop'


@pytest.mark.parametrize('split_by', ['title', 'work'])
def test_the_figures_of_the_pop_clips(pop, split_by):
    listed = (pop.parent / 'pop_heldout.txt').read_text(encoding='utf-8').splitlines()
    with warnings.catch_warnings():
        warnings.simplefilter('error')      # no work beside the test belongs with it
        made = build_training_set(pop, reading='dubnov2019', test_works=listed,
                                  split_by=split_by)
    assert (len(made.works), len(made.windows)) == (122, 1255)
    assert round(float(made.windows.sum(axis=(1, 2)).mean()), 1) == 84.4
    assert made.about['left_out'] == {'with 50 frames or fewer': 4}
    test = {w for w, k in zip(made.works, made.split.tolist(), strict=True) if k == 2}
    assert test == {f'pop/{name}' for name in listed}
    assert (len(test), len(made.rows('test'))) == (13, 141)
    bars = {s: {made.windows[row].tobytes() for row in made.rows(s)}
            for s in ('train', 'validation', 'test')}
    assert not bars['test'] & (bars['train'] | bars['validation'])
    assert len(made.rows('validation')) > 80
