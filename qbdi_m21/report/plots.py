"""Plots: results in, matplotlib Axes out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qbdi_m21.errors import ParameterError
from qbdi_m21.files import write_aside
from qbdi_m21.improvisation.rates import rate_name
from qbdi_m21.improvisation.sweep import PRIOR, QUERY, SHUFFLED, TRANSPOSED, Sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: What :func:`plot_sweep` shows: column, title, unit.
PANELS = (('delivered_bits', 'Delivered', 'bits a bar'), ('notes', 'Notes', ''),
          ('chroma_cosine', 'Chroma cosine with the query', ''),
          ('tonnetz_distance', 'Tonnetz distance to the query', ''),
          ('onset_agreement', 'Onset agreement with the query', 'F1'),
          ('pitch_class_sets', 'Different pitch-class sets', ''),
          ('chord_entropy_bits', 'Chord entropy', 'bits'),
          ('ir_bits', 'Information rate, peak', 'bits'))

#: Marker, line and colour (Okabe & Ito) of each: told apart without colour too.
STYLES = {QUERY: ('o', '-', '#0072B2'), TRANSPOSED: ('^', '--', '#E69F00'),
          SHUFFLED: ('s', ':', '#009E73')}
PRIOR_COLOR = '#7F7F7F'


def plot_sweep(sweep: Sweep, axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """Plot measures of a sweep against the rate, with 95 % intervals over the seeds.

    Parameters
    ----------
    sweep : Sweep
    axes : sequence of 8 Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    sequence of Axes
        Of each measure in `PANELS`: the improvisation and its controls, and draws from the
        prior as a band.
    """
    from matplotlib.figure import Figure
    if axes is None:
        axes = list(Figure(figsize=(14, 7), layout='constrained').subplots(2, 4).flat)
    if len(axes) != len(PANELS):
        raise ParameterError(f'{len(axes)} axes were given; expected {len(PANELS)}')
    found = {(row['control'], row['rate'], row['measure']): row for row in sweep.summary()}
    names = [rate_name(rate) for rate in sweep.rates]
    for axis, (measure, title, unit) in zip(axes, PANELS, strict=True):
        prior = found[PRIOR, '', measure]
        if prior['mean'] is not None:
            axis.axhline(prior['mean'], color=PRIOR_COLOR, linewidth=1, label='prior')
            axis.axhspan(_bound(prior, 'low'), _bound(prior, 'high'), color=PRIOR_COLOR,
                         alpha=0.25, linewidth=0)
        for shift, (control, (marker, line, color)) in enumerate(STYLES.items()):
            rows = [found[control, name, measure] for name in names]
            there = [k for k, row in enumerate(rows) if row['mean'] is not None]
            means = [rows[k]['mean'] for k in there]
            halves = [rows[k]['mean'] - _bound(rows[k], 'low') for k in there]
            axis.errorbar([k + 0.08 * (shift - 1) for k in there], means, yerr=halves,
                          marker=marker, linestyle=line, color=color, capsize=2, markersize=4,
                          linewidth=1.2, label=control)
        axis.set_xlim(-0.5, len(names) - 0.5)
        axis.set_xticks(range(len(names)), names, rotation=45, ha='right', fontsize=8)
        axis.set_title(title, fontsize=10)
        axis.set_ylabel(unit, fontsize=8)
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    return axes


def save_figure(axes: Sequence[Axes] | Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure, or that of axes, as PNG, SVG or PDF: the same bytes each time."""
    from matplotlib import rc_context
    figure: Any = axes[0].get_figure() if isinstance(axes, Sequence) else axes
    drawn: Figure = figure
    kind = Path(path).suffix.lower().removeprefix('.') or 'png'
    # what tells the program or the time
    told = {'png': {'Software': None}, 'svg': {'Date': None},
            'pdf': {'CreationDate': None}}.get(kind)
    with write_aside(Path(path)) as aside, rc_context({'svg.hashsalt': 'qbdi_m21'}):
        drawn.savefig(aside, dpi=150, format=kind, metadata=told)


def _bound(row: dict[str, Any], name: str) -> float:
    """Return an end of an interval, or the mean where one seed gives none."""
    return float(row['mean'] if row[name] is None else row[name])
