"""What was found, in a few lines of text."""

from __future__ import annotations

from fractions import Fraction

from qbdi_m21.comparison import SIDES, Comparison

#: Above this share of matched pairs the summary warns of chance motifs.
UNRELIABLE = 0.25


def summarise(found: Comparison) -> list[str]:
    """Return the lines that the command line prints of a comparison."""
    bars = found.transmission.frames.grid.bars
    with_bits = int((found.transmission.bits > 0).sum())
    rate = found.transmission.rate
    lines = [
        f'{len(bars)} bars; query {found.num_notes["query"]} notes, improvisation '
        f'{found.num_notes["improvisation"]} notes',
        'channel: full rate' if rate == 'full' else
        f'channel: {rate} bits a bar on {with_bits} of {len(found.transmission.bits)} latents',
    ]
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
