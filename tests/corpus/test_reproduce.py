"""The paper's experiment done again: on free material, quickly; and what is told of bad data."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from corpus_tools import statistics
from corpus_tools.cli import main
from corpus_tools.reproduce import STEPS, load_experiment, reproduce
from corpus_tools.reproduce.appendices import gaps
from corpus_tools.reproduce.claims import (
    CONFOUNDED,
    HOLDS,
    NOT,
    OPEN,
    _signature,
    key_change,
    measure_claims,
)
from corpus_tools.reproduce.kept import Kept
from corpus_tools.reproduce.material import Material
from corpus_tools.reproduce.questions import QUESTIONS, answers
from corpus_tools.reproduce.report import _verdict
from corpus_tools.reproduce.versions import FULL, IMPROVISED, QUERY
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
    (tmp_path / 'figure4-motifs.png').unlink()
    reproduce(load_experiment(quick=True), tmp_path)
    assert {'figure4-motifs.png', 'report.md'} <= changed(tmp_path, before)
    assert not {'versions.json', 'rates.png'} & changed(tmp_path, before)
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


def made_up(*, likeness=0.3, sets=-5, silence=0.0, quieter='paper', follows=True, change=4.0,
            shorter=-2.0):
    """Return findings in which each claim's effect is known."""
    def rows(works):
        for work in works:
            for take in range(10):
                wave = 0.01 * (take % 3) + 0.003 * (ord(work[-1]) % 5)
                for channel in ('prior-preserving', 'paper'):
                    for rate in ('full', '256 bits', '64 bits'):
                        low = rate != 'full'
                        for control in ('query', 'shuffled', 'transposed'):
                            own = likeness * (1 + wave) if control == 'query' else 0.0
                            yield {
                                'work': work, 'channel': channel, 'control': control, 'rate': rate,
                                'take': take, 'chroma_cosine': 0.4 + wave + own,
                                'chord_agreement': 0.2 + wave + own / 2,
                                'pitch_class_sets': 50 + take + low * sets * (1 + wave),
                                'triad_entropy_bits': 3 + low * sets * (1 + wave) / 10
                                if control == 'query' else None,
                                'silent_share': 0.1 + wave / 2 + (
                                    channel == quieter) * low * silence * (1 + wave)}
                    yield {'work': work, 'channel': channel, 'control': 'prior', 'rate': '',
                           'take': take, 'chroma_cosine': 0.4 + wave / 2, 'chord_agreement': 0.1}

    works = [f'w{k}' for k in range(10)]
    takes = [('the query', take) for take in range(10)] + [
        (work, take) for work in works for take in range(2)]
    wave = {place: 1 + 0.01 * k for k, place in enumerate(takes)}
    keys = [{'work': work, 'take': take, 'rate': rate, 'semitones': 6, 'query_key': 'C major',
             'key': 'a minor' if rate == '64 bits' or not follows else 'G major',
             'moved_key': 'e- minor' if follows else 'C major'}
            for work, take in takes for rate in ('full', '64 bits')]
    motifs = [{'work': work, 'take': take, 'version': version, 'at': at, 'shuffled_length_ql': 5.0,
               'length_ql': (8 + (at == 'lower') * shorter) * wave[work, take]}
              for work, take in takes for version in (QUERY, *IMPROVISED)
              for at in ('selected', 'lower')]

    def peak(work, take, version):
        shift = change * wave[work, take] * (version != FULL)
        return {'total_bits': 100 + take % 4 + shift, 'selected_threshold': 0.5}

    return {
        'rates': list(rows(['the query'])), 'queries': list(rows(works)), 'keys': keys,
        'motifs': motifs, 'information': {'latents': {
            version: [{**peak('the query', take, version), 'null': {'mean_bits': 80.0}}
                      for take in range(10)] for version in IMPROVISED}},
        'latents': [{'work': work, 'take': take, 'version': version, 'null_bits': 80.0,
                     **peak(work, take, version)}
                    for work, take in takes[10:] for version in IMPROVISED]}


def verdicts(found):
    table = pd.DataFrame(measure_claims(found))
    return [own['verdict'].tolist() for _, own in table.groupby('claim', sort=False)]


def test_verdicts_follow_from_effects():
    relations, chords, tonic, motifs, dynamics = verdicts(made_up())
    assert relations == [HOLDS] * 6
    assert chords == [HOLDS] * 12
    assert tonic == [HOLDS] * 4     # ten of ten takes, ten of ten queries
    assert motifs == [HOLDS] * 14
    assert dynamics == [HOLDS, HOLDS, OPEN] * 4


def test_verdicts_turn_with_effects():
    relations, chords, tonic, motifs, dynamics = verdicts(made_up(
        likeness=-0.3, sets=5, follows=False, change=0.0, shorter=1.0))
    assert relations == [NOT, NOT, NOT, NOT, NOT, NOT]
    assert chords == [NOT] * 12
    assert tonic == [NOT, OPEN] * 2     # in its own key at both rates
    assert motifs == [NOT] * 14
    assert dynamics == [OPEN] * 12


