"""Groups of works compared: intervals, permutation tests, effect sizes, correction."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from corpus_tools.manifest import check_columns
from qbdi_m21.errors import CorpusError, ParameterError

if TYPE_CHECKING:
    import pandas as pd

FloatArray = npt.NDArray[np.float64]

#: Resamples of an interval, and permutations of a test.
RESAMPLES = 9999

#: From so many works on an interval takes fewer resamples, and needs no correction.
MANY = 2000

#: Corrections for many tests that statsmodels knows, and none.
CORRECTIONS = ('holm', 'fdr_bh', 'bonferroni', 'none')


def summarise(results: pd.DataFrame, measures: Sequence[str], by: Sequence[str] = (), *,
              confidence: float = 0.95, min_works: int = 1, seed: int = 0) -> pd.DataFrame:
    """Return mean, interval and spread of measures in groups of works.

    Parameters
    ----------
    results : DataFrame
        Of :func:`corpus_tools.results.read_results`.
    measures : sequence of str
        Columns with numbers.
    by : sequence of str
        Columns whose values make the groups.
    confidence : float
        Of the interval of the mean.
    min_works : int
        Leave out groups of fewer works.
    seed : int
        Of the resamples.

    Returns
    -------
    DataFrame
        The columns of `by`; ``measure``; ``works``, ``missing`` (works without a value),
        ``mean``, ``low``, ``high`` (bias-corrected and accelerated bootstrap over works;
        Efron 1987), ``median`` and ``sd``. Several rows of one work in a group count as their
        mean, so that works, and not rows, are the sample.

    Raises
    ------
    CorpusError
        If there is no such column.
    ParameterError
        If a column holds no numbers.
    """
    import pandas as pd
    rows = []
    for group, measure, values in _groups(results, measures, by):
        there = values.dropna().to_numpy(dtype=np.float64)
        if len(values) < min_works:
            continue
        low, high = _interval(there, confidence, seed)
        rows.append({**group, 'measure': measure, 'works': len(there),
                     'missing': int(values.isna().sum()),
                     'mean': float(there.mean()) if len(there) else None, 'low': low,
                     'high': high, 'median': float(np.median(there)) if len(there) else None,
                     'sd': float(there.std(ddof=1)) if len(there) > 1 else None})
    return pd.DataFrame(rows)


def _groups(results: pd.DataFrame, measures: Sequence[str], by: Sequence[str]) -> Any:
    """Yield (group, measure, values by work); empty values of a group column are a group."""
    check_columns(results, [*measures, *by])
    if results.empty:
        raise CorpusError('the study has no result yet')
    groups = results.groupby(list(by), sort=True, dropna=False) if by else [((), results)]
    for name, own in groups:
        for measure in measures:
            check_numbers(results, measure)
            # works of one content are one work
            names = own['work'] if 'content' not in own else own['content'].fillna(own['work'])
            values = own.groupby(names, sort=True)[measure].mean()
            yield dict(zip(by, name, strict=True)), measure, values


def check_numbers(results: pd.DataFrame, measure: str) -> None:
    """Raise ParameterError unless a column holds numbers."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype
    if not is_numeric_dtype(results[measure]) and not is_bool_dtype(results[measure]):
        raise ParameterError(f'the column {measure!r} holds no numbers')


def _interval(values: FloatArray, confidence: float, seed: int) -> tuple[float | None,
                                                                       float | None]:
    from scipy.stats import bootstrap
    if len(values) < 2:
        return None, None
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    with warnings.catch_warnings():     # of intervals that cannot be corrected: percentiles then
        warnings.simplefilter('ignore')
        many = len(values) > MANY
        for method in ('percentile',) if many else ('BCa', 'percentile'):
            found = bootstrap((values,), np.mean, confidence_level=confidence, method=method,
                              n_resamples=999 if many else RESAMPLES, batch=100,
                              rng=np.random.default_rng(seed)).confidence_interval
            if np.isfinite(found.low) and np.isfinite(found.high):
                break
    return float(found.low), float(found.high)


