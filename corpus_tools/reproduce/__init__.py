"""The experiment of Dubnov 2019 done again, with controls, from one configuration."""

from __future__ import annotations

from corpus_tools.reproduce.experiment import Experiment, load_experiment
from corpus_tools.reproduce.steps import STEPS, reproduce

__all__ = ['STEPS', 'Experiment', 'load_experiment', 'reproduce']
