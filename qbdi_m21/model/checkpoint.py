"""Checkpoints: the whole state of a training in one file, so that it goes on exactly."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ModelError
from qbdi_m21.files import write_aside


@dataclass(frozen=True)
class TrainingState:
    """How far a training is, apart from its variables.

    Attributes
    ----------
    update : int
        Updates done.
    best_update : int
        The one whose weights are the best so far.
    curve : tuple of list
        Of each round: update, and D and R in nats a window, on the training batches and on the
        validation works (the latter None without such works).
    minutes : float
        Spent so far.
    """

    update: int = 0
    best_update: int = 0
    curve: tuple[list[Any], ...] = ()
    minutes: float = 0.0


Arrays = list[npt.NDArray[Any]]


def save_checkpoint(path: str | os.PathLike[str], key: dict[str, Any], state: TrainingState,
                    variables: Arrays, best: Arrays) -> None:
    """Write a checkpoint aside and rename it: an earlier one stays whole until then.

    Parameters
    ----------
    path : path
    key : dict
        What the training is: a checkpoint is only read back for the same.
    state : TrainingState
    variables : list of ndarray
        Of model and optimizer, in their order.
    best : list of ndarray
        The weights of the best round.

    Raises
    ------
    ModelError
        If it cannot be written: the earlier checkpoint is there still.
    """
    about = json.dumps({'key': key, 'state': asdict(state), 'variables': len(variables)})
    arrays = {f'a{place:04}': values for place, values in enumerate([*variables, *best])}
    try:
        with write_aside(path) as aside, open(aside, 'wb') as handle:
            np.savez(handle, about=np.array(about), **arrays)       # type: ignore[arg-type]
    except OSError as error:
        kept = 'the earlier checkpoint is intact' if Path(path).is_file() else 'there is none yet'
        raise ModelError(f'cannot write the checkpoint {path} after update {state.update} '
                         f'({error.strerror or error}); {kept}: make room and call again'
                         ) from error


def load_checkpoint(path: str | os.PathLike[str], key: dict[str, Any]
                    ) -> tuple[TrainingState, Arrays, Arrays]:
    """Return state, variables and best weights of a checkpoint of the same training.

    Raises
    ------
    ModelError
        If the file is damaged, or is that of another training: the message says what differs.
    """
    try:
        with open(path, 'rb') as handle, np.load(handle, allow_pickle=False) as held:
            about = json.loads(str(held['about']))
            arrays = [held[name] for name in sorted(held.files) if name != 'about']
            told, count = dict(about['state']), int(about['variables'])
            state = TrainingState(**{**told, 'curve': tuple(told['curve'])})
            other = dict(about['key'])
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile,
            zlib.error) as error:
        raise ModelError(f'{path} is not a checkpoint of a training ({error}); delete it to begin '
                         'anew') from error
    wanted = json.loads(json.dumps(key))
    if other != wanted:
        names = sorted(k for k in {*other, *wanted} if other.get(k) != wanted.get(k))
        raise ModelError(f'the checkpoint {path} is of another training ({", ".join(names)} '
                         'differ); call as before to go on, or delete it to begin anew')
    return state, arrays[:count], arrays[count:]
