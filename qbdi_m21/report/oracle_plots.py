"""Pictures of oracles and information rates: results in, matplotlib Axes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from qbdi_m21.analysis.information_rate import InformationRate
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.grid import Grid
from qbdi_m21.oracle.build import Oracle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Most measures that are numbered on an axis.
_TICKS = 24

#: Most frames of a self-similarity picture; of more, every second, third, ... is shown.
_CELLS = 2000


def new_axes(width: float = 9.0, height: float = 3.0) -> Axes:
    """Return the axes of a new figure."""
    from matplotlib.figure import Figure
    return Figure(figsize=(width, height), layout='constrained').subplots()


def plot_ir_curve(found: InformationRate, axes: Axes | None = None) -> Axes:
    """Plot the total information rate against the threshold (Dubnov 2019, figure 5).

    Parameters
    ----------
    found : InformationRate
        With its null model, if there is one: mean and range of the shuffled versions' peaks
        stand as a band.
    axes : Axes, optional
    """
    axes = axes or new_axes()
    axes.plot(found.thresholds, found.curve, color='#0072B2', linewidth=1.2, drawstyle='steps-mid')
    axes.axvline(found.selected, color='#D55E00', linestyle='--', linewidth=1,
                 label=f'selected: {found.selected:.3f}, {found.total_bits:.1f} bits')
    if found.null is not None:
        peaks = found.null.shuffled_bits
        axes.axhspan(peaks.min(), peaks.max(), color='#7F7F7F', alpha=0.25, linewidth=0,
                     label=f'peaks of {len(peaks)} shuffled versions '
                           f'(p = {found.null.p_value:.2f})')
        axes.axhline(found.null.mean_bits, color='#7F7F7F', linewidth=1)
    axes.set_xlabel('threshold')
    axes.set_ylabel('information rate, bits')
    axes.legend(fontsize=8)
    return axes


def plot_ir_profile(found: InformationRate, axes: Axes | None = None) -> Axes:
    """Plot the information rate over time, with measures on the axis (Dubnov 2019, figure 6).

    Parameters
    ----------
    found : InformationRate
    axes : Axes, optional
    """
    axes = axes or new_axes()
    axes.fill_between(np.arange(len(found.profile)), found.profile, step='post', color='#0072B2',
                      alpha=0.4, linewidth=0)
    axes.plot(np.arange(len(found.profile)), found.profile, color='#0072B2', linewidth=0.8,
              drawstyle='steps-post')
    axes.set_ylabel('information rate, bits')
    axes.set_xlim(0, len(found.profile))
    number_measures(axes, found.grid)
    return axes


def plot_oracle(oracle: Oracle, axes: Axes | None = None, *, min_lrs: int = 1,
                grid: Grid | None = None) -> Axes:
    """Plot an oracle as arcs from each state to the end of the passage that it repeats.

    Parameters
    ----------
    oracle : Oracle
    axes : Axes, optional
    min_lrs : int
        Shorter repeated suffixes are left out; the longer one is, the darker its arc.
    grid : Grid, optional
        Of the frames, for measures on the axis.
    """
    from matplotlib.patches import Arc
    axes = axes or new_axes(9, 4)
    longest = max(int(oracle.lrs.max()), 1)
    height = 1.0
    for state in range(1, oracle.num_states):
        link, length = int(oracle.suffix[state]), int(oracle.lrs[state])
        if link > 0 and length >= min_lrs:
            span = state - link
            height = max(height, span / 2)
            axes.add_patch(Arc(((state + link) / 2, 0), span, span, theta1=0, theta2=180,
                               color='#0072B2', linewidth=0.7,
                               alpha=0.15 + 0.85 * length / longest))
    axes.plot(np.arange(oracle.num_states), np.zeros(oracle.num_states), '.', markersize=2,
              color='black')
    axes.set_xlim(0, oracle.num_states)
    axes.set_ylim(-0.02 * height, 1.05 * height)
    axes.set_yticks([])
    number_measures(axes, grid)
    return axes


def plot_self_similarity(oracle: Oracle, axes: Axes | None = None, *,
                         grid: Grid | None = None) -> Axes:
    """Plot which frames have the same symbol, and darker which are in a repeated passage.

    Parameters
    ----------
    oracle : Oracle
    axes : Axes, optional
    grid : Grid, optional
        Of the frames, for measures on the axis.
    """
    axes = axes or new_axes(6, 6)
    step = -(-(oracle.num_states - 1) // _CELLS)
    symbols = oracle.symbol[1::step]
    cells = 0.35 * (symbols[:, None] == symbols).astype(np.float64)
    for state in range(1, oracle.num_states):
        length, link = int(oracle.lrs[state]), int(oracle.suffix[state])
        if length > 1:
            back = np.arange(length)
            one, two = (state - 1 - back) // step, (link - 1 - back) // step
            cells[one, two] = cells[two, one] = 1.0
    axes.imshow(cells, cmap='Greys', vmin=0, vmax=1, origin='lower', interpolation='nearest',
                extent=(0, oracle.num_states - 1, 0, oracle.num_states - 1))
    number_measures(axes, grid, _TICKS // 2)
    return axes


def plot_information(found: InformationRate) -> Sequence[Axes]:
    """Plot curve, profile, arcs and self-similarity of one piece, on a new figure."""
    from matplotlib.figure import Figure
    if found.oracle.num_states < 2:
        raise ParameterError('the oracle has no frame; expected one of a piece')
    figure = Figure(figsize=(13, 8), layout='constrained')
    axes = list(figure.subplots(2, 2).flat)
    plot_ir_curve(found, axes[0])
    plot_ir_profile(found, axes[1])
    whole = len(found.oracle.features) == len(found.profile)
    grid = found.grid if whole else None
    plot_oracle(found.oracle, axes[2], grid=grid)
    plot_self_similarity(found.oracle, axes[3], grid=grid)
    for axis, title in zip(axes, ('Information rate by threshold', 'Information rate over time',
                                  'Repeated suffixes', 'Self-similarity'), strict=True):
        axis.set_title(title, fontsize=10)
    return axes


def number_measures(axes: Axes, grid: Grid | None, most: int = _TICKS) -> None:
    """Put measure numbers on the time axis, not more than it has room for."""
    if grid is None:
        axes.set_xlabel('frame')
        return
    step = -(-len(grid.bars) // most)
    places = range(0, len(grid.bars), step)
    axes.set_xticks([int(grid.bar_starts[k]) for k in places],
                    [str(grid.bars[k].number) for k in places], fontsize=8)
    axes.set_xlabel('measure')
