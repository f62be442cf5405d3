"""The report: tables and figures of an experiment, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from corpus_tools.reproduce.appendices import CANDIDATES, channel_curves, gaps, networks
from corpus_tools.reproduce.claims import FOLLOWS, OTHER, STAYS, in_own_key, key_change
from corpus_tools.reproduce.experiment import Experiment
from corpus_tools.reproduce.material import ASKED
from corpus_tools.reproduce.questions import answers
from qbdi_m21.files import write_aside
from qbdi_m21.improvisation.sweep import interval

#: Counts, which depend on a query's length; and what can be averaged over queries.
_COUNTS = ('notes', 'pitch_class_sets')
_SHARES = ('triad_entropy_bits', 'chroma_cosine', 'tonnetz_distance', 'tonnetz_by_circle',
           'chord_agreement', 'silent_share', 'delivered_bits')


def write_report(experiment: Experiment, found: dict[str, Any], folder: Path) -> Path:
    """Write ``report.md`` and return its path."""
    model = found['model']
    loss, count = (interval([one['negative_elbo_nats'] for one in model['networks']]),
                   len(model['networks']))
    told = [
        '# Query-based deep improvisation (Dubnov 2019), done again', '',
        f'{experiment.title}. The paper\'s network, {model["updates"]} updates on {model["works"]} '
        f'works ({model["bars"]} bars), trained {count} times: -ELBO {_spread(loss)} nats a bar (D '
        f'{_mean(model["networks"], "distortion_nats"):.1f}, R '
        f'{_mean(model["networks"], "rate_nats"):.1f}), on what it has learned.', '',
        '## Claims', '',
        f'Take k is of network k and of its own noise (networks go round: there are {count}); '
        'further queries go round the networks, too. The interval is one of 95 %, over takes or '
        'queries. "Holds" and "does not hold" say that it excludes zero (or, of a share, one half) '
        'and that the permutation test agrees (p < .05, corrected by Holm for the tests of the '
        'claim); fewer than five decide nothing.', '',
        *_claims(found['claims']), '',
        '## Rates and channels', '', f'The query, {experiment.takes} takes at each rate: means ± '
        'standard deviations. The Tonnetz distance is in six dimensions, or the mean over its '
        'three circles.',
        '', *_means(found['rates'], (*_COUNTS, *_SHARES)), '', '![Rates](rates.png)', '',
        *_queries(found['queries']), '', '## Keys of transposed queries', '',
        'Improvisations whose key signature is the query\'s own; and whether it moves with a query '
        'that is transposed (follows), stays, or does neither.', '', *_keys(found['keys']), '',
        '## Figures 2 and 3: improvisation above, query below', '',
        'Take 0, at full rate and at 256 bits through two channels. Collisions and meetings, '
        'beside those of the same improvisation with its bars shuffled (mean ± standard '
        'deviation):', '', *_versions(found['versions']), '',
        *[f'- [{path.name}]({path.name})' for path in sorted(folder.glob('figure[23]*.mxl'))],
        *[f'\n![{path.stem}]({path.name})' for path in _first_pages(folder)],
        '', '## Figure 4: motifs', '', 'Take 0. How long motifs are beside those of shuffled bars '
        'is in the table of claims.', '', '![Motifs](figure4-motifs.png)', '',
        '## Figure 5: information rate by threshold', '', 'Of the surface, take 0; grey: the same '
        'with bars shuffled.', '',
        '![Information rate by threshold](figure5-information-rate.png)', '',
        '## Figure 6: information rate of latents', '', '![Latents](figure6-latents.png)', '',
        'The figure shows take 0; means over takes, and of each with its bars shuffled:', '',
        *_latents(found['information']), '',
        '## Appendix A: bounds', '', '![Bounds](appendixA-bounds.png)', '',
        *_bounds(found['bounds']), '',
        '## Appendix B: a weight on the future (eq 25)', '',
        'Networks that learned two thirds of the works, measured on the others. I(Z, Y): what a '
        'sample of the latents tells of the next bar\'s, and I(X, Y) what the bar itself does, '
        f'both lower bounds (InfoNCE among {CANDIDATES}, at most {np.log2(CANDIDATES):g} bits); '
        'I(X, Y | Z) is their difference, an estimate and no bound. Information '
        'rates of the query\'s latents and of the improvisation at 256 bits (prior-preserving '
        'channel), beyond those of shuffled bars.',
        '', *_future(found['future']), '',
        '## Open questions', '',
        'The query and the further ones: means of both ways, and the mean difference over queries; '
        'p is that of one test, and not corrected.', '', *_questions(found['questions'])]
    path = folder / 'report.md'
    with write_aside(path) as aside:
        aside.write_text('\n'.join(told) + '\n', encoding='utf-8')
    return path


def _first_pages(folder: Path) -> list[Path]:
    """Return the pictures of the scores' first pages, if a notation program was there."""
    return [path for path in sorted(folder.glob('figure[23]-*.png'))
            if not path.stem[-1].isdigit() or path.stem.endswith('-1')]


