"""Writing files whole: aside first, then renamed, so that no half-written file is left."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from qbdi_m21.errors import ParameterError


@contextlib.contextmanager
def write_aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` if the block succeeds.

    Raises
    ------
    ParameterError
        If the folder does not exist or cannot be written to.
    """
    target = Path(path)
    if target.is_dir():
        raise ParameterError(f'{target} is a folder; expected the name of a file to write')
    if not target.parent.is_dir():
        raise ParameterError(f'no such folder: {target.parent}; make it first, or write elsewhere')
    try:
        handle, name = tempfile.mkstemp(prefix='.', suffix=target.suffix, dir=target.parent)
    except OSError as error:
        raise ParameterError(f'cannot write in {target.parent}: {error.strerror}') from error
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        # mkstemp makes private files; give what the user's umask gives to any new file
        umask = os.umask(0)
        os.umask(umask)
        aside.chmod(0o666 & ~umask)
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
