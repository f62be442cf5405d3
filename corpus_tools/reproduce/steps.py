"""The steps of the experiment, each kept when it is done; a further call goes on."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus_tools.reproduce.claims import measure_claims
from corpus_tools.reproduce.experiment import Experiment
from corpus_tools.reproduce.figures import (
    information_figures,
    motif_figures,
    rate_figures,
    score_figures,
)
from corpus_tools.reproduce.material import Material
from corpus_tools.reproduce.measurements import (
    measure_bounds,
    measure_future,
    measure_information,
    measure_motifs,
    measure_queries,
    measure_rates,
)
from corpus_tools.reproduce.questions import measure_questions
from corpus_tools.reproduce.report import write_report
from corpus_tools.study import digest
from qbdi_m21.errors import QbdiWarning
from qbdi_m21.files import write_aside

Progress = Callable[[str, int, int], object]


@dataclass(frozen=True)
class Step:
    """A step: what it measures, what it draws from that, and which settings decide it."""

    name: str
    measure: Callable[[Material, dict[str, Any]], Any]
    draw: Callable[[Material, Any, Path], None] | None = None
    uses: tuple[str, ...] = ()


#: Settings that decide every step.
_ALL = ('corpus', 'corpus_works', 'meter', 'reading', 'query', 'updates', 'seed')

#: In order; each may use what those before it have found.
STEPS = (
    Step('model', lambda material, _: material.train(), uses=('samples',)),
    Step('rates', measure_rates, rate_figures, ('rates', 'seeds')),
    Step('scores', lambda *_: {}, score_figures),
    Step('information', measure_information, information_figures, ('seeds', 'null')),
    Step('motifs', measure_motifs, motif_figures, ('null',)),
    Step('queries', measure_queries, uses=('queries', 'query_rates', 'query_seeds')),
    Step('bounds', measure_bounds, uses=('beta', 'beta_updates', 'samples', 'rates')),
    Step('future', measure_future, uses=('future', 'beta_updates', 'samples', 'null')),
    Step('questions', measure_questions, uses=('queries', 'query_seeds', 'null')),
    Step('claims', lambda _, found: measure_claims(found), uses=(
        'rates', 'seeds', 'null', 'queries', 'query_rates', 'query_seeds')),
)


def reproduce(experiment: Experiment, folder: str | os.PathLike[str], *,
              progress: Progress | None = None) -> Path:
    """Run an experiment, or go on with it, and write its report.

    Parameters
    ----------
    experiment : Experiment
    folder : path
        Made if missing. Each step leaves its numbers there, as JSON, and its figures; a step
        that is done is not done again unless a setting that decides it has changed.
    progress : callable, optional
        Called as ``progress(step, done, all)``.

    Returns
    -------
    Path
        The report, ``report.md``.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    material = Material(experiment, target)
    settings = experiment.to_json()
    found: dict[str, Any] = {}
    for place, step in enumerate(STEPS):
        if progress is not None:
            progress(step.name, place, len(STEPS))
        path = target / f'{step.name}.json'
        mark = digest({name: settings[name] for name in (*_ALL, *step.uses)})
        kept = _read(path, mark)
        if kept is None:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore', QbdiWarning)
                kept = step.measure(material, found)
                if step.draw is not None:
                    step.draw(material, kept, target)
            with write_aside(path) as aside:
                aside.write_text(json.dumps({'configuration': mark, 'found': kept}, indent=1,
                                            default=str) + '\n', encoding='utf-8')
        found[step.name] = kept
    if progress is not None:
        progress('report', len(STEPS), len(STEPS))
    return write_report(experiment, found, target)


def _read(path: Path, mark: str) -> Any:
    """Return what a step has found before; None if it is not done with this configuration."""
    try:
        held = json.loads(path.read_text('utf-8'))
        return held['found'] if held['configuration'] == mark else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
