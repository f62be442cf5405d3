"""The paper's claims that can be tested: the test, its controls, the interval, the verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from corpus_tools.reproduce.material import ASKED
from qbdi_m21.improvisation.measures import MAJOR, MINOR
from qbdi_m21.improvisation.sweep import PRIOR, QUERY, SHUFFLED

#: Fewer takes or queries decide nothing.
FEWEST = 5

#: Of the permutation test, corrected (Holm) for the tests of one claim.
LEVEL = 0.05

#: What the key of an improvisation does when its query is transposed.
FOLLOWS, STAYS, OTHER = 'follows', 'stays', 'neither'

Rows = list[dict[str, Any]]
Judge = Callable[[dict[str, Any]], str]

HOLDS, NOT, OPEN, CONFOUNDED = 'holds', 'does not hold', 'not decided', 'confounded'


def measure_claims(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each test of a claim: effect, interval, controls, verdict, why."""
    import pandas as pd
    tables = [(pd.DataFrame(found['rates']).assign(work=lambda one: one['take'].astype(str)),
               'takes'), (pd.DataFrame(found['queries']), 'queries')]
    rows = []
    for claim in (_relations(tables), _chords(tables), _tonic(found['keys']),
                  _motifs(found['motifs']), _dynamics(found['information'], found['latents'])):
        rows += _judged(claim)
    return rows


def _judged(rows: Rows) -> Rows:
    """Return the rows of one claim with their verdicts: interval and test must agree."""
    from statsmodels.stats.multitest import multipletests
    tested = [row for row in rows if row['p'] is not None]
    corrected = multipletests([row['p'] for row in tested], method='holm')[1] if tested else ()
    for row, p in zip(tested, corrected, strict=True):
        row['p'] = float(p)
    for row in rows:
        judge = row.pop('judge')
        known = row['number'] >= FEWEST and row['low'] is not None
        unlikely = row['p'] is None or row['p'] < LEVEL
        row['verdict'] = judge(row) if known and unlikely else OPEN
    return rows


def _difference(table: Any, measure: str, by: str, first: str, second: str) -> dict[str, Any]:
    """Return the mean difference, second less first, with its interval over `work`."""
    from corpus_tools.statistics import compare_groups
    if not {first, second} <= set(table[by]):
        return {'effect': None, 'low': None, 'high': None, 'p': None, 'number': 0}
    row, = compare_groups(table[table[by].isin([first, second])], [measure], by,
                          reference=first).to_dict('records')
    return {'effect': _plain(row['difference']), 'low': _plain(row['low']),
            'high': _plain(row['high']), 'p': _plain(row['p']), 'number': row['works_first']}


def _plain(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)


def _row(claim: str, test: str, over: str, told: dict[str, Any], judge: Judge,
         why: str = '') -> dict[str, Any]:
    return {'claim': claim, 'test': test, 'over': over, **told, 'why': why, 'judge': judge}


def _positive(told: dict[str, Any]) -> str:
    return HOLDS if told['low'] > 0 else NOT if told['high'] < 0 else OPEN


def _negative(told: dict[str, Any]) -> str:
    return HOLDS if told['high'] < 0 else NOT if told['low'] > 0 else OPEN


def _changed(told: dict[str, Any]) -> str:
    return HOLDS if told['low'] > 0 or told['high'] < 0 else OPEN


def _relations(tables: Any) -> Rows:
    claim = 'At full rate the relations to the query are preserved'
    rows = []
    for measure, what, controls in (
            ('chroma_cosine', 'chroma cosine with the query', (SHUFFLED, PRIOR)),
            ('chord_agreement', "share of the query's chords, bar by bar, that it has too",
             (SHUFFLED,))):
        for control in controls:
            name = ('the same improvisation with its bars shuffled' if control == SHUFFLED
                    else 'draws from the prior')
            for table, over in tables:
                own = table[(table.channel == 'prior-preserving') & (
                    (table.rate == 'full') | (table.control == PRIOR))]
                rows.append(_row(claim, f'{what}, less that of {name}', over, _difference(
                    own, measure, 'control', control, QUERY), _positive))
    return rows


def _chords(tables: Any) -> Rows:
    claim = 'The bit-limited version has fewer chords'
    rows = []
    for table, over in tables:
        made = table[table.control == QUERY]
        silent = _difference(made[made.channel == 'paper'], 'silent_share', 'rate', 'full',
                             '256 bits')
        quiet = silent['low'] is not None and silent['low'] > 0
        for channel in ('paper', 'prior-preserving'):
            own = made[made.channel == channel]
            confounded = channel == 'paper' and quiet
            rows.append(_row(
                claim, f'different pitch-class sets at 256 bits, less full rate; {channel} channel',
                over, _difference(own, 'pitch_class_sets', 'rate', 'full', '256 bits'),
                _fewer_but_silent if confounded else _negative,
                f'{100 * silent["effect"]:.0f} % more of the frames are silent at 256 bits'
                if confounded else ''))
            for rate in ('256 bits', '64 bits'):
                rows.append(_row(
                    claim, 'entropy of the triads of beats by the probabilities of notes, which '
                    f'no silence touches, in bits, at {rate}, less full rate; {channel} channel',
                    over, _difference(own, 'triad_entropy_bits', 'rate', 'full', rate), _negative))
    return rows


