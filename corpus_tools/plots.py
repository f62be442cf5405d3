"""Plots of studies: groups with intervals, and measures along a parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from corpus_tools.statistics import summarise
from qbdi_m21.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Okabe & Ito (2008): colours that colour-blind people can tell apart; and shapes besides.
COLORS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000')
MARKERS = 'osD^vPX'


def plot_measure(ax: Axes, results: pd.DataFrame, measure: str, by: str, *,
                 color_by: str | None = None, min_works: int = 1, seed: int = 0) -> Axes:
    """Plot means and intervals of a measure over the groups of a column.

    Parameters
    ----------
    ax : matplotlib Axes
    results : DataFrame
    measure : str
    by : str
        Column on the horizontal axis: numbers make a line, other values a row of groups.
    color_by : str, optional
        Column that divides further.
    min_works : int
        Leave out groups of fewer works.
    seed : int
        Of the bootstrap.

    Returns
    -------
    matplotlib Axes
    """
    columns = [by] if color_by is None else [by, color_by]
    table = summarise(results, [measure], columns, min_works=min_works, seed=seed)
    if table.empty:
        raise ParameterError(f'no group of {by} has {min_works} works')
    places = _places(results[by][results[by].isin(table[by])])
    table = table[(table['works'] > 0) & table[by].notna()]
    numbers = list(places.values()) != list(range(len(places)))
    series = [(None, table)] if color_by is None else list(table.groupby(color_by, sort=True,
                                                                        dropna=False))
    for number, (name, own) in enumerate(series):
        shift = 0.0 if numbers else 0.12 * (number - (len(series) - 1) / 2)
        at = [places[value] + shift for value in own[by]]
        mean = own['mean'].to_numpy(dtype=float)
        below = (own['mean'] - own['low'].fillna(own['mean'])).to_numpy(dtype=float).clip(min=0)
        above = (own['high'].fillna(own['mean']) - own['mean']).to_numpy(dtype=float).clip(min=0)
        ax.errorbar(at, mean, yerr=[below, above], capsize=3,
                    fmt=MARKERS[number % len(MARKERS)] + ('-' if numbers else ''),
                    color=COLORS[number % len(COLORS)], label=None if name is None else str(name))
    if not numbers:
        counts = table.groupby(by, dropna=False)['works'].max()
        names = [f'{value} ({int(counts.get(value, 0))})' if str(value) else
                 f'none ({int(counts.get(value, 0))})' for value in places]
        many = len(names) > 5
        ax.set_xticks(list(places.values()), names, rotation=40 if many else 0,
                      ha='right' if many else 'center', rotation_mode='anchor')
        ax.set_xlim(-0.5, len(places) - 0.5)
    ax.set_xlabel(by)
    ax.set_ylabel(measure)
    if color_by is not None:
        ax.legend(title=color_by)
    return ax


def _places(values: pd.Series[Any]) -> dict[Any, float]:
    """Return where each value stands: numbers by themselves, others side by side, in order."""
    import pandas as pd
    unique = sorted(values.dropna().unique(), key=_order)
    if pd.api.types.is_numeric_dtype(values):
        return {value: float(value) for value in unique}
    return {value: float(place) for place, value in enumerate(unique)}


def _order(value: Any) -> tuple[int, float, str]:
    """Return the place of a value: numbers in texts count as numbers, 'full' comes last."""
    try:
        return 0, float(value), ''
    except (TypeError, ValueError):
        return 1, 0.0, str(value)


def plot_measures(results: pd.DataFrame, measures: Sequence[str], by: str, *,
                  color_by: str | None = None, title: str = '', min_works: int = 1,
                  seed: int = 0) -> Any:
    """Return a figure with a panel for each measure.

    Parameters
    ----------
    results : DataFrame
    measures : sequence of str
    by, color_by, min_works, seed
        As of :func:`plot_measure`.
    title : str

    Returns
    -------
    matplotlib Figure
        Error bars are 95 % bootstrap intervals of the mean; behind a group's name stands the number
        of works.
    """
    from matplotlib.figure import Figure
    columns = min(2, len(measures))
    lines = -(-len(measures) // columns)
    figure = Figure(figsize=(6.2 * columns, 3.6 * lines + 0.4), layout='constrained')
    axes = figure.subplots(lines, columns, squeeze=False)
    for place, measure in enumerate(measures):
        plot_measure(axes[place // columns][place % columns], results, measure, by,
                     color_by=color_by, min_works=min_works, seed=seed)
    for place in range(len(measures), lines * columns):
        axes[place // columns][place % columns].set_visible(False)
    if title:
        figure.suptitle(title)
    return figure
