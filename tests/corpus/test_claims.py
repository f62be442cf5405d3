"""What a reproduction makes of its numbers: verdicts, answers, and who is better at equal rate."""

import numpy as np
import pandas as pd
import pytest

from corpus_tools import statistics
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
from corpus_tools.reproduce.questions import QUESTIONS, answers
from corpus_tools.reproduce.report import _verdict
from corpus_tools.reproduce.versions import FULL, IMPROVISED, QUERY


@pytest.fixture(autouse=True)
def fewer_resamples(monkeypatch):
    """Intervals and tests as they are, in a fifth of the time."""
    monkeypatch.setattr(statistics, 'RESAMPLES', 1999)


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
