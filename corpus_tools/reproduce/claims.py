"""The paper's claims that can be tested: the test, its controls, the interval, the verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qbdi_m21.improvisation.measures import MAJOR, MINOR
from qbdi_m21.improvisation.sweep import PRIOR, QUERY, SHUFFLED, TRANSPOSED

#: Fewer takes, queries or motifs decide nothing.
FEWEST = 5

#: Of the permutation test.
LEVEL = 0.05

HOLDS, NOT, OPEN, CONFOUNDED = 'holds', 'does not hold', 'not decided', 'confounded'



def measure_claims(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each claim: claim, test, effect, interval, controls, verdict, why."""
    import pandas as pd
    rates = pd.DataFrame(found['rates']).rename(columns={'seed': 'take'})
    queries = pd.DataFrame(found['queries']).rename(columns={'seed': 'take'})
    rates['work'] = rates['take'].astype(str)
    return [*_relations(rates, queries), *_chords(rates, queries), *_tonic(rates, queries),
            *_motifs(found['motifs']), *_dynamics(found['information'])]


def _difference(table: Any, measure: str, by: str, first: str, second: str) -> dict[str, Any]:
    """Return the mean difference, second less first, with its interval over `work`."""
    from corpus_tools.statistics import compare_groups
    if not {first, second} <= set(table[by]):
        return {'effect': None, 'low': None, 'high': None, 'p': None, 'number': 0}
    row, = compare_groups(table[table[by].isin([first, second])], [measure], by,
                          reference=first).to_dict('records')
    return {'effect': row['difference'], 'low': row['low'], 'high': row['high'], 'p': row['p'],
            'number': row['works_first']}


def _row(claim: str, test: str, over: str, told: dict[str, Any], judge: Callable[
        [dict[str, Any]], str], why: str = '') -> dict[str, Any]:
    known = told['number'] >= FEWEST and told['low'] is not None and told['low'] == told['low']
    if told['p'] is not None and not told['p'] < LEVEL:
        known = False       # the interval and the test must agree
    return {'claim': claim, 'test': test, 'over': over, **told,
            'verdict': judge(told) if known else OPEN, 'why': why}


def _positive(told: dict[str, Any]) -> str:
    return HOLDS if told['low'] > 0 else NOT if told['high'] < 0 else OPEN


def _negative(told: dict[str, Any]) -> str:
    return HOLDS if told['high'] < 0 else NOT if told['low'] > 0 else OPEN


def _relations(rates: Any, queries: Any) -> list[dict[str, Any]]:
    claim = 'At full rate the relations to the query are preserved'
    rows = []
    for control, name in ((SHUFFLED, 'the same improvisation with its bars shuffled'),
                          (PRIOR, 'draws from the prior')):
        for table, over in ((rates, 'takes'), (queries, 'queries')):
            own = table[(table.channel == 'prior-preserving') & (
                (table.rate == 'full') | (table.control == PRIOR))]
            rows.append(_row(claim, f'chroma cosine with the query, less that of {name}', over,
                             _difference(own, 'chroma_cosine', 'control', control, QUERY),
                             _positive))
    return rows


def _chords(rates: Any, queries: Any) -> list[dict[str, Any]]:
    claim = 'The bit-limited version has fewer chords'
    rows = []
    for table, over in ((rates, 'takes'), (queries, 'queries')):
        made = table[table.control == QUERY]
        silent = _difference(made[made.channel == 'paper'], 'silent_share', 'rate', 'full',
                             '256 bits')
        quiet = silent['low'] is not None and silent['low'] > 0
        for channel in ('paper', 'prior-preserving'):
            told = _difference(made[made.channel == channel], 'pitch_class_sets', 'rate', 'full',
                               '256 bits')

            def judge(one: dict[str, Any], channel: str = channel, quiet: bool = quiet) -> str:
                verdict = _negative(one)
                return CONFOUNDED if verdict == HOLDS and channel == 'paper' and quiet else verdict

            rows.append(_row(
                claim, f'different pitch-class sets at 256 bits, less full rate; {channel} channel',
                over, told, judge, f'{100 * (silent["effect"] or 0):.0f} % more of the frames are '
                'silent at 256 bits' if channel == 'paper' and quiet else ''))
    return rows


