"""MusicXML that notation programs open cleanly: deterministic, valid, no note lost.

music21 writes the score; lxml mends what it writes: voice numbers that change from measure to
measure (MuseScore keeps four a staff and drops the rest), repeated ids, the date of the day.
"""

from __future__ import annotations

import copy
import os
import re
import zipfile
from pathlib import Path

from lxml import etree
from music21 import chord, instrument, layout, note, spanner, stream
from music21.exceptions21 import Music21Exception
from music21.musicxml.m21ToXml import GeneralObjectExporter

from qbdi_m21.errors import NotationError, NotationWarning, ParameterError, warn
from qbdi_m21.files import write_aside
from qbdi_m21.frames.measures import as_score, give_measures
from qbdi_m21.notation.checking import SUFFIXES
from qbdi_m21.notation.divisions import exact_divisions
from qbdi_m21.notation.record import pack_record

#: Brackets that can be open at once over each of two joined staves: numbers go from 1 to 6.
LINES_OF_STAFF = 3

#: Characters that no XML file may hold.
_CONTROL = re.compile(rb'[\x00-\x08\x0b\x0c\x0e-\x1f]')

_CONTAINER = b"""<?xml version="1.0" encoding="UTF-8"?>
<container><rootfiles><rootfile full-path="score.musicxml"
 media-type="application/vnd.recordare.musicxml+xml"/></rootfiles></container>
"""


def write_musicxml(score: stream.Score, path: str | os.PathLike[str], *,
                   keep: bool = True) -> None:
    """Write a score as MusicXML 4.0: the same score, the same bytes.

    Parameters
    ----------
    score : music21.stream.Score
        Not changed, unless `keep` is False.
    path : path
        Ends in `.musicxml` or `.xml`, or `.mxl` for a compressed file. Written whole or
        not at all.
    keep : bool
        False lets the writer change the score, which saves copying one that is not used again.

    Raises
    ------
    NotationError
        If music21 cannot write the score.
    """
    target = check_suffix(path)
    data = to_musicxml(score, keep=keep)
    with write_aside(target) as aside:
        if target.suffix.lower() == '.mxl':
            with zipfile.ZipFile(aside, 'w', zipfile.ZIP_DEFLATED) as archive:
                for name, content in (('META-INF/container.xml', _CONTAINER),
                                      ('score.musicxml', data)):
                    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                    archive.writestr(member, content, zipfile.ZIP_DEFLATED)
        else:
            aside.write_bytes(data)


def check_suffix(path: str | os.PathLike[str]) -> Path:
    """Return the path, or raise ParameterError where its suffix is not MusicXML's."""
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise ParameterError(f'{target} ends in {target.suffix!r}; expected one of '
                             f'{", ".join(SUFFIXES)}')
    return target


def to_musicxml(score: stream.Score, *, keep: bool = True) -> bytes:
    """Return a score as MusicXML 4.0 bytes; see :func:`write_musicxml`."""
    ready: stream.Score = copy.deepcopy(as_score(score)) if keep else as_score(score)
    _prepare(ready)
    colors, slurs = _mark_lines(ready), _mark_slurs(ready)
    exporter = GeneralObjectExporter(ready)
    exporter.makeNotation = False
    try:
        with exact_divisions(ready):
            raw = exporter.parse()
    except (Music21Exception, ValueError, TypeError, AttributeError, KeyError) as error:
        raise NotationError(f'music21 cannot write this score ({error}); expected notes and rests '
                            'of lengths that notation has') from error
    root = etree.fromstring(_CONTROL.sub(b'', raw), etree.XMLParser(
        load_dtd=False, no_network=True, resolve_entities=False, remove_blank_text=True,
        huge_tree=True))
    place_directions(root)
    crowded = number_voices(root)
    if crowded:
        warn(f'{crowded} measures have more than four voices on a staff; notation '
             'programs drop the rest', NotationWarning)
    _mend_lines(root, colors)
    _color_slurs(root, slurs)
    _drop_repeated_ids(root)
    _mend_identification(root)
    pack_record(root)
    doctype = ('<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
               '"http://www.musicxml.org/dtds/partwise.dtd">')
    return bytes(etree.tostring(root, encoding='UTF-8', xml_declaration=True, pretty_print=True,
                                doctype=doctype))


def _prepare(score: stream.Score) -> None:
    """Give every part what music21 needs to write it as it is: measures, beams, fixed ids."""
    give_measures(score)
    number_of: dict[stream.Part, str] = {}
    for part in score.parts:
        joined = [other for group in score.getElementsByClass(layout.StaffGroup)
                  if isinstance(part, stream.PartStaff) and part in group.getSpannedElements()
                  for other in group.getSpannedElements() if other in number_of]
        number_of[part] = number_of[joined[0]] if joined else (
            f'P{len(set(number_of.values())) + 1}')
        _fix_instruments(part, number_of[part])
        _fix_notation(part)


def _fix_instruments(part: stream.Part, number: str) -> None:
    """music21 makes up ids at each export; joined staves must share theirs."""
    found = list(part.recurse().getElementsByClass(instrument.Instrument))
    if not part.getElementsByClass(instrument.Instrument) and not found:
        found = [instrument.Instrument()]
        found[0].partName = part.partName
        part.insert(0, found[0])
    for place, sound in enumerate(found):
        sound.partId, sound.instrumentId = number, f'{number}-I{place + 1}'


def _fix_notation(part: stream.Part) -> None:
    """What music21's own export does before it writes, only where it is missing."""
    for measure in part.getElementsByClass(stream.Measure):
        for layer in (measure, *measure.voices):
            if any(e.duration.type == 'complex' for e in layer.notesAndRests):
                layer.splitAtDurations()
    if not part.streamStatus.haveAccidentalsBeenMade():
        part.makeAccidentals(inPlace=True)
    if not part.streamStatus.beams:
        part.makeBeams(inPlace=True)
    if not part.streamStatus.tuplets:
        for measure in part.getElementsByClass(stream.Measure):
            for layer in (measure, *measure.voices):
                stream.makeNotation.makeTupletBrackets(layer, inPlace=True)


