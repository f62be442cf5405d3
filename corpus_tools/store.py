"""Where the note table of a work is kept: one Parquet file a work."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path


def table_path(folder: str | os.PathLike[str], work: str) -> Path:
    """Return the file of a work's note table: readable, unique by a hash of the name."""
    readable = re.sub(r'[^A-Za-z0-9.]+', '-', work).strip('-')[-60:]
    return Path(folder) / f'{readable}-{hashlib.sha256(work.encode()).hexdigest()[:8]}.parquet'
