"""Studies: declared, run, gone on with, measured again where something has changed."""

import json
from dataclasses import replace

import pytest
from corpus_studies import make_study, write_tunes

from corpus_tools.engine import Limits, LocalEngine
from corpus_tools.measures import MEASURES, call_measure, load_measure
from corpus_tools.results import query_results, read_results, study_status
from corpus_tools.run import run_study
from corpus_tools.study import MeasureSpec, Study
from qbdi_m21.errors import CorpusError, ParameterError
from qbdi_m21.frames.notes import extract_notes

FUSSY = 'corpus_work:fussy'


def test_each_work_is_measured_with_each_combination(tmp_path):
    study = make_study(tmp_path, ['notes', FUSSY], parameters={'rate': ['full', 64]})
    report = run_study(study, engine=LocalEngine(2))
    assert (report.units, report.computed, report.kept) == (12, 24, 0)
    table = read_results(study)
    assert len(table) == 12
    assert set(table['rate']) == {'full', '64'}
    assert sorted(set(table['num_notes'])) == [17, 18, 19]
    # what fails is missing, and never a zero
    odd = table['num_notes'] % 2 == 1
    assert table['half'].isna().tolist() == odd.tolist()
    assert (table.loc[~odd, 'half'] == 9).all()
    assert (table.loc[~odd, 'rate_seen'] == table.loc[~odd, 'rate']).all()
    assert report.failed == {f'{FUSSY}: ValueError': int(odd.sum())}
    assert set(table['composer']) == {'Composer 0', 'Composer 1'}


def test_what_is_finished_is_kept(tmp_path):
    log = tmp_path / 'log.txt'
    counted = MeasureSpec('corpus_work:counted', {'log': str(log)})
    study = make_study(tmp_path, [counted])
    assert run_study(study).computed == 6
    assert run_study(study).kept == 6
    write_tunes(tmp_path / 'tunes', 8)
    report = run_study(study)
    assert (report.computed, report.kept) == (2, 6)
    lines = log.read_text().split()
    assert len(lines) == len(set(lines)) == 8
    assert len(read_results(study)) == 8


def test_a_further_measure_or_parameter_costs_only_itself(tmp_path):
    log = tmp_path / 'log.txt'
    counted = MeasureSpec('corpus_work:counted', {'log': str(log)})
    study = make_study(tmp_path, [counted])
    run_study(study)
    more = replace(study, measures=(counted, MeasureSpec('corpus_work:size')))
    assert run_study(more).computed == 6
    assert len(log.read_text().split()) == 6
    table = read_results(more)
    assert table['counted'].tolist() == [1] * 6
    assert table['size'].notna().all()
    swept = replace(study, measures=(MeasureSpec(FUSSY),), parameters={'rate': [1]})
    run_study(swept)
    assert run_study(replace(swept, parameters={'rate': [1, 2, 3]})).computed == 12
    # and what is no longer asked for is not shown
    again = replace(study, measures=(MeasureSpec('corpus_work:size'),))
    assert run_study(again).computed == 0
    assert 'counted' not in read_results(again)


def test_changed_options_are_measured_again(tmp_path):
    study = make_study(tmp_path, [MeasureSpec('motifs', {'max_motifs': 1})])
    run_study(study)
    few = read_results(study)['num_motifs']
    assert few.max() <= 1
    more = replace(study, measures=(MeasureSpec('motifs'),))
    assert run_study(more).computed == 6
    assert read_results(more)['num_motifs'].max() > 1


def test_a_failure_is_tried_again_where_it_is_asked_for(tmp_path):
    study = make_study(tmp_path, [FUSSY])
    failed = run_study(study).failed
    assert run_study(study).computed == 0
    again = run_study(study, retry=True)
    assert (again.computed, again.kept) == (4, 2)
    assert again.failed == failed == {f'{FUSSY}: ValueError': 4}
    assert len(query_results(study, 'FROM failures')) == 4


def test_a_measure_that_never_ends_costs_the_others_nothing(tmp_path):
    study = make_study(tmp_path, ['notes', 'corpus_work:slow_or_quick'], count=3)
    report = run_study(study, engine=LocalEngine(2, Limits(seconds=4.0)))
    assert report.failed == {'limit: TimeoutError': 2}
    table = read_results(study).sort_values('work')
    assert table['num_notes'].tolist() == [17, 18, 19]
    assert table['quick'].isna().tolist() == [True, False, True]


