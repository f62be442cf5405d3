"""What was found, in a few lines of text."""

from __future__ import annotations

from fractions import Fraction

from qbdi_m21.comparison import SIDES, Comparison
from qbdi_m21.improvisation.rates import rate_name
from qbdi_m21.improvisation.transmission import Transmission

#: Above this share of matched pairs the summary warns of chance motifs.
UNRELIABLE = 0.25


def summarise(found: Comparison) -> list[str]:
    """Return the lines that the command line prints of a comparison."""
    lines = [
        f'{len(found.grid.bars)} bars; query {found.num_notes["query"]} notes, improvisation '
        f'{found.num_notes["improvisation"]} notes']
    lines += [_channel(sent, found.recipe['channel']) for sent in found.transmissions]
    for side in SIDES:
        ir = found.information_rate[side]
        lines.append(f'information rate of the {side}: {ir.total_bits:.1f} bits at threshold '
                     f'{ir.selected:.3f}')
        if ir.matched_share > UNRELIABLE:
            lines.append(f'  note: {ir.matched_share:.0%} of its different frames count as equal '
                         'at this threshold: motifs can be chance')
    for side in SIDES:
        motifs = found.motifs[side]
        names = '; '.join(
            f'{m.label} ({float(m.length_ql):g} quarters) at m. '
            + ', '.join(str(o.measure) for o in m.occurrences) for m in motifs)
        lines.append(f'motifs of the {side}: {names or "none"}')
    clashes = [hit for hit in found.collisions if hit.kind != 'meeting']
    line = f'harmonic collisions: {len(clashes)}, meetings: {len(found.collisions) - len(clashes)}'
    if clashes:
        worst = max(clashes, key=lambda hit: hit.severity)
        line += (f'; worst at m. {worst.measure}, beat {_beat(worst.beat)} (severity '
                 f'{worst.severity:.2f}): {worst.improvisation_harmony} over '
                 f'{worst.query_harmony}')
    return [*lines, line]


def _beat(beat: Fraction) -> str:
    return f'{float(beat):g}'


def _channel(sent: Transmission, channel: str) -> str:
    """Return what was asked of the channel and what arrived, bits a window in the mean."""
    asked = list(dict.fromkeys(sent.rates))
    rates = ', '.join(rate_name(rate) for rate in asked[:4]) + (', ...' if asked[4:] else '')
    of = f' of {", ".join(sent.parts)}' if sent.parts else ''
    with_bits = int((sent.bits > 0).any(axis=0).sum())
    return (f'channel{of} ({channel}): rate {rates}; {sent.delivered_bits.mean():.1f} bits a bar '
            f'delivered of {sent.full_bits.mean():.1f} at full rate, on {with_bits} of '
            f'{sent.bits.shape[1]} latents')
