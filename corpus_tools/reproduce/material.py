"""The material of an experiment, each thing made when it is first asked for, and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from corpus_tools.reproduce.experiment import Experiment
from corpus_tools.reproduce.kept import Kept
from qbdi_m21.corpus import build_training_set
from qbdi_m21.frames.roll import Frames
from qbdi_m21.model.inference import LatentModel
from qbdi_m21.model.store import load_model
from qbdi_m21.model.training_set import TrainingSet

#: Settings that decide a network.
TRAINED = ('updates', 'samples')

#: The name of the query itself, beside further ones.
ASKED = 'the query'

#: Told how many parts of the present step are done, of how many.
Tell = Callable[[int, int], object]


@dataclass(frozen=True)
class Query:
    """A query: its name, its score, and its frames as the networks take them."""

    work: str
    score: Any
    frames: Frames


class Material:
    """Training set, networks and queries.

    Parameters
    ----------
    experiment : Experiment
    folder : Path
        Where training set and networks are kept.
    """

    def __init__(self, experiment: Experiment, folder: Path) -> None:
        self.experiment = experiment
        self.kept = Kept(experiment, folder)
        self.tell: Tell = lambda done, total: None
        self._networks: dict[int, LatentModel] = {}

    def each(self, name: str, count: int, uses: tuple[str, ...],
             make: Callable[[int], Any]) -> list[Any]:
        """Return what `make` gives for 0, 1, ...; each is kept as soon as it is done."""
        (self.kept.folder / name).mkdir(exist_ok=True)
        found = []
        for number in range(count):
            self.tell(number, count)
            found.append(self.kept.get(
                f'{name}/{number}', uses, lambda number=number: make(number)))   # type: ignore[misc]
        return found

    @cached_property
    def data(self) -> TrainingSet:
        """The training set: all works are learned, as in the paper."""
        path = self.kept.folder / 'data.npz'

        def build() -> dict[str, Any]:
            from qbdi_m21.sources import expand_sources
            works = list(expand_sources(self.experiment.corpus))
            if self.experiment.corpus_works:
                step = max(1, len(works) // self.experiment.corpus_works)
                works = works[::step][:self.experiment.corpus_works]
            made = build_training_set(works, reading=self.experiment.reading,
                                      meter=self.experiment.meter, held_out=(0.0, 0.0),
                                      seed=self.experiment.seed)
            made.save(path)
            return {'works': len(made.works), 'bars': len(made.windows), 'sha256': made.sha256}

        self.kept.get('data', (), build)
        return TrainingSet.load(path)

    @cached_property
    def parts(self) -> tuple[TrainingSet, TrainingSet]:
        """Works to learn, and a third that share no title and no bars with them."""
        data = self.data
        whole = TrainingSet.from_windows(
            {name: data.windows[data.work == place] for place, name in enumerate(data.works)},
            spec=data.spec, split_by='title', held_out=(0.0, 1 / 3), seed=self.experiment.seed)
        learned, other = (TrainingSet.from_windows(
            {whole.works[k]: whole.windows[whole.work == k]
             for k in np.unique(whole.work[whole.rows(split)])},
            spec=data.spec, held_out=(0.0, 0.0)) for split in ('train', 'test'))
        return learned, other

    def network(self, number: int) -> LatentModel:
        """Return a trained network, for NumPy; the numbers go round."""
        number %= self.experiment.networks
        if number not in self._networks:
            self._networks[number] = load_model(self._path(number))
        return self._networks[number]

    def _path(self, number: int) -> Path:
        # the settings are in the name: numbers that are kept never tell of other weights
        return self.kept.folder / 'networks' / f'{number}-{self.kept.mark(TRAINED)[:8]}.keras'

    @cached_property
    def query(self) -> Query:
        """The query."""
        from qbdi_m21.frames.dubnov import dubnov_frames
        from qbdi_m21.notation.engrave import to_score
        from qbdi_m21.notation.reading import load_score
        if (self.experiment.reading == 'dubnov2019'
                and self.experiment.query.lower().endswith(('.mid', '.midi'))):
            return self._query(to_score(dubnov_frames(self.experiment.query)))
        return self._query(load_score(self.experiment.query))

    @cached_property
    def further_queries(self) -> tuple[Query, ...]:
        """Further queries, from music21's corpus: none that the networks have learned."""
        from qbdi_m21.notation.reading import load_score
        return tuple(self._query(load_score(work), work)
                     for work in self.experiment.chosen_queries if work not in self.data.works)

    def _query(self, score: Any, work: str = ASKED) -> Query:
        from qbdi_m21.frames.encode import to_frames
        spec = self.data.spec
        return Query(work, score, to_frames(score, step=spec.step_ql,
                                            pitch_range=spec.pitch_range))

    def takes_of_query(self) -> Iterator[tuple[int, LatentModel, Query]]:
        """Yield take, network and query."""
        for take in range(self.experiment.takes):
            self.tell(take, self.experiment.takes)
            yield take, self.network(take), self.query

    def takes_of_further(self) -> Iterator[tuple[int, LatentModel, Query]]:
        """Yield take, network and query of the further ones, which go round the networks."""
        for place, query in enumerate(self.further_queries):
            self.tell(place, len(self.further_queries))
            for take in range(self.experiment.query_takes):
                yield take, self.network(place + take), query

    def train(self, number: int) -> dict[str, Any]:
        """Train a network of the paper, and return D and R of what it has learned."""
        from qbdi_m21.model.bounds import distortion_and_rate
        from qbdi_m21.model.store import save_model
        from qbdi_m21.model.training import train
        chosen, path = self.experiment, self._path(number)
        checkpoint = path.with_suffix('.checkpoint')
        network, served = train(self.data, 'dubnov2019', updates=chosen.updates,
                                seed=chosen.seed + number, checkpoint=checkpoint)
        save_model(network, path)
        checkpoint.unlink(missing_ok=True)
        distortion, rate = distortion_and_rate(served, self.data.windows, samples=chosen.samples,
                                               seed=chosen.seed)
        return {'distortion_nats': distortion, 'rate_nats': rate,
                'negative_elbo_nats': distortion + rate}