def test_works_that_cannot_be_read_are_failures_of_the_study(tmp_path):
    write_tunes(tmp_path / 'tunes', 2)
    (tmp_path / 'tunes' / 'broken.mid').write_bytes(b'MThd nonsense')
    study = make_study(tmp_path)
    report = run_study(study)
    assert report.failed == {'read: ScoreError': 1}
    table = read_results(study)
    assert len(table) == 3
    assert table['num_notes'].isna().sum() == 1
    status = study_status(study)
    assert (status.units, status.cells, status.done, status.pending) == (3, 2, 2, 0)
    assert status.failed == {'ingest read: ScoreError': 1}


def test_works_of_one_content_are_measured_once_and_both_shown(tmp_path):
    log = tmp_path / 'log.txt'
    one, _ = write_tunes(tmp_path / 'tunes', 2)
    (tmp_path / 'tunes' / 'zz.abc').write_bytes(one.read_bytes())
    study = make_study(tmp_path, [MeasureSpec('corpus_work:counted', {'log': str(log)})])
    report = run_study(study)
    assert (report.units, report.computed) == (3, 2)
    assert read_results(study)['counted'].tolist() == [1, 1, 1]
    assert len(log.read_text().split()) == 2
    status = study_status(study)
    assert (status.cells, status.done, status.pending) == (2, 2, 0)


def test_seeds_follow_the_work_and_nothing_else(tmp_path):
    study = make_study(tmp_path, [MeasureSpec('information_rate', {'null': 3})], seed=5)
    run_study(study, engine=LocalEngine(2))
    other = replace(study, store=str(tmp_path / 'other'))
    run_study(other, engine=LocalEngine(1))
    columns = ['work', 'ir_bits_per_frame', 'ir_null_bits_per_frame', 'ir_null_p']
    one, two = read_results(study)[columns], read_results(other)[columns]
    assert one.equals(two)
    third = replace(study, store=str(tmp_path / 'third'), seed=6)
    run_study(third)
    assert not read_results(third)['ir_null_bits_per_frame'].equals(one['ir_null_bits_per_frame'])


def test_runs_keep_versions_parameters_and_seed(tmp_path):
    study = make_study(tmp_path, seed=9)
    run_study(study)
    run_study(study)
    runs = query_results(study, 'SELECT * FROM runs ORDER BY run')
    assert runs['run'].tolist() == ['000001', '000002']
    assert runs['seed'].tolist() == [9, 9]
    assert runs['versions'][0]['music21']
    assert set(query_results(study, 'SELECT DISTINCT run FROM rows')['run']) == {'000001'}


@pytest.mark.parametrize('name', sorted(MEASURES))
def test_built_in_measures_give_numbers_with_units(name, corpus_score):
    table = extract_notes(corpus_score('bach/bwv66.6'))
    found = call_measure(load_measure(name), table, {'seed': 1, 'work': 'corpus:bach/bwv66.6',
                                                     'null': 3, 'rate': 64})
    assert found
    assert all(value is None or isinstance(value, int | float) for value in found.values())
    assert found == call_measure(load_measure(name), table, {
        'seed': 1, 'work': 'corpus:bach/bwv66.6', 'null': 3, 'rate': 64})


def test_collisions_of_a_work_with_itself_are_none(corpus_score):
    table = extract_notes(corpus_score('bach/bwv66.6'))
    full = MEASURES['collisions'](table, seed=1, rate='full')
    none = MEASURES['collisions'](table, seed=1, rate=0)
    assert full['collisions_per_bar'] < none['collisions_per_bar']
    assert full['tonnetz_distance'] < none['tonnetz_distance']


def test_extractors_of_music21_are_measures(tmp_path):
    study = make_study(tmp_path, ['music21:P1', 'music21:QB2', 'music21:QL1'], count=2)
    report = run_study(study)
    assert report.failed == {}
    table = read_results(study)
    assert {'QL1', 'QB2_0', 'QB2_1', 'QB2_2', 'P1'} <= set(table.columns)
    assert table['QB2_0'].notna().all()