def number_voices(root: etree._Element) -> int:
    """Number the voices of staff s 4(s-1)+1 .. 4(s-1)+4, in order of appearance in a measure.

    Returns the number of (measure, staff) pairs with more than four voices, whose further
    ones notation programs drop.
    """
    too_many = 0
    for measure in root.iterfind('part/measure'):
        seen: dict[int, dict[str, int]] = {}
        for element in measure:
            voice = element.find('voice')
            if voice is None:
                continue
            staff = int(element.findtext('staff', '1'))
            numbers = seen.setdefault(staff, {})
            if element.tag == 'note':
                numbers.setdefault(voice.text or '1', len(numbers))
            if voice.text in numbers:
                voice.text = str(4 * (staff - 1) + 1 + numbers[voice.text])
        too_many += sum(len(numbers) > 4 for numbers in seen.values())
    return too_many


def place_directions(root: etree._Element) -> None:
    """Move every direction to its time: notation programs ignore its <offset>."""
    for direction in root.iterfind('part/measure/direction'):
        offset = direction.find('offset')
        shift = int(float(offset.text or 0)) if offset is not None else 0
        if offset is None or not shift:
            continue
        direction.remove(offset)
        there, back = ('forward', 'backup') if shift > 0 else ('backup', 'forward')
        for tag, add in ((there, direction.addprevious), (back, direction.addnext)):
            move = etree.Element(tag)
            etree.SubElement(move, 'duration').text = str(abs(shift))
            add(move)


def _mark_lines(score: stream.Score) -> dict[str, str | None]:
    """Give every bracket an id, by which its ends are known in the XML; return their colours."""
    colors = {}
    for place, line in enumerate(score.recurse().getElementsByClass(spanner.Line)):
        line.id = f'line{place}'
        colors[line.id] = line.style.color if line.hasStyleInformation else None
    return colors


def _mark_slurs(score: stream.Score) -> dict[str, list[str]]:
    """Give the first notes of coloured slurs an id; return the colours of the slurs there."""
    heads: dict[int, tuple[note.NotRest, list[str]]] = {}
    for slur in score.recurse().getElementsByClass(spanner.Slur):
        first = slur.getFirst()
        if first is not None:
            head = first.notes[0] if isinstance(first, chord.Chord) else first
            color = slur.style.color if slur.hasStyleInformation else None
            heads.setdefault(id(head), (head, []))[1].append(str(color or ''))
    colors = {}
    for place, (head, own) in enumerate(heads.values()):
        if any(own):
            head.id = f'slur{place}'
            colors[head.id] = own
    return colors


def _color_slurs(root: etree._Element, colors: dict[str, list[str]]) -> None:
    """Give slurs their colours, which music21 does not write, from start to stop."""
    if not colors:
        return
    for part in root.iterfind('part'):
        drawn: dict[str, str] = {}
        for head in part.iterfind('measure/note'):
            waiting = list(colors.get(head.get('id', ''), ()))
            for slur in head.iterfind('notations/slur'):
                number = slur.get('number', '1')
                if slur.get('type') == 'start':
                    drawn[number] = waiting.pop(0) if waiting else ''
                if drawn.get(number):
                    slur.set('color', drawn[number])
            if head.get('id', '') in colors:
                del head.attrib['id']


def _mend_lines(root: etree._Element, colors: dict[str, str | None]) -> None:
    """Give brackets the colours of their lines, and numbers that no other open one has.

    music21 writes no colour, and numbers the lines of joined staves so that programs mix
    up their ends.
    """
    for part in root.iterfind('part'):
        numbers: dict[str, int] = {}
        for direction in part.iterfind('measure/direction'):
            first = 1 + LINES_OF_STAFF * (int(direction.findtext('staff', '1')) - 1)
            for line in direction.iterfind('direction-type/*'):
                # a line's id stands on its direction or on itself, at both ends
                identifier = line.get('id') or direction.get('id') or ''
                if identifier not in colors:
                    continue
                for element in (line, direction):
                    if 'id' in element.attrib:
                        del element.attrib['id']
                color = colors[identifier]
                if color and line.tag == 'bracket':
                    line.set('color', color)
                if line.get('type') == 'start':
                    numbers[identifier] = min(set(range(first, 17)) - set(numbers.values()))
                if identifier in numbers:
                    line.set('number', str(numbers[identifier]))
                if line.get('type') == 'stop':
                    numbers.pop(identifier, None)


def _drop_repeated_ids(root: etree._Element) -> None:
    """An xs:ID stands once: tied halves and the two ends of a line repeat it."""
    used: set[str] = set()
    keep = {'part', 'score-part', 'score-instrument', 'midi-instrument', 'instrument'}
    for element in root.iter(etree.Element):
        identifier = element.get('id')
        if identifier is None or element.tag in keep:
            continue
        if identifier in used:
            del element.attrib['id']
        used.add(identifier)


def _mend_identification(root: etree._Element) -> None:
    """Leave out the date of the day, and the title and composer that music21 makes up."""
    for creator in root.iterfind('identification/creator'):
        if creator.text == 'Music21':
            root.find('identification').remove(creator)     # type: ignore[union-attr]
    for title in root.findall('movement-title'):
        if title.text == 'Music21 Fragment':
            root.remove(title)
    for date in root.iterfind('identification/encoding/encoding-date'):
        parent = date.getparent()
        if parent is not None:
            parent.remove(date)
