"""The paper's experiment done again: on free material, quickly; and what is told of bad data."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from corpus_tools.cli import main
from corpus_tools.reproduce import STEPS, load_experiment, reproduce
from corpus_tools.reproduce.claims import CONFOUNDED, HOLDS, NOT, OPEN, _signature, measure_claims
from corpus_tools.reproduce.questions import QUESTIONS, answers
from corpus_tools.reproduce.report import _verdict
from qbdi_m21.errors import CorpusError, ParameterError


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
    assert {path.stem for path in tmp_path.glob('*.json')} == {step.name for step in STEPS}
    bounds = json.loads((tmp_path / 'bounds.json').read_text())['found']
    for row in bounds['networks']:
        # eqs 18 and 19
        assert row['lower_bound_bits'] <= row['mutual_information_bits'] <= row['rate_bits']
    nothing = [row for row in bounds['channel'] if row['rate'] == '0 bits']
    assert all(row['rate_bits'] == 0 for row in nothing)
    # a further call makes nothing again, and a lost step makes itself alone
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    (tmp_path / 'motifs.json').unlink()
    reproduce(load_experiment(quick=True), tmp_path)
    changed = {path.name for path in tmp_path.iterdir()
               if path.stat().st_mtime_ns != before.get(path)}
    assert changed == {'motifs.json', 'figure4-motifs.png', 'appendixA-bounds.png', 'report.md'}
    assert (tmp_path / 'report.md').read_text('utf-8') == report
    # and another setting only what it decides
    before = (tmp_path / 'model.json').stat().st_mtime_ns, (tmp_path / 'motifs.json').stat(
        ).st_mtime_ns
    reproduce(replace(load_experiment(quick=True), queries=1), tmp_path)
    assert before == ((tmp_path / 'model.json').stat().st_mtime_ns,
                      (tmp_path / 'motifs.json').stat().st_mtime_ns)
    assert '1 further queries' in (tmp_path / 'report.md').read_text('utf-8')


@pytest.mark.parametrize(('there', 'message'), [
    ([], r"lacks pop \(the 126 pop clips .*\) and naruto_query.mid .*on free material"),
    (['pop'], r"lacks naruto_query.mid \(the paper's query\); without --data")])
def test_what_a_data_folder_lacks_is_told(tmp_path, there, message):
    for name in there:
        (tmp_path / name).mkdir()
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
    assert (paper.updates, paper.reading, paper.seeds) == (20000, 'dubnov2019', 10)
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
    own.write_text('[')
    with pytest.raises(CorpusError, match='TOML'):
        load_experiment(config=str(own))
    assert replace(free, seed=1) != free


def made_up(*, likeness=0.3, sets=-5, silence=0.0, stays=True, change=4.0):
    """Return findings in which each claim's effect is known."""
    def rows(works):
        for work in works:
            for take in range(6):
                wave = 0.01 * (take % 3) + 0.003 * (ord(work[-1]) % 5)
                for channel in ('prior-preserving', 'paper'):
                    for rate in ('full', '256 bits', '64 bits'):
                        for control in ('query', 'shuffled', 'transposed'):
                            yield {
                                'work': work, 'channel': channel, 'control': control, 'rate': rate,
                                'seed': take, 'chroma_cosine': 0.4 + wave + (
                                    likeness * (1 + wave) if control == 'query' else 0.0),
                                'pitch_class_sets': 50 + take + (
                                    0 if rate == 'full' else sets * (1 + wave)),
                                'silent_share': 0.1 + wave / 2 + (
                                    0 if rate == 'full' or channel != 'paper'
                                    else silence * (1 + wave)),
                                'key': 'F# major' if control == 'transposed' and not stays
                                else 'a minor'}
                    yield {'work': work, 'channel': channel, 'control': 'prior', 'rate': '',
                           'seed': take, 'chroma_cosine': 0.4 + wave / 2, 'key': 'C major'}

    def takes(shift):
        return [{'total_bits': 100 + take % 4 + shift * (1 + take / 50), 'selected_threshold': 0.5,
                 'null': {'mean_bits': 80.0}} for take in range(6)]

    motifs = [{'share': share, 'lengths_ql': [2.0 + 8 * share + k % 3 for k in range(9)]}
              for share in (0.25, 0.5, 0.75, 1.0)]
    return {'rates': list(rows(['q'])), 'queries': list(rows([f'w{k}' for k in range(6)])),
            'motifs': {'query': motifs}, 'information': {'latents': {
                'received, full': takes(0), 'received, 256 bits': takes(change)}}}


