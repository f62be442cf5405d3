"""The paper's claims that can be tested: the test, its controls, the interval, the verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from corpus_tools.reproduce.material import ASKED
from corpus_tools.reproduce.measurements import Rows
from corpus_tools.reproduce.versions import FULL, IMPROVISED
from corpus_tools.reproduce.versions import QUERY as SOURCE
from qbdi_m21.improvisation.measures import MAJOR, MINOR
from qbdi_m21.improvisation.sweep import PRIOR, QUERY, SHUFFLED

#: Fewer takes or queries decide nothing.
FEWEST = 5

#: Of the permutation test, corrected (Holm) for the tests of one claim.
LEVEL = 0.05

#: What the key of an improvisation does when its query is transposed.
FOLLOWS, STAYS, OTHER = 'follows', 'stays', 'neither'

Judge = Callable[[dict[str, Any]], str]

HOLDS, NOT, OPEN, CONFOUNDED = 'holds', 'does not hold', 'not decided', 'confounded'


def measure_claims(found: dict[str, Any]) -> Rows:
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
    from corpus_tools.statistics import correct
    tested = [row for row in rows if row['p'] is not None]
    corrected = correct([row['p'] for row in tested]) if tested else ()
    for row, p in zip(tested, corrected, strict=True):
        row['p'] = float(p)
    for row in rows:
        judge = row.pop('judge')
        known = row['number'] >= FEWEST and row['low'] is not None
        unlikely = row['p'] is None or row['p'] < LEVEL
        row['verdict'] = judge(row) if known and unlikely else OPEN
        if row['verdict'] == OPEN:
            row['why'] = ''
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
        for channel in ('paper', 'prior-preserving'):
            own = made[made.channel == channel]
            silent = _difference(own, 'silent_share', 'rate', 'full', '256 bits')
            quiet = silent['low'] is not None and silent['low'] > 0
            rows.append(_row(
                claim, f'different pitch-class sets at 256 bits, less full rate; {channel} channel',
                over, _difference(own, 'pitch_class_sets', 'rate', 'full', '256 bits'),
                _fewer_but_silent if quiet else _negative,
                f'{100 * silent["effect"]:.0f} % more of the frames are silent' if quiet else ''))
            for rate in ('256 bits', '64 bits'):
                rows.append(_row(
                    claim, 'entropy in bits of the triads of beats by the probabilities of notes, '
                    f'silent or not, at {rate}, less full rate; {channel} channel',
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
    table['beyond_ql'] = table['length_ql'] - table['shuffled_length_ql']
    found = []
    for over in ('takes', 'queries'):
        asked = table['work'] == ASKED
        own = (table[asked].assign(work=table['take'].astype(str)) if over == 'takes'
               else table[~asked])
        for version in dict.fromkeys(table['version']):
            if over == 'takes' and version == SOURCE:
                continue        # it has one take
            for name, what in (
                    ('length_ql', 'mean length of repeated patterns in quarters at half the '
                                  'selected threshold, less at it'),
                    ('beyond_ql', 'the same, less that with bars shuffled')):
                told = _difference(own[own['version'] == version], name, 'at', 'selected', 'lower')
                found.append(_row('Motifs are shorter at a lower threshold', f'{what}: {version}',
                                  over, told, _negative))
    return found


def _dynamics(found: dict[str, Any], further: Rows) -> Rows:
    import pandas as pd
    takes = [{'work': str(take), 'version': version, 'total_bits': one['total_bits'],
              'null_bits': one['null']['mean_bits'],
              'selected_threshold': one['selected_threshold']}
             for version in IMPROVISED for take, one in enumerate(found['latents'][version])]
    rows = []
    for table, over in ((pd.DataFrame(takes), 'takes'), (pd.DataFrame(further), 'queries')):
        table['beyond_bits'] = table['total_bits'] - table['null_bits']
        for limited in IMPROVISED:
            if limited == FULL:
                continue
            for name, what in (('total_bits', 'peak of the information rate'),
                               ('beyond_bits', 'the same beyond shuffled bars'),
                               ('selected_threshold', 'selected threshold')):
                rows.append(_row(
                    'The bit rate changes the information dynamics of the latents',
                    f'{what}: {limited}, less full rate; what is received, cosine', over,
                    _difference(table, name, 'version', FULL, limited), _changed))
    return rows