def compare_groups(results: pd.DataFrame, measures: Sequence[str], by: str, *,
                   reference: str | None = None, correction: str = 'holm',
                   seed: int = 0) -> pd.DataFrame:
    """Return tests and effect sizes between the groups of a column.

    Parameters
    ----------
    results : DataFrame
    measures : sequence of str
    by : str
    reference : str, optional
        Compare each group with this one only; all pairs by default.
    correction : str
        For the number of tests: 'holm', 'fdr_bh', 'bonferroni' or 'none'.
    seed : int
        Of the permutations.

    Returns
    -------
    DataFrame
        ``measure``, ``first``, ``second``; ``works_first``, ``works_second``; ``paired`` (the
        same works are in both groups, most of them at least: differences of these are tested);
        ``difference`` of the means
        (second less first) with ``low`` and ``high``; ``p`` of a permutation test, two-sided;
        ``p_corrected``; ``effect`` (Hedges' g, or the mean over the standard deviation of the
        differences), and ``dominance`` (Cliff's delta: how often a work of the second exceeds
        one of the first, less how often not).
    """
    import pandas as pd
    if correction not in CORRECTIONS:
        raise ParameterError(f'correction is {correction!r}; expected one of '
                             f'{", ".join(CORRECTIONS)}')
    found: dict[str, dict[str, Any]] = {}
    for group, measure, values in _groups(results, measures, [by]):
        found.setdefault(measure, {})[str(group[by])] = values.dropna()
    rows = []
    for measure, groups in found.items():
        if reference is not None and reference not in groups:
            raise CorpusError(f'{by} has no value {reference!r}; expected one of '
                              f'{", ".join(groups)}')
        pairs = (itertools.combinations(groups, 2) if reference is None else
                 ((reference, other) for other in groups if other != reference))
        rows += [{'measure': measure, 'first': one, 'second': two,
                  **_compare(groups[one], groups[two], seed)} for one, two in pairs]
    table = pd.DataFrame(rows)
    if len(table):
        tested = table['p'].notna()
        table['p_corrected'] = table['p']
        if correction != 'none' and tested.any():
            table.loc[tested, 'p_corrected'] = correct(table.loc[tested, 'p'], correction)
    return table


def _compare(first: pd.Series[float], second: pd.Series[float], seed: int) -> dict[str, Any]:
    from scipy.stats import bootstrap, mannwhitneyu, permutation_test
    from statsmodels.stats.meta_analysis import effectsize_smd
    common = first.index.intersection(second.index)
    # a work may lack a value on one side
    paired = len(common) >= 2 and 2 * len(common) > min(len(first), len(second))
    one, two = ((first[common], second[common]) if paired else (first, second))
    a, b = one.to_numpy(dtype=np.float64), two.to_numpy(dtype=np.float64)
    told: dict[str, Any] = {'works_first': len(a), 'works_second': len(b), 'paired': paired,
                            'difference': None, 'low': None, 'high': None, 'p': None,
                            'effect': None, 'dominance': None}
    if min(len(a), len(b)) < 2:
        return told
    told['difference'] = float(b.mean() - a.mean())
    told['dominance'] = float(2 * mannwhitneyu(b, a).statistic / (len(a) * len(b)) - 1)
    varied = b - a if paired else np.concatenate([a, b])
    constant = np.ptp(varied) == 0
    if constant and (not paired or varied[0] == 0):
        return told     # nothing varies: no test tells anything

    def difference(x: FloatArray, y: FloatArray, axis: int = -1) -> Any:
        return np.mean(y, axis=axis) - np.mean(x, axis=axis)

    rng = np.random.default_rng(seed)
    told['p'] = float(permutation_test(
        (a, b), difference, permutation_type='samples' if paired else 'independent',
        vectorized=True, n_resamples=RESAMPLES, batch=500, rng=rng).pvalue)
    if constant:        # the same difference in every work
        return {**told, 'low': told['difference'], 'high': told['difference']}
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        interval = bootstrap((a, b), difference, paired=paired, vectorized=True, batch=500,
                             n_resamples=RESAMPLES, method='percentile',
                             rng=rng).confidence_interval
    told |= {'low': float(interval.low), 'high': float(interval.high)}
    if paired:
        told['effect'] = float((b - a).mean() / (b - a).std(ddof=1))
    elif a.var() + b.var() > 0:
        told['effect'] = float(effectsize_smd(b.mean(), b.std(ddof=1), len(b), a.mean(),
                                              a.std(ddof=1), len(a))[0])
    return told


def correct(p: Sequence[float] | pd.Series[float], correction: str = 'holm') -> FloatArray:
    """Return p corrected for the number of tests: 'holm', 'fdr_bh' or 'bonferroni'."""
    if len(p) < 2:      # statsmodels collects garbage at each call, which takes longer than a test
        return np.asarray(p, dtype=np.float64)
    from statsmodels.stats.multitest import multipletests
    return np.asarray(multipletests(p, method=correction)[1])


def share_interval(count: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share (Wilson 1927)."""
    from statsmodels.stats import proportion
    low, high = proportion.proportion_confint(count, total, alpha=1 - confidence, method='wilson')
    # rounding leaves a trace of none or of all
    return round(float(low), 12), round(float(high), 12)
