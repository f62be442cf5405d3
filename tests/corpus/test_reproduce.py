"""The paper's experiment done again: on free material, quickly; and what is told of bad data."""

import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from corpus_tools import statistics
from corpus_tools.cli import main
from corpus_tools.reproduce import STEPS, load_experiment, reproduce
from corpus_tools.reproduce.kept import Kept
from corpus_tools.reproduce.material import Material
from qbdi_m21.errors import CorpusError, ParameterError, QbdiWarning


@pytest.fixture(autouse=True)
def fewer_resamples(monkeypatch):
    """Intervals and tests as they are, in a fifth of the time."""
    monkeypatch.setattr(statistics, 'RESAMPLES', 1999)


@pytest.mark.tf
def test_the_quick_version_runs_through_and_goes_on(tmp_path):
    done = CliRunner().invoke(main, ['reproduce', 'dubnov2019', '--quick', '-o', str(tmp_path)],
                              prog_name='corpus-tools')
    assert (done.exit_code, done.stderr) == (0, '')
    report = (tmp_path / 'report.md').read_text('utf-8')
    for name in re.findall(r'\]\((.*?)\)', report):
        assert (tmp_path / name).is_file(), name
    for figure in ('rates', 'figure4-motifs', 'figure5-information-rate', 'figure6-latents',
                   'appendixA-bounds'):
        assert f'({figure}.png)' in report
    assert {path.stem for path in tmp_path.glob('*.json')} == {
        'data', *(step.name for step in STEPS)}
    bounds, = found(tmp_path, 'bounds')
    for row in bounds['networks']:
        # eqs 18 and 19, of I as it is estimated
        assert row['data_entropy_bits'] - row['distortion_bits'] <= row['mutual_information_bits']
        assert row['mutual_information_bits'] <= row['rate_bits']
    nothing = [row for row in bounds['channel'] if row['rate'] == '0 bits']
    assert all(row['rate_bits'] == 0 for row in nothing)
    # takes go round the networks, and have noise of their own
    full = {row['take']: row['notes'] for row in found(tmp_path, 'rates')
            if (row['channel'], row['control'], row['rate']) == ('paper', 'query', 'full')}
    assert len(set(full.values())) == 3
    # each figure has its null model
    versions = found(tmp_path, 'versions')
    assert [len(one['shuffled']['collisions']) for one in versions.values()] == [5, 5, 5]
    # of few works there is an estimate
    future, = found(tmp_path, 'future')
    assert all(row['surface_bits'] is not None for row in future)
    # a further call makes nothing again, and a lost step makes itself alone
    before = times(tmp_path)
    (tmp_path / 'motifs.json').unlink()
    reproduce(load_experiment(quick=True), tmp_path)
    assert changed(tmp_path, before) == {'motifs.json', 'report.md'}
    # so does a lost figure
    before = times(tmp_path)
    (tmp_path / 'appendixA-bounds.png').unlink()
    reproduce(load_experiment(quick=True), tmp_path)
    assert changed(tmp_path, before) == {'appendixA-bounds.png', 'report.md'}
    assert (tmp_path / 'report.md').read_text('utf-8') == report
    # and another setting only what it decides
    before = times(tmp_path)
    reproduce(replace(load_experiment(quick=True), queries=1), tmp_path)
    new = changed(tmp_path, before)
    assert not {name for name in new if '/' in name}
    assert not {'data.json', 'model.json', 'rates.json', 'information.json', 'bounds.json'} & new
    assert '1 further queries' in (tmp_path / 'report.md').read_text('utf-8')
    # another corpus is another training set
    many = found(tmp_path, 'data')['works']
    few = Material(replace(load_experiment(quick=True), corpus_works=5), tmp_path).data.works
    assert 0 < len(few) <= 5 < many


def test_each_training_is_kept_by_what_decides_it(tmp_path):
    made = []

    def make(number):
        made.append(number)
        return {'number': number}

    quick = load_experiment(quick=True)
    first = Material(quick, tmp_path).each('bounds', 2, ('beta',), make)
    assert first == [{'number': 0}, {'number': 1}]
    # one more is one more; what does not decide it makes nothing again, what does makes all
    again = Material(replace(quick, takes=9), tmp_path).each('bounds', 3, ('beta',), make)
    assert again[:2] == first
    assert made == [0, 1, 2]
    Material(replace(quick, beta=(1.0, 3.0)), tmp_path).each('bounds', 1, ('beta',), make)
    assert made == [0, 1, 2, 0]
    # nor what an interruption has left half written
    (tmp_path / 'bounds' / '0.json').write_text('{"settings":')
    Material(replace(quick, beta=(1.0, 3.0)), tmp_path).each('bounds', 1, ('beta',), make)
    assert made == [0, 1, 2, 0, 0]