@pytest.mark.parametrize(('given', 'message'), [
    ({'key': 1}, 'a column key'), ({'Seconds': 1}, 'a column seconds'),
    ({'a': 1, 'A': 2}, 'a column a,'), ({'a': float('inf')}, "infinity for 'a'"),
    ({'a': 2**70}, 'of 64 bits')])
def test_columns_that_are_ours_and_numbers_that_are_none_are_told(given, message):
    with pytest.raises(ParameterError, match=message):
        call_measure(lambda table: given, object(), {})


def test_numbers_keep_their_kind_whatever_their_column_is_called(tmp_path):
    study = make_study(tmp_path, ['corpus_work:numbers'], count=2)
    run_study(study)
    table = read_results(study)
    assert (table['number'] == 2.5).all()
    assert (table['num_bars'] == 3.5).all()


def test_columns_may_not_be_shared_with_what_an_earlier_run_measured(tmp_path):
    study = make_study(tmp_path, ['corpus_work:size'])
    run_study(study)
    more = replace(study, measures=(*study.measures, MeasureSpec('corpus_work:other_size')))
    with pytest.raises(ParameterError, match="'size' is given by two measures"):
        run_study(more)


def test_what_was_measured_before_decides_no_types(tmp_path):
    own = tmp_path / 'own.py'
    own.write_text('def mine(table):\n    return {"x": "1.5", "old": 1}\n')
    study = make_study(tmp_path, [f'{own}:mine'], count=2)
    run_study(study)
    own.write_text('def helper():\n    return 2.5\n\n\n'
                   'def mine(table):\n    return {"x": helper()}\n')
    assert run_study(study).computed == 2       # its code has changed
    table = read_results(study)
    assert table['x'].tolist() == [2.5, 2.5]
    assert 'old' not in table
    own.write_text(own.read_text().replace('2.5', '3.5'))
    assert run_study(study).computed == 2       # and that of a helper


def test_results_do_not_depend_on_where_works_lie(tmp_path, monkeypatch):
    study = make_study(tmp_path, [MeasureSpec('information_rate', {'null': 3})], count=3)
    run_study(study)
    first = sorted(read_results(study)['ir_null_bits_per_frame'])
    moved = tmp_path.rename(tmp_path.with_name('elsewhere'))
    (moved / 'tunes' / 'tune000.abc').rename(moved / 'tunes' / 'renamed.abc')
    monkeypatch.chdir(moved)
    other = replace(study, works=('tunes',), store='other')
    run_study(other)
    assert sorted(read_results(other)['ir_null_bits_per_frame']) == first


def test_columns_may_not_be_shared(tmp_path):
    twice = [MeasureSpec('notes'), MeasureSpec('corpus_work:size', prefix='num_')]
    study = make_study(tmp_path, twice)
    run_study(study)        # num_size is no column of `notes`
    clash = make_study(tmp_path, ['notes', MeasureSpec('corpus_work:clash')], name='clash')
    with pytest.raises(ParameterError, match="'num_notes' is given by two measures"):
        run_study(clash)
    with pytest.raises(ParameterError, match='notes is measured twice'):
        make_study(tmp_path, ['notes', 'notes'])


def test_a_study_that_was_not_run_has_no_results(tmp_path):
    study = make_study(tmp_path)
    with pytest.raises(CorpusError, match='is no store'):
        read_results(study)
    run_study(study)
    with pytest.raises(CorpusError, match='was not run yet'):
        read_results(replace(study, name='other'))
    with pytest.raises(ParameterError, match='expected letters'):
        read_results(replace(study, name='../x'))


def test_what_measures_may_give(tmp_path):
    table = object()
    assert call_measure(lambda t: {'a': float('nan'), 'b': 'x'}, table, {}) == {'a': None, 'b': 'x'}
    for bad, message in ((lambda t: [1], 'gave list'), (lambda t: {'a': [1]}, "list for 'a'")):
        with pytest.raises(ParameterError, match=message):
            call_measure(bad, table, {})


def test_the_declaration_is_kept_beside_the_results(tmp_path):
    study = make_study(tmp_path, title='T')
    run_study(study)
    kept = json.loads((tmp_path / 'store' / 'studies' / 'trial' / 'study.json').read_text())
    assert (kept['title'], kept['measures'][0]['measure']) == ('T', 'notes')
    assert isinstance(study, Study)
