"""The steps of the experiment, each kept when it is done; a further call goes on."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from corpus_tools.reproduce.appendices import BOUNDS, FUTURE, measure_bounds, measure_future
from corpus_tools.reproduce.claims import measure_claims
from corpus_tools.reproduce.dynamics import (
    measure_information,
    measure_latents,
    measure_motifs,
)
from corpus_tools.reproduce.experiment import Experiment
from corpus_tools.reproduce.figures import (
    bound_figure,
    information_figures,
    rate_figures,
    version_figures,
)
from corpus_tools.reproduce.material import TRAINED, Material
from corpus_tools.reproduce.measurements import (
    measure_keys,
    measure_model,
    measure_queries,
    measure_rates,
)
from corpus_tools.reproduce.questions import measure_questions
from corpus_tools.reproduce.report import write_report
from corpus_tools.reproduce.versions import measure_versions
from qbdi_m21.errors import QbdiWarning

Progress = Callable[[str, int, int], object]


@dataclass(frozen=True)
class Step:
    """A step: what it measures, what it draws from that, and which settings decide it."""

    name: str
    measure: Callable[[Material, dict[str, Any]], Any]
    draw: Callable[[Material, Any, Path], None] | None = None
    uses: tuple[str, ...] = ()


#: Settings that decide what comes of the query, and of further ones.
_QUERY = (*TRAINED, 'networks', 'query', 'takes')
_FURTHER = (*TRAINED, 'networks', 'queries', 'query_takes')

#: In order; each may use what those before it have found.
STEPS = (
    Step('model', measure_model, uses=(*TRAINED, 'networks')),
    Step('rates', measure_rates, rate_figures, (*_QUERY, 'rates')),
    Step('versions', measure_versions, version_figures, (*TRAINED, 'query', 'null')),
    Step('information', measure_information, information_figures, (*_QUERY, 'null')),
    Step('motifs', measure_motifs, uses=(*_QUERY, *_FURTHER)),
    Step('keys', measure_keys, uses=(*_QUERY, *_FURTHER, 'transpositions',
                                      'query_rates')),
    Step('queries', measure_queries, uses=(*_FURTHER, 'query_rates')),
    Step('latents', measure_latents, uses=(*_FURTHER, 'null')),
    Step('questions', measure_questions, uses=('query', *_FURTHER, 'null')),
    Step('bounds', measure_bounds, bound_figure, (*BOUNDS, 'trainings')),
    Step('future', measure_future, uses=(*FUTURE, 'trainings')),
    Step('claims', lambda _, found: measure_claims(found), uses=(
        *_QUERY, *_FURTHER, 'rates', 'query_rates', 'null', 'transpositions')),
)


def reproduce(experiment: Experiment, folder: str | os.PathLike[str], *,
              progress: Progress | None = None) -> Path:
    """Run an experiment, or go on with it, and write its report.

    Parameters
    ----------
    experiment : Experiment
    folder : path
        Made if missing. Each step and each training leaves its numbers there, as JSON, and
        its figures; what is done is not done again unless a setting that decides it, or the
        version of the toolkit, has changed.
    progress : callable, optional
        Called as ``progress(step, done, all)``, counted in the step's own parts.

    Returns
    -------
    Path
        The report, ``report.md``.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    material = Material(experiment, target)
    found: dict[str, Any] = {}
    for place, step in enumerate(STEPS, start=1):
        if progress is not None:
            material.tell = partial(progress, f'step {place} of {len(STEPS)}, {step.name}')
        material.tell(0, 1)
        found[step.name] = material.kept.get(step.name, step.uses,
                                             partial(_do, step, material, found))
    return write_report(experiment, found, target)


def _do(step: Step, material: Material, found: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', QbdiWarning)
        told = step.measure(material, found)
        if step.draw is not None:
            step.draw(material, told, material.kept.folder)
    return told
