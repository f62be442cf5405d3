"""Results as tables: views, SQL, pandas, CSV, data packages; groups compared; plots; commands."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from corpus_studies import make_study, write_tunes
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from corpus_tools.cli import main
from corpus_tools.engine import LocalEngine
from corpus_tools.plots import plot_measure, plot_measures
from corpus_tools.results import export_results, query_results, read_results, study_status
from corpus_tools.run import run_study, study_log
from corpus_tools.statistics import compare_groups, summarise
from corpus_tools.store import Store
from qbdi_m21.errors import CorpusError, ParameterError, SourceWarning


@pytest.fixture(scope='module')
def study(tmp_path_factory):
    """A study that was run, with failures and a parameter."""
    folder = tmp_path_factory.mktemp('study')
    made = make_study(folder, ['notes', 'corpus_work:fussy'], 12,
                      parameters={'rate': ['full', 64, 8]}, columns=('composer',))
    run_study(made, engine=LocalEngine(2))
    return made


def test_views_hold_typed_columns(study):
    kinds = dict(query_results(study, 'SELECT column_name, column_type FROM (DESCRIBE results)')
                 .itertuples(index=False))
    assert (kinds['num_notes'], kinds['notes_per_ql'], kinds['rate_seen'], kinds['half']) == (
        'BIGINT', 'DOUBLE', 'VARCHAR', 'BIGINT')
    assert 'stage' not in kinds
    counts = query_results(study, 'SELECT rate, count(*) n, count(half) h FROM results '
                                  'GROUP BY rate ORDER BY rate')
    assert counts.to_dict('list') == {'rate': ['64', '8', 'full'], 'n': [12] * 3, 'h': [4] * 3}
    assert len(query_results(study, 'FROM rows')) == 12 * 3 * 2
    assert query_results(study, 'SELECT min(seconds) >= 0 AND min(peak_mib) > 1 FROM rows '
                                'WHERE stage IS NULL').iloc[0, 0]


@pytest.mark.parametrize(('sql', 'message'), [
    ('SELECT nothing FROM results', 'DuckDB refuses the query'),
    ('no SQL', 'DuckDB refuses the query'), ('', 'gives no table')])
def test_bad_queries_are_told(study, sql, message):
    with pytest.raises(ParameterError, match=message):
        query_results(study, sql)


def test_status_counts_while_a_study_runs(tmp_path):
    made = make_study(tmp_path, ['notes', 'corpus_work:fussy'], 4)
    run_study(made)
    log = study_log(Store(made.store), made.name)
    part, = log.parts()
    rows = pq.read_table(part).to_pylist()
    part.unlink()
    with log.writing():
        for row in rows[:3]:
            log.append([row])
        running = study_status(made)
        assert (running.cells, running.done + sum(running.failed.values()),
                running.pending) == (8, 3, 5)
        # and so do results: what is finished is there at once
        assert read_results(made)['num_notes'].notna().sum() >= 1
    assert study_status(made) == running


def test_what_a_kill_left_is_among_the_results(tmp_path):
    made = make_study(tmp_path, ['notes'], 3)
    run_study(made)
    part, = study_log(Store(made.store), made.name).parts()
    rows = pq.read_table(part).to_pylist()
    part.with_suffix('.jsonl').write_text(''.join(json.dumps([row]) + '\n' for row in rows[:2]))
    part.unlink()
    assert read_results(made)['num_notes'].notna().sum() == 2


def test_results_of_another_declaration_are_told(study):
    changed = replace(study, measures=study.measures[1:], title='other')
    with pytest.warns(SourceWarning, match='has changed since it was run'):
        read_results(changed)


@pytest.mark.parametrize('folder', ['ingest', 'studies/trial/rows'])
def test_damaged_files_are_told(tmp_path, folder):
    made = make_study(tmp_path, ['notes'], 2)
    run_study(made)
    (tmp_path / 'store' / folder / '000001.parquet').write_bytes(b'PAR1 no PAR1')
    with pytest.raises(CorpusError, match='damaged'):
        run_study(made)


def test_an_export_is_a_data_package_and_the_same_again(study, tmp_path):
    paths = export_results(study, tmp_path / 'one')
    assert [path.name for path in paths] == ['results.csv', 'failures.csv', 'datapackage.json']
    again = export_results(study, tmp_path / 'two')
    for one, two in zip(paths, again, strict=True):
        assert one.read_bytes() == two.read_bytes()
    table = pd.read_csv(paths[0])
    assert len(table) == 36
    assert table['half'].isna().sum() == 24
    import frictionless
    report = frictionless.validate(str(paths[2]))
    assert report.valid, report.flatten(['message'])
    described = json.loads(paths[2].read_text())
    assert described['study']['parameters'] == {'rate': ['full', 64, 8]}


def results_of(groups, seed=0, column='x'):
    rng = np.random.default_rng(seed)
    return pd.DataFrame([{'work': f'{name}{k}', 'group': name, column: value}
                         for name, (mean, count) in groups.items()
                         for k, value in enumerate(rng.normal(mean, 1, count))])


def test_intervals_are_those_of_scipy():
    table = results_of({'a': (0, 30), 'b': (2, 40)})
    found = summarise(table, ['x'], ['group'], seed=4).set_index('group')
    for name, own in table.groupby('group'):
        values = own.sort_values('work')['x'].to_numpy()
        wanted = stats.bootstrap((values,), np.mean, n_resamples=9999, batch=100,
                                 rng=np.random.default_rng(4)).confidence_interval
        row = found.loc[name]
        assert (row['low'], row['high']) == (wanted.low, wanted.high)
        assert row['mean'] == pytest.approx(own['x'].mean())
        assert (row['works'], row['missing']) == (len(own), 0)
    # and near Student's interval, which holds for normal values
    half = stats.t.ppf(0.975, 39) * table[table.group == 'b']['x'].sem()
    assert found.loc['b', 'high'] - found.loc['b', 'mean'] == pytest.approx(half, rel=0.15)


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_intervals_cover_the_mean_as_often_as_they_say(seed):
    # over all draws 95 %; each single one of a hundred groups here is cheap to check together
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({'work': range(400), 'x': rng.normal(0, 1, 400),
                          'g': np.repeat(range(20), 20)})
    found = summarise(table, ['x'], ['g'])
    inside = ((found['low'] <= 0) & (found['high'] >= 0)).sum()
    assert inside >= 13


def test_rows_of_one_work_are_one():
    table = results_of({'a': (0, 5)})
    many = pd.concat([table] * 7, ignore_index=True)
    one, two = summarise(table, ['x'], ['group']), summarise(many, ['x'], ['group'])
    pd.testing.assert_frame_equal(one, two)


def test_missing_values_are_counted_and_no_zeros():
    table = pd.DataFrame({'work': list('abcd'), 'x': [1.0, None, 3.0, None], 'g': list('ppqq')})
    found = summarise(table, ['x'], ['g'])
    assert found['missing'].tolist() == [1, 1]
    assert found['mean'].tolist() == [1, 3]
    assert found['low'].isna().all()


def test_comparisons_agree_with_known_tests():
    table = results_of({'a': (0, 25), 'b': (0, 30), 'c': (1.5, 28)})
    found = compare_groups(table, ['x'], 'group').set_index(['first', 'second'])
    assert len(found) == 3
    for (one, two), row in found.iterrows():
        a, b = (table[table.group == name]['x'] for name in (one, two))
        assert row['difference'] == pytest.approx(b.mean() - a.mean())
        assert row['low'] < row['difference'] < row['high']
        assert row['p'] == pytest.approx(stats.ttest_ind(a, b).pvalue, abs=0.02)
        assert row['p_corrected'] >= row['p']
        pooled = np.sqrt(((len(a) - 1) * a.var() + (len(b) - 1) * b.var()) / (len(a) + len(b) - 2))
        assert row['effect'] == pytest.approx((b.mean() - a.mean()) / pooled, rel=0.03)
        more = (b.to_numpy()[:, None] > a.to_numpy()).mean()
        assert row['dominance'] == pytest.approx(2 * more - 1)
        assert not row['paired']
    assert found.loc[('a', 'c'), 'p_corrected'] < 0.01 < found.loc[('a', 'b'), 'p']


def test_the_same_works_are_compared_in_pairs():
    rng = np.random.default_rng(3)
    base = rng.normal(0, 5, 20)
    table = pd.DataFrame({'work': [f'w{k}' for k in range(20)] * 2, 'rate': ['a'] * 20 + ['b'] * 20,
                          'x': [*base, *(base + 0.5 + rng.normal(0, 0.2, 20))]})
    row, = compare_groups(table, ['x'], 'rate').to_dict('records')
    assert row['paired']
    assert row['p'] < 0.001
    assert row['low'] < 0.5 < row['high'] + 0.1
    one_way, = compare_groups(table, ['x'], 'rate', reference='b').to_dict('records')
    assert one_way['difference'] == pytest.approx(-row['difference'])


def test_pairs_that_lack_a_value_are_left_out_and_the_others_stay_pairs():
    rng = np.random.default_rng(3)
    base = rng.normal(0, 5, 20)
    table = pd.DataFrame({'work': [f'w{k}' for k in range(20)] * 2, 'rate': ['a'] * 20 + ['b'] * 20,
                          'x': [*base, *(base - 1 + rng.normal(0, 0.2, 20))]})
    table.loc[[3, 27], 'x'] = None
    row, = compare_groups(table, ['x'], 'rate').to_dict('records')
    assert (row['paired'], row['works_first'], row['works_second']) == (True, 18, 18)
    assert row['p'] < 0.001
    # the same difference everywhere has a test, and an interval without width
    table['x'] = [*range(20), *range(2, 22)]
    row, = compare_groups(table, ['x'], 'rate').to_dict('records')
    assert (row['difference'], row['low'], row['high']) == (2, 2, 2)
    assert row['p'] < 0.001


def test_copies_are_one_work():
    table = results_of({'a': (0, 5)})
    table['content'] = ['c', 'c', 'c', 'd', None]
    assert summarise(table, ['x'], ['group'])['works'].tolist() == [3]


def test_many_tests_are_corrected():
    table = results_of(dict.fromkeys('abcdef', (0, 12)))
    plain = compare_groups(table, ['x'], 'group', correction='none')
    assert (plain['p_corrected'] == plain['p']).all()
    holm = compare_groups(table, ['x'], 'group', correction='holm')
    assert (holm['p_corrected'] >= plain['p']).all()
    # each p times how many are left
    smallest = plain['p'].min()
    assert holm['p_corrected'].min() == pytest.approx(min(1, 15 * smallest))


def test_groups_without_variation_have_no_test():
    table = pd.DataFrame({'work': list('abcd'), 'g': list('ppqq'), 'x': [1.0] * 4})
    row, = compare_groups(table, ['x'], 'g').to_dict('records')
    assert row['difference'] == 0
    assert pd.isna(row['p'])


@pytest.mark.parametrize(('call', 'error', 'message'), [
    (lambda t: summarise(t, ['y']), CorpusError, 'no column y; expected one of work, group, x'),
    (lambda t: summarise(t, ['x'], ['age']), CorpusError, 'no column age'),
    (lambda t: summarise(t, ['group']), ParameterError, "'group' holds no numbers"),
    (lambda t: summarise(t[:0], ['x']), CorpusError, 'no result yet'),
    (lambda t: compare_groups(t, ['x'], 'group', reference='z'), CorpusError, "no value 'z'"),
    (lambda t: compare_groups(t, ['x'], 'group', correction='no'), ParameterError, 'holm'),
])
def test_bad_questions_are_told(call, error, message):
    with pytest.raises(error, match=message):
        call(results_of({'a': (0, 3), 'b': (0, 3)}))


def test_plots_show_means_and_intervals():
    from matplotlib.figure import Figure
    table = results_of({'a': (0, 30), 'b': (2, 40)})
    ax = plot_measure(Figure().subplots(), table, 'x', 'group')
    wanted = summarise(table, ['x'], ['group'])
    line = ax.containers[0].lines[0]
    assert line.get_ydata().tolist() == wanted['mean'].tolist()
    ends = [segment[:, 1].tolist() for segment in ax.containers[0].lines[2][0].get_segments()]
    assert np.allclose(ends, wanted[['low', 'high']].to_numpy())
    assert [text.get_text() for text in ax.get_xticklabels()] == ['a (30)', 'b (40)']


def test_rates_stand_in_order_and_full_comes_last():
    from matplotlib.figure import Figure
    table = pd.DataFrame({'work': list('aabbcc') * 2, 'rate': ['full', '64', '512'] * 4,
                          'model': ['m'] * 6 + ['n'] * 6, 'x': range(12)})
    ax = plot_measure(Figure().subplots(), table, 'x', 'rate', color_by='model')
    assert [text.get_text().split()[0] for text in ax.get_xticklabels()] == [
        '64', '512', 'full']
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ['m', 'n']
    figure = plot_measures(table, ['x', 'x', 'x'], 'rate', title='T')
    assert sum(ax.get_visible() for ax in figure.axes) == 3


def run(*arguments):
    return CliRunner().invoke(main, [str(one) for one in arguments], prog_name='corpus-tools')


@pytest.fixture(scope='module')
def declared(tmp_path_factory):
    folder = tmp_path_factory.mktemp('declared')
    write_tunes(folder / 'tunes', 6)
    path = folder / 'trial.toml'
    path.write_text('title = "Trial"\nworks = ["tunes"]\nmeasures = ["notes", '
                    '"corpus_work:fussy"]\ncolumns = ["composer"]\n[parameters]\nrate = [1, 2]\n')
    return path


def test_the_commands_of_a_study(declared, tmp_path):
    assert run('status', declared).stderr.startswith('corpus-tools: error: ')
    done = run('run', declared, '--jobs', 2)
    assert (done.exit_code, done.stdout) == (
        1, '12 units; 24 measures computed, 0 kept, 8 failed\n')
    assert done.stderr == '  8 corpus_work:fussy: ValueError\n'
    assert run('run', declared).stdout == '12 units; 0 measures computed, 24 kept, 8 failed\n'
    assert run('retry', declared).stdout == '12 units; 8 measures computed, 16 kept, 8 failed\n'
    told = run('status', declared, '--failures').stdout.splitlines()
    assert told[:2] == ['12 units; 16 of 24 measures done, 0 pending',
                        '8 failed: corpus_work:fussy: ValueError']
    assert len(told) == 2 + 4
    assert re.search(r'tune001.abc: corpus_work:fussy: ValueError: 18|17|19 notes', told[2])
    csv = tmp_path / 'means.csv'
    done = run('summarise', declared, '--by', 'rate', '--measure', 'half', '--csv', csv)
    assert done.stdout == f'wrote {csv}: 2 rows\n'
    assert pd.read_csv(csv)['missing'].tolist() == [4, 4]
    shown = run('summarise', declared, '--compare', 'composer', '--measure', 'num_notes').stdout
    assert 'Composer 0' in shown
    everything = run('summarise', declared).stdout
    assert all(name in everything for name in ('num_bars', 'half'))
    assert 'rate_seen' not in everything
    answer = run('sql', declared, 'SELECT count(*) AS n FROM failures').stdout
    assert answer.split() == ['n', '8']
    exported = run('export', declared, '-o', tmp_path / 'out')
    assert exported.stdout.count('wrote ') == 3
    for suffix in ('png', 'svg', 'pdf'):
        files = [tmp_path / f'{k}.{suffix}' for k in (1, 2)]
        for path in files:
            done = run('plot', declared, '--by', 'rate', '--measure', 'num_notes', '--measure',
                       'half', '--color-by', 'composer', '-o', path)
            assert done.stdout == f'wrote {path}\n'
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(('arguments', 'message'), [
    (['run', 'none.toml'], 'no such study: none.toml'),
    (['summarise', 'STUDY', '--by', 'age'], 'no column age; expected one of work, composer'),
    (['summarise', 'STUDY', '--by', 'rate', '--compare', 'rate'], 'leave one out'),
    (['plot', 'STUDY', '--by', 'rate', '--measure', 'nothing', '-o', 'x.png'], 'no column nothing'),
    (['plot', 'STUDY', '--by', 'rate', '--measure', 'half', '-o', 'x.txt'], "ends in '.txt'"),
    (['sql', 'STUDY', 'SELECT'], 'DuckDB refuses the query'),
    (['run', 'STUDY', '--seconds', '0'], 'see .corpus-tools run --help.'),
])
def test_bad_commands_are_one_line(declared, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    run('run', declared)
    done = run(*[str(declared) if one == 'STUDY' else one for one in arguments])
    assert done.exit_code == 2
    assert re.fullmatch(f'corpus-tools: error: .*{message}.*\n', done.stderr)
    assert list(tmp_path.iterdir()) == []
