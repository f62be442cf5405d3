"""The material of an experiment, each thing made when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from corpus_tools.reproduce.experiment import Experiment
from qbdi_m21.corpus import build_training_set
from qbdi_m21.model.inference import LatentModel
from qbdi_m21.model.store import load_model
from qbdi_m21.model.training_set import TrainingSet


class Material:
    """Training set, model and query.

    Parameters
    ----------
    experiment : Experiment
    folder : Path
        Where the training set and the model are kept.
    """

    def __init__(self, experiment: Experiment, folder: Path) -> None:
        self.experiment = experiment
        self.folder = folder

    @cached_property
    def data(self) -> TrainingSet:
        """The training set; a twentieth of the works is held out where there are enough."""
        path = self.folder / 'data.npz'
        if path.is_file():
            return TrainingSet.load(path)
        from qbdi_m21.sources import expand_sources
        works = list(expand_sources(self.experiment.corpus))
        if self.experiment.corpus_works:
            step = max(1, len(works) // self.experiment.corpus_works)
            works = works[::step][:self.experiment.corpus_works]
        made = build_training_set(works, reading=self.experiment.reading,
                                  meter=self.experiment.meter, held_out=(0.0, 0.0),
                                  seed=self.experiment.seed)
        made.save(path)
        return made

    @property
    def model_path(self) -> Path:
        """Where the model is."""
        return self.folder / 'model.keras'

    @cached_property
    def model(self) -> LatentModel:
        """The trained model, for NumPy."""
        return load_model(self.model_path)

    @cached_property
    def query(self) -> Any:
        """The query as a score."""
        from qbdi_m21.frames.dubnov import dubnov_frames
        from qbdi_m21.notation.engrave import to_score
        from qbdi_m21.notation.reading import load_score
        if self.experiment.reading == 'dubnov2019':
            return to_score(dubnov_frames(self.experiment.query))
        return load_score(self.experiment.query)

    def train(self) -> dict[str, Any]:
        """Train the paper's network, and return D, R and what it learned from."""
        from qbdi_m21.model.bounds import distortion_and_rate
        from qbdi_m21.model.store import save_model
        from qbdi_m21.model.training import train
        chosen = self.experiment
        network, served = train(
            self.data, 'dubnov2019', updates=chosen.updates, seed=chosen.seed,
            checkpoint=self.folder / 'model.checkpoint')
        save_model(network, self.model_path)
        (self.folder / 'model.checkpoint').unlink(missing_ok=True)
        distortion, rate = distortion_and_rate(served, self.data.windows, samples=chosen.samples,
                                               seed=chosen.seed)
        return {'works': len(self.data.works), 'bars': len(self.data.windows),
                'updates': chosen.updates, 'distortion_nats': distortion, 'rate_nats': rate,
                'negative_elbo_nats': distortion + rate}