def _fewer_but_silent(told: dict[str, Any]) -> str:
    verdict = _negative(told)
    return CONFOUNDED if verdict == HOLDS else verdict


def _tonic(keys: Rows) -> Rows:
    import pandas as pd
    claim = "At a low rate the music converges to the query's tonic"
    rows = []
    for over in ('takes', 'queries'):
        # takes of one query are no further queries
        chosen = [row for row in keys if (
            row['work'] == ASKED if over == 'takes' else row['work'] != ASKED and not row['take'])]
        own = [row for row in chosen if row['rate'] == '64 bits']
        for semitones in dict.fromkeys(row['semitones'] for row in own):
            kinds = [key_change(row) for row in own if row['semitones'] == semitones]
            share, (low, high) = kinds.count(FOLLOWS) / len(kinds), _share_interval(kinds)
            rows.append(_row(
                claim, f'share of the {over} at 64 bits whose key signature moves with the query, '
                f'moved by {semitones} semitones', over,
                {'effect': share, 'low': low, 'high': high, 'p': None, 'number': len(kinds)},
                _most, f'{kinds.count(STAYS)} stay in the key of the query that is not moved, '
                f'{kinds.count(OTHER)} go elsewhere'))
        if own:
            own = [{**row, 'own': float(in_own_key(row)), 'work': f"{row['work']} {row['take']}"}
                   for row in chosen if row['semitones'] == own[0]['semitones']]
            rows.append(_row(
                claim, f"share of the {over} in the query's own key signature at 64 bits, less "
                'full rate', over, _difference(pd.DataFrame(own), 'own', 'rate', 'full',
                                               '64 bits'), _positive))
    return rows


def in_own_key(row: dict[str, Any]) -> bool:
    """Return whether an improvisation has the key signature of its query."""
    key = _signature(row['key'])
    return key is not None and key == _signature(row['query_key'])


def _most(told: dict[str, Any]) -> str:
    return HOLDS if told['low'] > 0.5 else NOT if told['high'] < 0.5 else OPEN


def key_change(row: dict[str, Any]) -> str:
    """Return whether the key of an improvisation follows a transposed query, stays, or neither."""
    key, moved = _signature(row['key']), _signature(row['moved_key'])
    if key is None or moved is None:
        return OTHER
    if (moved - key - row['semitones']) % 12 == 0:
        return FOLLOWS
    return STAYS if moved == key else OTHER


def _signature(key: str | None) -> int | None:
    """Return the tonic of a key or, of a minor one, of its relative major: 0 is C."""
    if not key:
        return None
    name, _, mode = key.partition(' ')
    tonic = name[0].upper() + name[1:]
    return (MINOR.index(tonic) + 3) % 12 if mode == 'minor' else MAJOR.index(tonic)


def _share_interval(kinds: list[str]) -> tuple[float, float]:
    from corpus_tools.statistics import share_interval
    return share_interval(kinds.count(FOLLOWS), len(kinds))


def _motifs(rows: Rows) -> Rows:
    import pandas as pd
    table = pd.DataFrame(rows)
    table['at'] = table['share'].map({0.5: 'low', 1.0: 'selected'})
    found = []
    for over in ('takes', 'queries'):
        asked = table['work'] == ASKED
        own = (table[asked].assign(work=table['take'].astype(str)) if over == 'takes'
               else table[~asked])
        for version in dict.fromkeys(table['version']):
            if over == 'takes' and version == QUERY:
                continue        # it has one take
            told = _difference(own[(own['version'] == version) & own['at'].notna()],
                               'mean_length_ql', 'at', 'selected', 'low')
            found.append(_row(
                'Motifs are shorter at a lower threshold', 'mean length in quarters at half the '
                f'selected threshold, less at it: {version}', over, told, _negative))
    return found


def _dynamics(found: dict[str, Any], further: Rows) -> Rows:
    import pandas as pd
    takes = [{'work': str(take), 'rate': rate, 'total_bits': one['total_bits'],
              'null_bits': one['null']['mean_bits'],
              'selected_threshold': one['selected_threshold']}
             for rate in ('full', '256 bits')
             for take, one in enumerate(found['latents'][f'received, {rate}'])]
    rows = []
    for table, over in ((pd.DataFrame(takes), 'takes'), (pd.DataFrame(further), 'queries')):
        table['beyond_bits'] = table['total_bits'] - table['null_bits']
        for name, what in (('total_bits', 'peak of the information rate'),
                           ('beyond_bits', 'the same beyond shuffled bars'),
                           ('selected_threshold', 'selected threshold')):
            rows.append(_row(
                'The bit rate changes the information dynamics of the latents',
                f'{what} at 256 bits, less full rate; what is received, cosine', over,
                _difference(table, name, 'rate', 'full', '256 bits'), _changed))
    return rows