def _tonic(rates: Any, queries: Any) -> list[dict[str, Any]]:
    claim = "At a low rate the music converges to the query's tonic"
    rows = []
    for table, over in ((rates, 'takes'), (queries, 'queries')):
        made = table[(table.channel == 'prior-preserving')
                     & table.control.isin([QUERY, TRANSPOSED])].copy()
        low = '64 bits' if '64 bits' in set(made.rate) else '0 bits'
        # a query moved by six semitones has another key: an improvisation that keeps the key
        # of the first has gone to the corpus's
        own = made[made.rate == low].pivot_table(
            index=['work', 'take'], columns='control', values='key', aggfunc='first')
        if over == 'queries':       # takes of one query are no further queries
            own = own.groupby(level='work').first()
        stays = [_signature(a) == _signature(b) for a, b in zip(
            own.get(QUERY, []), own.get(TRANSPOSED, []), strict=False)]
        share = sum(stays) / len(stays) if stays else None
        told = _share_interval(stays)
        rows.append(_row(
            claim, f'share of takes at {low} whose key signature stays when the query is moved by '
            'six semitones (0 if the music follows the query, 1 if it goes to the corpus)', over,
            {'effect': share, **told, 'p': None, 'number': len(stays)},
            lambda one: NOT if one['low'] > 0.5 else HOLDS if one['high'] < 0.5 else OPEN))
    return rows


def _signature(key: str | None) -> int | None:
    """Return the tonic of a key or, of a minor one, of its relative major: 0 is C."""
    if not key:
        return None
    name, _, mode = key.partition(' ')
    tonic = name[0].upper() + name[1:]
    return (MINOR.index(tonic) + 3) % 12 if mode == 'minor' else MAJOR.index(tonic)


def _share_interval(values: list[bool]) -> dict[str, float | None]:
    from corpus_tools.statistics import share_interval
    if not values:
        return {'low': None, 'high': None}
    low, high = share_interval(sum(values), len(values))
    return {'low': low, 'high': high}


def _motifs(found: dict[str, Any]) -> list[dict[str, Any]]:
    import pandas as pd
    rows = []
    for name, versions in found.items():
        table = pd.DataFrame([{'work': f'{k}', 'at': 'low' if one['share'] < 1 else 'selected',
                               'length': length} for one in versions
                              for k, length in enumerate(one['lengths_ql'])
                              if one['share'] in (0.5, 1.0)])
        told = {'effect': None, 'low': None, 'high': None, 'p': None, 'number': 0}
        if len(table) and table['at'].nunique() == 2:
            table['work'] = table['at'] + table['work']     # motifs of two thresholds are others
            told = _difference(table, 'length', 'at', 'selected', 'low')
        rows.append(_row('Motifs are shorter at a lower threshold',
                         f'mean length in quarters at half the selected threshold, less at it: '
                         f'{name}', 'motifs', told, _negative))
    return rows


def _dynamics(found: dict[str, Any]) -> list[dict[str, Any]]:
    import pandas as pd
    latents = found['latents']
    full, limited = latents['received, full'], next(
        takes for name, takes in latents.items() if name.endswith('bits'))
    claim = 'The bit rate changes the information dynamics of the latents'
    rows = []
    values: tuple[tuple[str, Callable[[Any], float]], ...] = (
        ('peak of the information rate', lambda one: one['total_bits']),
        ('the same beyond shuffled bars',
         lambda one: one['total_bits'] - one['null']['mean_bits']),
        ('selected threshold', lambda one: one['selected_threshold']))
    for what, value in values:
        table = pd.DataFrame([{'work': str(k), 'at': at, 'value': value(one)}
                              for at, takes in (('full', full), ('limited', limited))
                              for k, one in enumerate(takes)])
        rows.append(_row(claim, f'{what} at 256 bits, less full rate; what is received, cosine',
                         'takes', _difference(table, 'value', 'at', 'full', 'limited'),
                         lambda one: HOLDS if one['low'] > 0 or one['high'] < 0 else OPEN))
    return rows