@pytest.mark.parametrize(('quieter', 'verdicts'), [
    ('paper', [CONFOUNDED, HOLDS]), ('prior-preserving', [HOLDS, CONFOUNDED])])
def test_fewer_chords_with_more_silence_are_confounded(quieter, verdicts):
    table = pd.DataFrame(measure_claims(made_up(silence=0.3, quieter=quieter)))
    sets = table[table['test'].str.startswith('different pitch-class sets')]
    assert sets['verdict'].tolist() == verdicts * 2
    assert sorted(sets['why'])[-1] == '30 % more of the frames are silent'
    assert (table[table['test'].str.startswith('entropy')]['verdict'] == HOLDS).all()


def test_few_takes_decide_nothing():
    few = made_up()
    few['rates'] = [row for row in few['rates'] if row['take'] < 4]
    assert verdicts(few)[0] == [OPEN, HOLDS] * 3


def test_the_more_tests_the_less_one_of_them_decides():
    # six takes: p is 2 / 2**6 by itself, and is not by itself
    few = made_up()
    few['rates'] = [row for row in few['rates'] if row['take'] < 6]
    rows = [row for row in measure_claims(few) if row['over'] == 'takes'
            and row['claim'].startswith('At full rate')]
    assert [row['p'] for row in rows] == pytest.approx([3 / 32] * 3)
    assert [row['verdict'] for row in rows] == [OPEN] * 3


@pytest.mark.parametrize(('key', 'moved', 'kind'), [
    ('C major', 'F# major', 'follows'), ('a minor', 'F# major', 'follows'),
    ('C major', 'e- minor', 'follows'), ('C major', 'a minor', 'stays'),
    ('C major', 'G major', 'neither'), (None, 'C major', 'neither')])
def test_what_a_key_does_when_the_query_is_moved(key, moved, kind):
    assert key_change({'key': key, 'moved_key': moved, 'semitones': 6}) == kind


@pytest.mark.parametrize(('key', 'tonic'), [('C major', 0), ('a minor', 0), ('A minor', 0),
                                            ('E- major', 3), ('c# minor', 4), (None, None)])
def test_relative_keys_are_one(key, tonic):
    assert _signature(key) == tonic


def training(distortion, rates=(20, 50)):
    return {'networks': [{'updates': 9, 'beta': beta, 'arriving_bits': r, 'distortion_bits': d}
                         for beta, r, d in ((2.0, 10, 160), (0.5, 30, 40))]
            + [{'updates': 2, 'beta': 1.0, 'arriving_bits': 20, 'distortion_bits': 500}],
            'channel': [{'channel': 'prior-preserving', 'rate': 'x', 'rate_bits': r,
                         'distortion_bits': d} for r, d in zip(rates, (distortion, 10),
                                                               strict=True)]}


def test_which_reaches_lower_distortion_is_said_where_rates_overlap():
    # half way between 160 and 40 the logarithm is that of 80
    assert gaps([training(95)]) == {'x': [pytest.approx(15.0)]}

    def verdict(*distortions, rates=(20, 50)):
        return _verdict(gaps([training(d, rates) for d in distortions]))

    assert verdict(94, 95, 96) == ('At equal R: the beta-VAEs reach lower D at x (asked of the '
                                   'channel).')
    assert 'the channel reaches lower D at x' in verdict(64, 65, 66)
    assert 'neither is shown to be lower at x' in verdict(60, 100)
    assert 'do not overlap' in verdict(95, rates=(40, 50))


def test_answers_are_differences_over_queries():
    rng = np.random.default_rng(1)
    rows = [{'work': f'w{k}', 'means_z': 1 + noise, 'posterior_z': 0.5 + noise * 0.9,
             'samples_z': None, 'surface_z': 1 + noise / 2, 'whole_cosine': 0.6,
             'dynamic_cosine': 0.6, 'shuffled_step': 0.9, 'walk_step': 0.8 + noise / 50,
             'own_step': 0.85, 'samples_notes': 100.0, 'means_notes': 90 + 10 * noise,
             'shuffled_correlation': 0.2, 'correlation': 0.4 + noise / 20 if k else None}
            for k, noise in enumerate(rng.normal(0, 0.2, 12))]
    told = answers(rows)
    assert len(told) == len(QUESTIONS) - 1      # samples have no value
    first = told[0]
    assert (first['number'], round(first['from'], 1), round(first['to'], 1)) == (12, 1.0, 0.5)
    assert first['low'] < first['difference'] < first['high'] < 0
    assert first['p'] < 0.01
    assert told[-2]['number'] == 11
    assert told[-2]['low'] < 0.2 < told[-2]['high']
