"""The report: tables and figures of an experiment, in Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from corpus_tools.reproduce.experiment import Experiment
from corpus_tools.reproduce.figures import bound_figure
from corpus_tools.reproduce.questions import answers
from qbdi_m21.files import write_aside

_COLUMNS = ('notes', 'pitch_class_sets', 'chroma_cosine', 'tonnetz_distance', 'silent_share',
            'delivered_bits')


def write_report(experiment: Experiment, found: dict[str, Any], folder: Path) -> Path:
    """Write ``report.md`` and return its path."""
    bound_figure(found['bounds'], folder)
    model = found['model']
    told = [
        '# Query-based deep improvisation (Dubnov 2019), done again', '',
        f'{experiment.title}. The paper\'s network, {model["updates"]} updates on {model["works"]} '
        f'works ({model["bars"]} bars): D {model["distortion_nats"]:.1f}, R '
        f'{model["rate_nats"]:.1f}, -ELBO {model["negative_elbo_nats"]:.1f} nats a bar, on what '
        'it has learned.', '',
        '## Claims', '',
        'The interval is one of 95 %, over takes, queries or motifs. "Holds" and "does not hold" '
        'say that it excludes zero (or, of a share, one half) and the permutation test agrees '
        '(p < .05); fewer than five decide nothing.', '',
        *_claims(found['claims']), '',
        '## Rates and channels', '', f'The query, {experiment.seeds} takes at each rate: means.',
        '', *_rates(found['rates']), '', '![Rates](rates.png)', '',
        *_queries(found['queries']), '',
        '## Figures 2 and 3: improvisation above, query below', '',
        *[f'- [{path.name}]({path.name})' for path in sorted(folder.glob('figure[23]*.mxl'))],
        *[f'\n![{path.stem}]({path.name})' for path in _first_pages(folder)],
        '', '## Figure 4: motifs', '', '![Motifs](figure4-motifs.png)', '',
        '## Figure 5: information rate by threshold', '',
        '![Information rate by threshold](figure5-information-rate.png)', '',
        '## Figure 6: information rate of latents', '', '![Latents](figure6-latents.png)', '',
        *_latents(found['information']), '',
        '## Appendix A: bounds', '', '![Bounds](appendixA-bounds.png)', '',
        *_bounds(found['bounds']), '',
        '## Appendix B: a weight on the future (eq 25)', '',
        'I(Z, Y): what a sample of the latents tells of the next bar\'s, and I(X, Y) what the bar '
        'itself does, both lower bounds (InfoNCE among 64, at most 6 bits) on works that the '
        'predictor has not seen; I(X, Y | Z) is their difference. Information rates of the '
        'query\'s latents and of the improvisation at 256 bits, with shuffled bars beside. One '
        'training each.', '', *_future(found['future']), '',
        '## Open questions', '',
        'The query and the further ones: means of both ways, and the mean difference over queries.',
        '', *_questions(found['questions'])]
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


def _claims(rows: list[dict[str, Any]]) -> list[str]:
    return _table(['claim', 'test', 'over', 'effect', 'interval', 'p', 'verdict'], [
        [row['claim'], row['test'], f'{row["number"]} {row["over"]}', row['effect'],
         '-' if row['low'] is None else f'{_cell(row["low"])} to {_cell(row["high"])}', row['p'],
         row['verdict'] + (f': {row["why"]}' if row['why'] else '')] for row in rows])


def _mean(rows: list[dict[str, Any]], name: str) -> float | None:
    values = [row[name] for row in rows if row[name] is not None]
    return float(np.mean(values)) if values else None


def _rates(rows: list[dict[str, Any]]) -> list[str]:
    groups = dict.fromkeys((row['channel'], row['control'], row['rate']) for row in rows)
    shown = [group for group in groups if group[1] in ('query', 'prior') or group[2] == 'full']
    return _table(['channel', 'control', 'rate', *_COLUMNS], [
        [*group, *(_mean([row for row in rows if (row['channel'], row['control'], row['rate'])
                          == group], name) for name in _COLUMNS)] for group in shown])


def _queries(rows: list[dict[str, Any]]) -> list[str]:
    works = len({row['work'] for row in rows})
    groups = dict.fromkeys((row['channel'], row['control'], row['rate']) for row in rows)
    return [f'{works} further queries of music21\'s corpus: means.', '', *_table(
        ['channel', 'control', 'rate', *_COLUMNS[2:]], [
            [*group, *(_mean([row for row in rows if (
                row['channel'], row['control'], row['rate']) == group], name)
                for name in _COLUMNS[2:])]
            for group in groups if group[1] in ('query', 'prior') or group[2] == 'full'])]


def _latents(found: dict[str, Any]) -> list[str]:
    rows = []
    for name, takes in found['latents'].items():
        def mean(value: Any, takes: Any = takes) -> float:
            return float(np.mean([value(one) for one in takes]))
        rows.append([name, len(takes), mean(lambda one: one['selected_threshold']),
                     mean(lambda one: one['total_bits']),
                     mean(lambda one: one['null']['mean_bits']),
                     mean(lambda one: one['null']['sd_bits']),
                     f'{mean(lambda one: one["reaches"][0]):.2f} to '
                     f'{mean(lambda one: one["reaches"][1]):.2f}',
                     mean(lambda one: max(one['profile']))])
    noise = found['gaussian']
    rows.append(['independent Gaussian vectors', len(noise), None, float(np.mean(noise)), None,
                 float(np.std(noise, ddof=1)) if len(noise) > 1 else None, '-', None])
    return _table(['latents (cosine)', 'takes', 'threshold', 'peak bits', 'shuffled bars', 'sd',
                   'thresholds with information', 'most bits in a bar'], rows)


def _bounds(found: dict[str, Any]) -> list[str]:
    networks = _table(['', 'beta', 'updates', 'H - D', 'I', 'R', 'D', 'H'], [
        [row['kind'], row['beta'], row['updates'], row['lower_bound_bits'],
         row['mutual_information_bits'], row['rate_bits'], row['distortion_bits'],
         row['data_entropy_bits']] for row in found['networks']])
    channel = _table(['channel', 'asked', 'R that arrives', 'D'], [
        [row['channel'], row['rate'], row['rate_bits'], row['distortion_bits']]
        for row in found['channel']])
    return [*networks, '', 'One network (beta 1) behind a channel, bits a bar:', '', *channel, '',
            _verdict(found)]


def _questions(rows: list[dict[str, Any]]) -> list[str]:
    return _table(['question', 'from', 'to', 'difference', 'interval', 'p', 'queries'], [
        [row['question'], row['from'], row['to'], row['difference'],
         '-' if row['low'] is None else f'{_cell(row["low"])} to {_cell(row["high"])}', row['p'],
         row['number']] for row in answers(rows)])


def _future(rows: list[dict[str, Any]]) -> list[str]:
    def spread(row: dict[str, Any], name: str) -> str:
        return f'{_cell(row[f"{name}_null_bits"])} ± {_cell(row[f"{name}_null_sd"])}'

    return _table(['gamma', 'D', 'R', 'I(Z, Y)', 'I(X, Y)', 'I(X, Y given Z)', 'IR of latents',
                   'shuffled', 'IR of improvisation', 'shuffled'], [
        [row['future'], row['distortion_bits'], row['rate_bits'], row['latent_bits'],
         row['surface_bits'], row['remaining_bits'], row['latents_ir_bits'],
         spread(row, 'latents'), row['improvisation_ir_bits'], spread(row, 'improvisation')]
        for row in rows])


def _verdict(found: dict[str, Any]) -> str:
    """Say which of the two reaches lower D at equal R, where their rates overlap."""
    last = max(row['updates'] for row in found['networks'])
    family = sorted((row['rate_bits'], row['distortion_bits']) for row in found['networks']
                    if row['updates'] == last)
    own = [(row['rate_bits'], row['distortion_bits'], row['rate']) for row in found['channel']
           if row['channel'] == 'prior-preserving']
    rates, distortions = np.array(family).T
    inside = [(rate, d, float(np.interp(rate, rates, distortions))) for rate, d, _ in own
              if rates[0] <= rate <= rates[-1]]
    if not inside:
        return 'The rates of the two do not overlap: nothing can be said of equal R.'
    gaps = [d - other for _, d, other in inside]
    who = 'The beta-VAEs reach' if np.mean(gaps) > 0 else 'The channel reaches'
    return (f'{who} lower D at equal R: the channel on one VAE is at {np.mean(gaps):+.1f} bits a '
            f'bar (mean over {len(inside)} rates, from {inside[-1][0]:.0f} to '
            f'{inside[0][0]:.0f} bits; one training each, no interval).')