def _table(head: list[str], rows: list[list[Any]]) -> list[str]:
    return [f'| {" | ".join(head)} |', f'|{"---|" * len(head)}',
            *[f'| {" | ".join(_cell(value) for value in row)} |' for row in rows]]


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return '-'
    if isinstance(value, float):
        return f'{value:.0f}' if abs(value) >= 100 else f'{value:.3g}'
    return str(value)


def _between(told: dict[str, Any]) -> str:
    """Return an interval."""
    return '-' if told['low'] is None else f'{_cell(told["low"])} to {_cell(told["high"])}'


def _claims(rows: list[dict[str, Any]]) -> list[str]:
    return _table(['claim', 'test', 'over', 'effect', 'interval', 'p', 'verdict'], [
        [row['claim'], row['test'], f'{row["number"]} {row["over"]}', row['effect'],
         _between(row), row['p'],
         row['verdict'] + (f': {row["why"]}' if row['why'] else '')] for row in rows])


def _mean(rows: list[dict[str, Any]], name: str) -> float | None:
    values = [row[name] for row in rows if row[name] is not None]
    return float(np.mean(values)) if values else None


def _means(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> list[str]:
    """Return a table of means by channel, control and rate."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        if row['control'] in ('query', 'prior') or row['rate'] == 'full':
            groups.setdefault((row['channel'], row['control'], row['rate']), []).append(row)
    return _table(['channel', 'control', 'rate', *columns], [
        [*group, *(_beside([row[name] for row in own]) for name in columns)]
        for group, own in groups.items()])


def _beside(values: Sequence[float | None]) -> str:
    """Return mean and standard deviation."""
    there = [value for value in values if value is not None]
    if not there:
        return '-'
    spread = f' ± {_cell(float(np.std(there, ddof=1)))}' if len(there) > 1 else ''
    return _cell(float(np.mean(there))) + spread


def _queries(rows: list[dict[str, Any]]) -> list[str]:
    works = len({row['work'] for row in rows})
    return [f'{works} further queries of music21\'s corpus: means.', '',
            *_means(rows, _SHARES)]


def _keys(rows: list[dict[str, Any]]) -> list[str]:
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        whose = 'the query' if row['work'] == ASKED else 'further queries'
        groups.setdefault((whose, row['rate'], row['semitones']), []).append(row)
    kinds = (FOLLOWS, STAYS, OTHER)
    return _table(['of', 'rate', 'semitones', 'takes', "the query's own", *kinds], [
        [*group, len(own), sum(map(in_own_key, own)),
         *(sum(key_change(row) == kind for row in own) for kind in kinds)]
        for group, own in sorted(groups.items(), key=lambda item: item[0][0], reverse=True)])


def _versions(found: dict[str, Any]) -> list[str]:
    kinds = ('collisions', 'meetings')
    return _table(['version', *(part for kind in kinds for part in (kind, 'shuffled'))], [
        [name, *(part for kind in kinds for part in (one[kind], _beside(one['shuffled'][kind])))]
        for name, one in found.items()])


def _latents(found: dict[str, Any]) -> list[str]:
    rows = []
    for name, takes in found['latents'].items():
        def mean(value: Any, takes: Any = takes) -> float:
            return float(np.mean([value(one) for one in takes]))
        rows.append([name, len(takes), mean(lambda one: one['selected_threshold']),
                     mean(lambda one: one['total_bits']),
                     mean(lambda one: one['null']['mean_bits']),
                     mean(lambda one: one['null']['sd_bits']),
                     ' to '.join(_cell(mean(lambda one, k=k: one['reaches'][k])) for k in (0, 1))
                     if all(one['reaches'] for one in takes) else '-',
                     mean(lambda one: max(one['profile']))])
    noise = found['gaussian']
    rows.append(['independent Gaussian vectors', len(noise), None, float(np.mean(noise)), None,
                 float(np.std(noise, ddof=1)) if len(noise) > 1 else None, '-', None])
    return _table(['latents (cosine)', 'takes', 'threshold', 'peak bits', 'shuffled bars', 'sd',
                   'thresholds with information', 'most bits in a bar'], rows)


def _bounds(found: list[Any]) -> list[str]:
    table = networks(found)
    told = _table(['beta', 'updates', 'H - D', 'I', 'R', 'R that arrives', 'D', 'H'], [
        [row['beta'], int(row['updates']), row['data_entropy_bits'] - row['distortion_bits'],
         row['mutual_information_bits'], row['rate_bits'], row['arriving_bits'],
         row['distortion_bits'], row['data_entropy_bits']] for row in table.to_dict('records')])
    apart = gaps(found)
    channel = _table(['channel', 'asked', 'R that arrives', 'D', 'D less that of beta-VAEs'], [
        [name, row['rate'], row['rate_bits'], row['distortion_bits'],
         _spread(interval(apart[row['rate']]))
         if name == 'prior-preserving' and row['rate'] in apart else '-']
        for name, curve in channel_curves(found).items() for row in curve.to_dict('records')])
    return [f'Means over {len(found)} trainings, bits a bar, of bars that were learned. '
            f'{_held(found)} R is against the prior; R that arrives, as that of the channel, '
            "against a Gaussian of the latents' own variance.", '', *told, '',
            'One network (beta 1) behind a channel, beside networks that were trained for that '
            'rate (the logarithm of D goes straight between them):', '', *channel, '',
            _verdict(apart)]


def _held(found: list[Any]) -> str:
    """Say at how many networks H - D <= I <= R, of I as it is estimated."""
    rows = [row for one in found for row in one['networks']]
    below = sum(row['data_entropy_bits'] - row['distortion_bits']
                <= row['mutual_information_bits'] for row in rows)
    above = sum(row['mutual_information_bits'] <= row['rate_bits'] for row in rows)
    error = max(row['mutual_information_error'] for row in rows)
    return (f'Of {len(rows)} networks, H - D is at most I in {below}, and I is at most R in '
            f'{above}; I is estimated by Monte Carlo (standard error at most {error:.2g} bits).')


def _questions(rows: list[dict[str, Any]]) -> list[str]:
    return _table(['question', 'from', 'to', 'difference', 'interval', 'p', 'queries'], [
        [row['question'], row['from'], row['to'], row['difference'],
         _between(row), row['p'], row['number']] for row in answers(rows)])


def _future(found: list[Any]) -> list[str]:
    columns = {'D': 'distortion_bits', 'R': 'rate_bits', 'I(Z, Y)': 'latent_bits',
               'I(X, Y)': 'surface_bits', 'I(X, Y given Z)': 'remaining_bits',
               'IR of latents beyond shuffled': 'latents_beyond_bits',
               'IR of improvisation beyond shuffled': 'improvisation_beyond_bits'}
    weights = [row['future'] for row in found[0]]
    means = [[weight, *(_spread(interval([one[place][name] for one in found]))
                        for name in columns.values())] for place, weight in enumerate(weights)]
    # of one training, each weight against the first
    changes = [[weight, *(_spread(interval([
        None if one[place][name] is None else one[place][name] - one[0][name] for one in found]))
        for name in columns.values())] for place, weight in enumerate(weights) if place]
    what = 'Means, with intervals of 95 % (Student\'s t),' if len(found) > 1 else 'Values'
    return [f'{what} over {len(found)} trainings, in bits.',
            '', *_table(['gamma', *columns], means), '',
            f'Changes from gamma {weights[0]:g}, training by training:', '',
            *_table(['gamma', *columns], changes)]


def _spread(told: dict[str, Any]) -> str:
    """Return a mean and its interval."""
    if told['low'] is None:
        return _cell(told['mean'])
    return f'{_cell(told["mean"])} ({_between(told)})'


def _verdict(apart: dict[str, list[float]]) -> str:
    """Say at which rates that both have which of the two reaches lower D."""
    told: dict[str, list[str]] = {}
    for rate, values in apart.items():
        one = interval(values)
        known = one['low'] is not None and (one['low'] > 0 or one['high'] < 0)
        who = ('neither is shown to be lower' if not known else
               'the beta-VAEs reach lower D' if one['mean'] > 0 else 'the channel reaches lower D')
        told.setdefault(who, []).append(rate)
    if not told:
        return 'The rates of the two do not overlap: nothing can be said of equal R.'
    parts = '; '.join(f'{who} at {", ".join(rates)}' for who, rates in told.items())
    return f'At equal R: {parts} (asked of the channel).'
