"""The three channels at falling rates, beside their controls: the table of docs/rates.md.

    python benchmarks/channels.py QUERY [QUERY ...] [--model NAME] [--seeds 5]
                                  [--reading dubnov2019]

Prints means over seeds. Of the prior-preserving channel it also tests, two-sided, whether rate 0
differs from draws from the prior (Mann-Whitney on notes and chroma cosine), and says how far
notes are from those of full rate, and whether any mean of delivered bits exceeds the nominal ones.
"""

from __future__ import annotations

import argparse
import warnings

import qbdi_m21 as q
from qbdi_m21.frames.dubnov import dubnov_frames
from qbdi_m21.improvisation.rates import rate_name
from qbdi_m21.improvisation.sweep import PRIOR, QUERY

#: Channel and variance: ours; eqs 6-8 on the statistics of the query's encoder values, as the paper
#: reads; the same by the corpus's var(mu); the notebooks'.
CHANNELS = (('prior-preserving', 'corpus'), ('paper', 'sample'), ('paper', 'corpus'),
            ('notebook', 'posterior'))
COLUMNS = ('notes', 'silent_share', 'pitch_class_sets', 'chroma_cosine', 'tonnetz_distance',
           'tonnetz_by_circle', 'delivered_bits')


def load(source: str, reading: str):
    """Return a query; of a MIDI file by the author's reader, its whole bars from time 0."""
    if reading != 'dubnov2019':
        return q.load_score(source)
    return q.to_score(dubnov_frames(source))


def show(found: q.Sweep, title: str) -> None:
    """Print one line for each rate, and for each control at full rate."""
    means = {(r['control'], r['rate'], r['measure']): r['mean'] for r in found.summary()}
    print(f'\n{title}\n{"":24}' + ''.join(f'{name[:16]:>18}' for name in COLUMNS))
    groups = dict.fromkeys((row.control, row.rate) for row in found.rows)
    full = rate_name(found.rates[0])
    for control, rate in groups:
        if control in (QUERY, PRIOR) or rate == full:
            values = [means[control, rate, name] for name in COLUMNS]
            print(f'{control:12}{rate:12}' + ''.join(
                f'{"-" if v is None else format(v, ".3f"):>18}' for v in values))


def check(found: q.Sweep) -> None:
    """Print what must hold of the prior-preserving channel."""
    from scipy.stats import mannwhitneyu
    for name in ('notes', 'chroma_cosine'):
        zero, prior = (found.column(name, control=QUERY, rate='0 bits'),
                       found.column(name, control=PRIOR))
        print(f'0 bits against the prior, {name}: p = {mannwhitneyu(zero, prior).pvalue:.2f}')
    rows = {(r['rate'], r['measure']): r['mean'] for r in found.summary()
            if r['control'] == QUERY}
    names = [rate_name(rate) for rate in found.rates]
    full = rows[names[0], 'notes']
    print('notes beside full rate: ' + ', '.join(
        f'{rows[name, "notes"] / full - 1:+.0%}' for name in names))
    over = [name for name in names[1:]
            if rows[name, 'delivered_bits'] > rows[name, 'nominal_bits'] + 1e-9]
    print(f'delivered more than nominal at: {", ".join(over) or "no rate"}')


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('queries', nargs='+')
    parser.add_argument('--model', default='chorales')
    parser.add_argument('--seeds', type=int, default=5)
    parser.add_argument('--reading', default='score', choices=['score', 'dubnov2019'])
    parser.add_argument('--ours', action='store_true', help='only the prior-preserving channel')
    options = parser.parse_args()
    warnings.simplefilter('ignore', q.QbdiWarning)
    model = q.load_model(options.model)
    for source in options.queries:
        query = load(source, options.reading)
        for channel, variance in CHANNELS[:1] if options.ours else CHANNELS:
            found = q.sweep(query, model, seeds=options.seeds, channel=channel,
                            variance=variance)
            show(found, f'{options.model}, {source}: {channel}, variance of the {variance}')
            if channel == 'prior-preserving':
                check(found)


if __name__ == '__main__':
    main()
