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
    SCORES,
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
    """A step: what it measures, which settings decide it, and which figures it draws."""

    name: str
    measure: Callable[[Material, dict[str, Any]], Any]
    uses: tuple[str, ...] = ()
    draw: Callable[[Material, Any, Path], None] | None = None
    figures: tuple[str, ...] = ()


#: Settings that decide what comes of the query, and of further ones.
_QUERY = (*TRAINED, 'networks', 'query', 'takes')
_FURTHER = (*TRAINED, 'networks', 'queries', 'query_takes')

#: In order; each may use what those before it have found.
STEPS = (
    Step('model', measure_model, (*TRAINED, 'networks')),
    Step('rates', measure_rates, (*_QUERY, 'rates'), rate_figures, ('rates.png',)),
    Step('versions', measure_versions, (*TRAINED, 'query', 'null'), version_figures,
         (*(f'{stem}.mxl' for stem in SCORES.values()), 'figure4-motifs.png')),
    Step('information', measure_information, (*_QUERY, 'null'), information_figures,
         ('figure5-information-rate.png', 'figure6-latents.png')),
    Step('motifs', measure_motifs, (*_QUERY, *_FURTHER)),
    Step('keys', measure_keys, (*_QUERY, *_FURTHER, 'transpositions', 'query_rates')),
    Step('queries', measure_queries, (*_FURTHER, 'query_rates')),
    Step('latents', measure_latents, (*_FURTHER, 'null')),
    Step('questions', measure_questions, ('query', *_FURTHER, 'null')),
    Step('bounds', measure_bounds, (*BOUNDS, 'trainings'), bound_figure,
         ('appendixA-bounds.png',)),
    Step('future', measure_future, (*FUTURE, 'trainings')),
    Step('claims', lambda _, found: measure_claims(found), (
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
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', QbdiWarning)
            found[step.name] = material.kept.get(step.name, step.uses,
                                                 partial(_measure, step, material, found))
            if step.draw is not None and not all(
                    (target / name).is_file() for name in step.figures):
                step.draw(material, found[step.name], target)
    return write_report(experiment, found, target)


def _measure(step: Step, material: Material, found: dict[str, Any]) -> Any:
    for name in step.figures:       # of other numbers
        (material.kept.folder / name).unlink(missing_ok=True)
    return step.measure(material, found)
