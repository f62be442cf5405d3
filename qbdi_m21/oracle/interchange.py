"""From and to vmo's own oracle, on which all of vmo's functions work."""

from __future__ import annotations

from typing import Any

import numpy as np

from qbdi_m21.errors import ParameterError
from qbdi_m21.oracle.build import Oracle
from qbdi_m21.oracle.distances import GAUSSIAN, PITCH_CLASS, distance_rows


def to_vmo(oracle: Oracle) -> Any:
    """Return vmo's oracle (``vmo.VMO.oracle.MO``) with the same states.

    A distance that vmo does not know goes along as a function.
    """
    from vmo.VMO.oracle import create_oracle
    size = oracle.features.shape[1]
    named = not callable(oracle.distance) and oracle.distance not in (*GAUSSIAN, *PITCH_CLASS)
    made = create_oracle('a', threshold=oracle.threshold, dim=size,
                         dfunc=oracle.distance if named else 'other',
                         dfunc_handle=None if named else _handle(oracle))
    for row in oracle.features:
        made.f_array.add(row)
    made.f_array.finalize()
    made.n_states = oracle.num_states
    made.sfx = [None, *oracle.suffix[1:].tolist()]
    made.lrs = oracle.lrs.tolist()
    made.data = [None, *oracle.symbol[1:].tolist()]
    made.trn = [list(oracle.transitions(state)) for state in range(oracle.num_states)]
    made.rsfx = [list(states) for states in oracle.followers]
    made.latent = [list(states) for states in oracle.classes]
    made.max_lrs = np.maximum.accumulate(oracle.lrs).tolist()
    made.avg_lrs = [0.0]
    for count, length in enumerate(made.lrs[1:], start=1):
        # vmo's own running mean, with its rounding
        made.avg_lrs.append(made.avg_lrs[-1] * ((count - 1.0) / count) + length * (1.0 / count))
    return made


def from_vmo(source: Any) -> Oracle:
    """Return vmo's oracle of kind 'a' as ours.

    Parameters
    ----------
    source : vmo.VMO.oracle.MO

    Raises
    ------
    ParameterError
        If it is of another kind: a factor oracle of symbols has no features.
    """
    if getattr(source, 'kind', None) != 'a':
        raise ParameterError(f'got {type(source).__name__} of kind '
                             f'{getattr(source, "kind", None)!r}; expected an oracle that vmo '
                             "built with flag 'a'")
    distance = source.params['dfunc']
    counts = [len(goals) for goals in source.trn]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    goals = np.array([goal for part in source.trn for goal in part], dtype=np.int32)
    features = np.array(source.f_array.data[1:source.n_states], dtype=np.float64)
    return Oracle(features, float(source.params['threshold']),
                  source.params['dfunc_handle'] if distance == 'other' else distance, 'vmo',
                  np.array([-1, *source.sfx[1:]], dtype=np.int32),
                  np.array(source.lrs, dtype=np.int32),
                  np.array([-1, *source.data[1:]], dtype=np.int32), starts, goals)


def _handle(oracle: Oracle) -> Any:
    """Return an oracle's distance as a function of two vectors."""
    if callable(oracle.distance):
        return oracle.distance

    def handle(new: Any, known: Any) -> float:
        return float(distance_rows(np.atleast_2d(new), np.atleast_2d(known), oracle.distance,
                                   silence=oracle.silence)[0, 0])
    return handle
