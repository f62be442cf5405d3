"""The model card: what a model was made of and how well it does, kept inside its file."""

from __future__ import annotations

import platform
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import qbdi_m21
from qbdi_m21.model.bounds import evenly
from qbdi_m21.model.checkpoint import TrainingState
from qbdi_m21.model.evaluation import evaluate
from qbdi_m21.model.inference import LatentModel
from qbdi_m21.model.presets import Preset
from qbdi_m21.model.training_set import SPLITS, TrainingSet

if TYPE_CHECKING:
    from qbdi_m21.model.vae import VAE


#: Windows of the training and of the validation works that are measured.
MAX_MEASURED = 1000


def make_card(served: LatentModel, data: TrainingSet, name_of_preset: str,
              preset: Preset, state: TrainingState, *, seed: int, name: str,
              budget: float | None, start: VAE | None, origin: str | None,
              libraries: dict[str, str]) -> dict[str, Any]:
    """Return the card of a trained model: settings, data, split, curve, measures, versions.

    It holds no time of day and no machine's name: the same training gives the same card.
    """
    return {
        'name': name, 'qbdi_m21': qbdi_m21.__version__, **libraries,
        'python': platform.python_version(),
        'preset': {'name': name_of_preset, **asdict(preset), 'network': served.network,
                   'sizes': served.sizes},
        'seed': seed, 'threshold': served.threshold, 'budget_minutes': budget,
        'updates': state.update, 'best_update': state.best_update, 'curve': list(state.curve),
        'fine_tuned_from': None if start is None else {
            'name': start.card.get('name', ''), 'weights_sha256': origin},
        'data': {**data.about, 'sha256': data.sha256, 'works': len(data.works),
                 'bars': {s: len(data.rows(s)) for s in SPLITS},
                 'split': {s: [w for w, k in zip(data.works, data.split, strict=True) if k == i]
                           for i, s in enumerate(SPLITS)}},
        'measures': {split: _measures(served, data, split, seed)
                     for split in SPLITS if len(data.rows(split))},
    }


def _measures(served: LatentModel, data: TrainingSet, split: str, seed: int) -> dict[str, Any]:
    """Measure a split: the test in full, the others on a part and without the costly bound."""
    windows = data.windows[data.rows(split)]
    if split == 'test':
        return evaluate(served, windows, seed=seed)
    return evaluate(served, windows[evenly(len(windows), MAX_MEASURED)], samples=4,
                    iwae_samples=0, seed=seed)
