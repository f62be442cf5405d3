"""Files that only seem to be scores: archives and entities that unpack without end."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

from qbdi_m21.errors import ScoreError

#: Most bytes of a score, unpacked; the largest work of music21's corpus has 11 million.
MAX_BYTES = 64 * 2**20

#: Most files in a compressed score.
MAX_MEMBERS = 1000

_XML = ('.xml', '.musicxml', '.mei')
_ENTITY = re.compile(rb'<!ENTITY', re.IGNORECASE)


def check_file(path: Path) -> None:
    """Raise ScoreError where reading a file might take memory or time without bound.

    Looks at the size of a file and of what it unpacks to, and refuses XML that defines
    entities, which no score needs.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ScoreError(f'{path} has {size} bytes; expected a score of {MAX_BYTES} at most')
    if path.suffix.lower() == '.mxl' or zipfile.is_zipfile(path):
        _check_archive(path)
    elif _defines_entities(path.read_bytes()):
        raise _entity_error(path)


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            size = sum(member.file_size for member in members)
            if size > MAX_BYTES or len(members) > MAX_MEMBERS:
                raise ScoreError(
                    f'{path} unpacks to {size} bytes in {len(members)} files; expected '
                    f'{MAX_BYTES} bytes and {MAX_MEMBERS} files at most')
            for member in members:
                # sizes in the header may lie: no more than promised is unpacked
                with archive.open(member) as inner:
                    data = inner.read(member.file_size + 1)
                if member.filename.lower().endswith(_XML) and _defines_entities(data):
                    raise _entity_error(path)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError,
            OSError) as error:
        raise ScoreError(f'{path} cannot be read ({error}); expected a whole compressed '
                         'score: export it again') from error


def _defines_entities(data: bytes) -> bool:
    """Return whether XML of any usual encoding defines entities."""
    # two bytes a letter: without the zeros the letters stand as in ASCII
    plain = data.replace(b'\0', b'') if data[:2] in (b'\xff\xfe', b'\xfe\xff') or (
        b'\0' in data[:4]) else data
    return _ENTITY.search(plain) is not None


def _entity_error(path: Path) -> ScoreError:
    return ScoreError(f'{path} defines XML entities, which can unpack without end; expected a '
                      'score without: export it again')
