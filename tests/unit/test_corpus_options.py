"""The options of commands that take SOURCES."""

import sys

import click
import numpy as np
import pytest
from click.testing import CliRunner
from random_works import random_table

from qbdi_m21.cli.corpus_options import corpus_options, load_sources
from qbdi_m21.errors import CorpusError, ParameterError
from qbdi_m21.frames.store import save_table
from qbdi_m21.model.training_set import TrainingSet


@click.command()
@click.argument('sources', nargs=-1, required=True)
@corpus_options(min_bars=2)
@click.option('--seed', default=0)
def command(sources, seed, **options):
    """Tell what was loaded."""
    made = load_sources(sources, seed, **options)
    click.echo(f'{len(made.works)} {np.bincount(made.split, minlength=3).tolist()} '
               f'{made.about["reading"]} {made.about["split_by"]} {made.about["meter"]}')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a working folder with 10 tables, one of them in 3/4, and a training set."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tables').mkdir()
    for k in range(10):
        save_table(random_table(k, '4/4' if k else '3/4'), tmp_path / 'tables' / f'w{k}.parquet')
    load_sources(['tables'], 0).save(tmp_path / 'set.npz')
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=True)


@pytest.mark.parametrize(('options', 'wanted'), [
    ([], '10 [8, 1, 1] score title None'),
    (['--meter', 'any', '--split-by', 'work'], '10 [8, 1, 1] score work None'),
    (['--meter', '4/4'], '9 [7, 1, 1] score title 4/4'),
    (['--min-bars', '6'], '10 [8, 1, 1] score title None'),
    (['--validation', '0.2', '--test', '0.3'], '10 [5, 2, 3] score title None'),
    (['--validation', '0', '--test', '0'], '10 [10, 0, 0] score title None')])
def test_options_choose_works_and_shares(folder, options, wanted):
    done = run('tables', *options)
    assert (done.exception, done.stdout) == (None, f'{wanted}\n')
    assert done.stderr == ''        # no bar where there is no terminal


def test_the_seed_is_that_of_the_split(folder):
    splits = [load_sources(['tables'], seed, validation=0.3, test=0.3).split.tolist()
              for seed in (0, 0, 1)]
    assert splits[0] == splits[1] != splits[2]


@pytest.mark.parametrize('name', ['list.txt', '@list.txt'])
def test_a_list_is_the_test(folder, name):
    (folder / 'list.txt').write_text('# two works\n w3.parquet\n\ntables/w5.parquet\n')
    made = load_sources(['tables'], 0, test_works=name)
    assert [w for w, k in zip(made.works, made.split, strict=True) if k == 2] == [
        'tables/w3.parquet', 'tables/w5.parquet']
    assert np.bincount(made.split).tolist() == [7, 1, 2]


def test_a_list_names_scores_of_a_book_by_their_numbers(folder):
    (folder / 'book.abc').write_text('\n\n'.join(
        f'X:{k}\nT:{k}\nM:4/4\nL:1/4\nK:C\n{"CDEFGAB"[k]}CDE|GFED|]' for k in range(1, 5)))
    (folder / 'list.txt').write_text('book.abc#2\n')
    made = load_sources(['book.abc', 'tables'], 0, test_works='list.txt')
    assert [w for w, k in zip(made.works, made.split, strict=True) if k == 2] == ['book.abc#2']


def test_a_list_of_unknown_works_and_one_that_is_missing_are_refused(folder):
    (folder / 'list.txt').write_text('w3.parquet\nw99.parquet\n')
    with pytest.raises(CorpusError, match=r"no work is named 'w99\.parquet'"):
        load_sources(['tables'], 0, test_works='list.txt')
    with pytest.raises(CorpusError, match='no such list of works'):
        load_sources(['tables'], 0, test_works='none.txt')


def test_one_training_set_is_taken_as_it_is(folder):
    made = load_sources(['set.npz'], 7)
    assert made.sha256 == TrainingSet.load('set.npz').sha256


@pytest.mark.parametrize(('option', 'value'), [
    ('reading', 'score'), ('meter', 'any'), ('min_bars', 1), ('split_by', 'title'),
    ('validation', 0.0), ('test', 0.1), ('test_works', 'list.txt')])
def test_what_a_training_set_has_decided_cannot_be_changed(folder, option, value):
    shown = '--' + option.replace('_', '-')
    with pytest.raises(ParameterError, match=f'{shown} cannot change set.npz'):
        load_sources(['set.npz'], 0, **{option: value})
    done = run('set.npz', shown, value)
    assert isinstance(done.exception, ParameterError)


@pytest.mark.parametrize('sources', [['set.npz', 'tables'], ['tables', 'set.npz'],
                                     ['set.npz', 'set.npz']])
def test_a_training_set_comes_alone(folder, sources):
    with pytest.raises(ParameterError, match=r'one training set \(\.npz\), or scores'):
        load_sources(sources, 0)


def test_contradictions_and_shares_out_of_range_are_refused(folder):
    with pytest.raises(ParameterError, match='--test or --test-works'):
        load_sources(['tables'], 0, test=0.1, test_works='list.txt')
    with pytest.raises(ParameterError, match='leave works to learn'):
        load_sources(['tables'], 0, validation=0.9, test=0.1)
    with pytest.raises(ParameterError, match='leave meter and spec out'):
        load_sources(['tables'], 0, reading='dubnov2019', meter='4/4')


def test_help_names_the_options_and_their_defaults():
    text = ' '.join(run('--help').stdout.split())
    for option in ('--reading [score|dubnov2019]', '--meter METER', '--min-bars N',
                   '--split-by [title|work]', '--validation SHARE', '--test SHARE',
                   '--test-works FILE', '[default: any]', '[default: 2]', '[default: title]'):
        assert option in text


def test_a_bar_is_shown_on_a_terminal(folder, monkeypatch):
    told = []
    monkeypatch.setattr(sys.stderr, 'isatty', lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, 'write', told.append)
    load_sources(['tables'], 0)
    assert 'work' in ''.join(told)
