"""A name for the notes of a piece: the same notes, the same hash."""

from __future__ import annotations

import hashlib
import json

from qbdi_m21.frames.table import NoteTable


def notes_sha256(table: NoteTable) -> str:
    """Return a hash of the notes and bars of a score: what an operation depends on."""
    digest = hashlib.sha256()
    for column in (table.onset, table.duration, table.pitch, table.part, table.grace):
        digest.update(str(column.shape).encode() + column.astype('<i8').tobytes())
    digest.update(json.dumps([bar.to_json() for bar in table.bars]).encode())
    return digest.hexdigest()