def test_other_contents_of_the_same_files_are_other_material(tmp_path):
    (tmp_path / 'pop').mkdir()
    for name in ('pop/a.mid', 'naruto_query.mid'):
        (tmp_path / name).write_bytes(b'1')
    with pytest.warns(QbdiWarning, match='holds 1 of the 126 clips'):
        given = load_experiment(data=str(tmp_path))
    assert given.title.endswith('(1 of the 126 clips)')
    before = Kept(given, tmp_path).mark(())
    assert before == Kept(given, tmp_path / 'other').mark(())
    (tmp_path / 'pop/a.mid').write_bytes(b'2')
    assert before != Kept(given, tmp_path).mark(())


def found(folder, name):
    return json.loads((folder / f'{name}.json').read_text('utf-8'))['found']


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob('*') if path.is_file()}


def changed(folder, before):
    return {str(path.relative_to(folder)) for path, time in times(folder).items()
            if time != before.get(path)}


@pytest.mark.parametrize(('there', 'message'), [
    ([], r"lacks pop, with the 126 clips .* and naruto_query.mid, the paper's query; .*: the same"),
    (['pop/a.mid'], r"lacks naruto_query.mid, the paper's query; what can be run: these clips and "
                    'a query of your own, with --query SCORE; the same experiment on free'),
    (['pop/a.txt', 'naruto_query.mid'], 'lacks pop, .* can be run: free material asked by this')])
def test_what_a_data_folder_lacks_is_told(tmp_path, there, message):
    for name in there:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b'')
    with pytest.raises(CorpusError, match=message):
        load_experiment(data=str(tmp_path))
    done = CliRunner().invoke(main, ['reproduce', 'dubnov2019', '--data', str(tmp_path), '-o',
                                     str(tmp_path / 'out')], prog_name='corpus-tools')
    assert done.exit_code == 2
    assert done.stderr.startswith('corpus-tools: error: ')
    assert not (tmp_path / 'out').exists()


def test_configurations(tmp_path, shared_data):
    paper, free, quick = (load_experiment(data=str(shared_data)), load_experiment(),
                          load_experiment(quick=True))
    assert (paper.updates, paper.reading, paper.takes) == (20000, 'dubnov2019', 10)
    assert paper.networks >= 10
    assert len(free.chosen_queries) >= 20
    assert quick.updates < free.updates
    with pytest.raises(ParameterError, match='no experiment'):
        load_experiment('other')
    own = tmp_path / 'own.toml'
    own.write_text('[all]\nsped = 1\n')
    with pytest.raises(ParameterError, match='unknown keys sped; expected title, corpus'):
        load_experiment(config=str(own))
    own.write_text('[all]\nseed = 1\n')
    with pytest.raises(ParameterError, match='not whole'):
        load_experiment(config=str(own))
    for text, name in (('all = 3\n', 'all'), ('[quikc]\nseed = 1\n', 'quikc')):
        own.write_text(text)
        with pytest.raises(ParameterError, match=f'^{name}: no such table; expected .all., .free.'):
            load_experiment(config=str(own))
    own.write_text('[')
    with pytest.raises(CorpusError, match='TOML'):
        load_experiment(config=str(own))
    assert replace(free, seed=1) != free


@pytest.mark.parametrize(('change', 'message'), [
    ({'takes': 'ten'}, "takes is 'ten'; expected a whole number"),
    ({'takes': 0}, 'takes is 0; expected at least 1'),
    ({'networks': True}, 'networks is True; expected a whole number'),
    ({'seed': -1}, 'seed is -1; expected at least 0'),
    ({'corpus': 'bach'}, "corpus is 'bach'; expected a list"),
    ({'rates': (64,)}, "must hold 'full'"), ({'rates': ('full', 'loud')}, "rate is 'loud'"),
    ({'transpositions': (12,)}, 'whole octaves'), ({'transpositions': ('2',)}, 'whole numbers'),
    ({'beta': ('x', 1.0)}, 'expected numbers'), ({'corpus': ()}, 'expected texts'),
    ({'beta': (2.0,)}, 'beta must hold 1.0'),
    ({'future': (1.0,)}, 'begin with 0.0')])
def test_settings_out_of_range_are_told(change, message):
    with pytest.raises(ParameterError, match=message):
        replace(load_experiment(), **change)
