"""Title, composer and licence of score files, from their first lines: nothing is parsed whole."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lxml import etree

from qbdi_m21.notation.safety import check_file

Header = dict[str, str]

#: Elements of MusicXML and MEI -> column.
_ELEMENTS = {'work-title': 'title', 'movement-title': 'title', 'creator': 'composer',
             'rights': 'licence', 'title': 'title', 'composer': 'composer',
             'availability': 'licence'}

#: Behind these the music begins.
_MUSIC = ('part-list', 'part', 'music')

#: Reference records of Humdrum -> column.
_RECORDS = {'OTL': 'title', 'COM': 'composer', 'YEM': 'licence', 'YEC': 'licence'}

_FIELDS = {'T': 'title', 'C': 'composer', 'Z': 'source'}

#: Most bytes of a text file that are looked at for its header.
_MOST = 2**26


def read_headers(path: Path) -> list[Header]:
    """Return the header of each score of a file; empty ones where it states nothing.

    Parameters
    ----------
    path : Path
        MusicXML, MXL, MEI, ABC or kern; others have empty headers. Damaged files too: what is
        wrong with them, their reader tells.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in ('.musicxml', '.xml', '.mei'):
            check_file(path)
            with path.open('rb') as file:
                return [_of_xml(file)]
        if suffix == '.mxl':
            check_file(path)
            return [_of_mxl(path)]
        if suffix == '.abc':
            return _of_abc(_text(path)) or [{}]
        if suffix == '.krn':
            found = re.findall(r'^!!!(\w{3})[^:\n]*:[ \t]*(\S.*)$', _text(path), re.MULTILINE)
            return [_first((_RECORDS[name], text) for name, text in found if name in _RECORDS)]
    except (OSError, ValueError, etree.LxmlError, zipfile.BadZipFile, KeyError):
        pass
    return [{}]


def _text(path: Path) -> str:
    with path.open('rb') as file:
        return file.read(_MOST).decode('utf-8', errors='replace')


def _of_abc(text: str) -> list[Header]:
    tunes = re.split(r'^X:.*$', text, flags=re.MULTILINE)[1:]
    return [_first((_FIELDS[name], value.strip()) for name, value in
                   re.findall(r'^([TCZ]):(.*)$', tune, re.MULTILINE)) for tune in tunes]


def _of_mxl(path: Path) -> Header:
    with zipfile.ZipFile(path) as archive:
        container = etree.fromstring(archive.read('META-INF/container.xml'), _parser())
        inner = container.xpath('string(//*[local-name()="rootfile"]/@full-path)')
        return _of_xml(io.BytesIO(archive.read(str(inner))))


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)


def _of_xml(file: IO[bytes]) -> Header:
    def texts() -> Iterator[tuple[str, str]]:
        for _, element in etree.iterparse(file, resolve_entities=False, no_network=True):
            name = etree.QName(element).localname
            if name in _MUSIC:
                return
            if name in _ELEMENTS and element.get('type', 'composer') == 'composer':
                yield _ELEMENTS[name], ' '.join(''.join(element.itertext()).split())
    return _first(texts())


def _first(pairs: Iterator[tuple[str, str]]) -> Header:
    found: Header = {}
    for column, text in pairs:
        if text:
            found.setdefault(column, text)
    return found