def verdicts(found):
    table = pd.DataFrame(measure_claims(found))
    return {claim: own['verdict'].tolist() for claim, own in table.groupby('claim', sort=False)}


def test_verdicts_follow_from_effects():
    told = list(verdicts(made_up()).values())
    assert told[0] == [HOLDS] * 4
    assert told[1] == [HOLDS] * 4
    assert told[2] == [NOT, NOT]        # six of six takes, six of six queries
    assert told[3] == [HOLDS]
    assert told[4] == [HOLDS, HOLDS, OPEN]


def test_verdicts_turn_with_effects():
    told = list(verdicts(made_up(likeness=-0.3, sets=5, stays=False, change=0.0)).values())
    assert told[0] == [NOT] * 4
    assert told[1] == [NOT] * 4
    assert told[2] == [HOLDS, HOLDS]
    assert told[4] == [OPEN] * 3


def test_fewer_chords_with_more_silence_are_confounded():
    told = list(verdicts(made_up(silence=0.3)).values())
    assert told[1] == [CONFOUNDED, HOLDS] * 2


def test_few_takes_decide_nothing():
    found = made_up()
    found['rates'] = [row for row in found['rates'] if row['seed'] < 3]
    assert next(iter(verdicts(found).values()))[0] == OPEN


@pytest.mark.parametrize(('key', 'tonic'), [('C major', 0), ('a minor', 0), ('A minor', 0),
                                            ('E- major', 3), ('c# minor', 4), (None, None)])
def test_relative_keys_are_one(key, tonic):
    assert _signature(key) == tonic


def test_which_reaches_lower_distortion_is_said_where_rates_overlap():
    networks = [{'updates': 9, 'rate_bits': r, 'distortion_bits': 100 - r} for r in (10, 30)]
    channel = [{'channel': 'prior-preserving', 'rate': 'x', 'rate_bits': r, 'distortion_bits': d}
               for r, d in ((20, 95), (50, 10))]
    assert _verdict({'networks': networks, 'channel': channel}).startswith(
        'The beta-VAEs reach lower D at equal R: the channel on one VAE is at +15.0 bits')
    assert 'do not overlap' in _verdict({'networks': networks, 'channel': channel[1:]})


def test_answers_are_differences_over_queries():
    rng = np.random.default_rng(1)
    rows = [{'work': f'w{k}', 'means_z': 1 + noise, 'posterior_z': 0.5 + noise * 0.9,
             'samples_z': None, 'surface_z': 1 + noise / 2, 'whole_cosine': 0.6,
             'dynamic_cosine': 0.6, 'shuffled_step': 0.9, 'walk_step': 0.8 + noise / 50,
             'samples_notes': 100.0, 'means_notes': 90 + 10 * noise,
             'profile_correlation': 0.4 + noise / 20 if k else None}
            for k, noise in enumerate(rng.normal(0, 0.2, 12))]
    told = answers(rows)
    assert len(told) == len(QUESTIONS)      # samples have no value, the correlation is one more
    first = told[0]
    assert (first['number'], round(first['from'], 1), round(first['to'], 1)) == (12, 1.0, 0.5)
    assert first['low'] < first['difference'] < first['high'] < 0
    assert first['p'] < 0.01
    assert told[-1]['number'] == 11
    assert told[-1]['low'] < 0.4 < told[-1]['high']
