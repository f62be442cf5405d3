"""What was drawn on a score, kept in it: to read it back, to draw it anew, to take it off.

The record stands in a field of the metadata, as JSON that anyone can read. MuseScore drops such
fields when it saves MusicXML, but keeps <source>: there the writer puts the same, packed.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
import zlib
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from lxml import etree
from music21 import metadata, stream

from qbdi_m21.errors import ParameterError
from qbdi_m21.notation.checking import musicxml_root
from qbdi_m21.notation.marks import Mark

#: Custom field of the metadata.
FIELD = 'qbdi_m21-annotations'

#: Name and version of the record and of sidecars; docs/schema/annotations.schema.json.
SCHEMA = 'qbdi_m21/annotations/1'

#: How the record begins in <source>.
_PACKED = re.compile(rf'\s*{FIELD}:([A-Za-z0-9+/=]+)')


class DrawnText(NamedTuple):
    """A text of a mark: which mark (-1: the legend), where it stands, and what it says.

    The bar is an index, the offset counts from its start, and `position_ql` from the score's.
    """

    mark: int
    staff: int
    bar: int
    offset: Fraction
    position_ql: Fraction
    text: str


class DrawnLine(NamedTuple):
    """A bracket: the bars and offsets of the notes or rests at which it begins and ends."""

    staff: int
    bar: int
    offset: Fraction
    last_bar: int
    last_offset: Fraction


@dataclass(frozen=True)
class Record:
    """Everything that was drawn.

    Attributes
    ----------
    marks : tuple of Mark
        With measures and beats.
    texts : tuple of DrawnText
        Staves are counted through the whole score.
    lines : tuple of DrawnLine
    heads : dict of str to (color, notehead)
        How the noteheads were, by ``side:element id``.
    sides : tuple of str
        Of each staff, in an aligned score: MusicXML does not tell them.
    """

    marks: tuple[Mark, ...] = ()
    texts: tuple[DrawnText, ...] = ()
    lines: tuple[DrawnLine, ...] = ()
    heads: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    sides: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values; exact times as texts."""
        def plain(row: tuple[Any, ...]) -> list[Any]:
            return [str(one) if isinstance(one, Fraction) else one for one in row]

        return {'schema': SCHEMA, 'marks': [mark.to_json() for mark in self.marks],
                'texts': [plain(one) for one in self.texts],
                'lines': [plain(one) for one in self.lines],
                'heads': {name: list(one) for name, one in sorted(self.heads.items())},
                'sides': list(self.sides)}

    @classmethod
    def from_json(cls, plain: Any, place: str) -> Record:
        """Return the record of plain values, or raise ParameterError."""
        if not isinstance(plain, dict) or plain.get('schema') != SCHEMA:
            told = plain.get('schema') if isinstance(plain, dict) else None
            raise ParameterError(f'{place} has the schema {told!r}; expected {SCHEMA!r}')
        try:
            return cls(
                tuple(Mark.from_json(one) for one in plain['marks']),
                tuple(DrawnText(mark, staff, bar, Fraction(offset), Fraction(position), text)
                      for mark, staff, bar, offset, position, text in plain.get('texts', ())),
                tuple(DrawnLine(staff, bar, Fraction(offset), last, Fraction(last_offset))
                      for staff, bar, offset, last, last_offset in plain.get('lines', ())),
                {name: (one[0], one[1]) for name, one in plain.get('heads', {}).items()},
                tuple(plain.get('sides', ())))
        except (KeyError, TypeError, AttributeError, IndexError, ValueError,
                ZeroDivisionError) as error:
            raise ParameterError(f'{place} does not hold annotations as {SCHEMA} has them: '
                                 f'{error!r}') from error


def read_record(score: stream.Score) -> Record:
    """Return what was drawn on a score; an empty record if nothing was.

    Raises
    ------
    ParameterError
        If the field is damaged.
    """
    held = score.metadata.getCustom(FIELD) if score.metadata is not None else ()
    if not held:
        return Record()
    try:
        return Record.from_json(json.loads(str(held[0])), 'the score')
    except ValueError as error:
        raise ParameterError(f'the annotations of the score are damaged: {error}') from error


def restore_sides(score: stream.Score, record: Record) -> None:
    """Tell the staves of a score that was read from a file their sides again."""
    parts = list(score.parts)
    if len(parts) == len(record.sides):
        for part, side in zip(parts, record.sides, strict=True):
            if side and side not in part.groups:
                part.groups.append(side)


def write_record(score: stream.Score, record: Record | None) -> None:
    """Put a record into a score's metadata, or take it out."""
    about = score.metadata
    if record is None:
        if about is not None and about.getCustom(FIELD):
            about.setCustom(FIELD, [])
        return
    if about is None:
        about = score.metadata = metadata.Metadata()
    about.setCustom(FIELD, json.dumps(record.to_json(), ensure_ascii=False, sort_keys=True,
                                      separators=(',', ':')))


def restore_record(score: stream.Score, path: Path) -> None:
    """Put the record of a file into the score that was read from it, where music21 did not.

    A damaged one is left out here, and told where annotations are asked for.
    """
    if score.metadata is not None and score.metadata.getCustom(FIELD):
        return
    with contextlib.suppress(ParameterError):
        record = unpack_record(musicxml_root(path))
        if record is not None:
            write_record(score, record)


def pack_record(root: etree._Element) -> None:
    """Copy the record of a MusicXML tree into its <source>, behind what stands there."""
    told = root.find(f'identification/miscellaneous/miscellaneous-field[@name="{FIELD}"]')
    if told is None or not told.text:
        return
    source = root.find('identification/source')
    if source is None:
        source = etree.Element('source')
        # the schema has <source> before <relation>, and that before <miscellaneous>
        later = root.find('identification/relation')
        before = root.find('identification/miscellaneous') if later is None else later
        if before is not None:
            before.addprevious(source)
    packed = base64.b64encode(zlib.compress(told.text.encode(), 9)).decode()
    source.text = f'{_PACKED.sub("", source.text or "")} {FIELD}:{packed}'.strip()


def unpack_record(root: etree._Element) -> Record | None:
    """Return the record of a MusicXML tree, from its field or its <source>; None without one.

    Raises
    ------
    ParameterError
        If it is damaged.
    """
    told = root.find(f'identification/miscellaneous/miscellaneous-field[@name="{FIELD}"]')
    text = told.text if told is not None else None
    if not text:
        found = _PACKED.search(root.findtext('identification/source') or '')
        if found is None:
            return None
        try:
            text = zlib.decompress(base64.b64decode(found[1], validate=True)).decode()
        except (binascii.Error, zlib.error, ValueError) as error:
            raise ParameterError(f'the annotations of the file are damaged: {error}') from error
    try:
        return Record.from_json(json.loads(text), 'the file')
    except ValueError as error:
        raise ParameterError(f'the annotations of the file are damaged: {error}') from error
