"""Whether a MusicXML file is valid, and whether MuseScore opens it with all its notes."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from qbdi_m21.errors import ParameterError, ScoreError
from qbdi_m21.notation.safety import check_file

#: Of MusicXML, compressed and not.
SUFFIXES = ('.musicxml', '.xml', '.mxl')

#: Versions of MusicXML whose schemas are here; MuseScore 3 knows the first only.
VERSIONS = ('3.1', '4.0')

#: What MuseScore is called where it is installed.
MUSESCORE = ('mscore3', 'musescore3', 'mscore', 'musescore', 'MuseScore3', 'mscore4portable')

#: What MuseScore says of a file that it misreads while it exits with 0.
_BAD_WORDS = ('not a valid MusicXML', 'calculated duration', 'cannot find part', 'cannot read')

#: Tuplets are rounded by less than this, in quarters.
_ROUNDING = Fraction(1, 24)

#: Most lines of one kind of error.
_MOST = 8

_STEPS = {'C': 0, 'D': 2, 'E': 4, 'F': 5, 'G': 7, 'A': 9, 'B': 11}

#: Part, measure (both from 0), onset in it, MIDI number, quarters.
_Note = tuple[int, int, Fraction, float, Fraction]


def musicxml_root(path: str | os.PathLike[str]) -> etree._Element:
    """Return the root of a .musicxml, .xml or .mxl file; neither DTDs nor the network are used.

    Raises
    ------
    ScoreError
        If it is none, or unpacks without end.
    """
    source = Path(path)
    if not source.is_file():
        raise ScoreError(f'no such file: {source}; expected a MusicXML file')
    check_file(source)
    parser = etree.XMLParser(load_dtd=False, no_network=True, resolve_entities=False,
                             huge_tree=True)
    try:
        data = source.read_bytes()
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as archive:
                container = etree.fromstring(archive.read('META-INF/container.xml'), parser)
                named = container.find('.//{*}rootfile')
                data = archive.read('' if named is None else named.get('full-path', ''))
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, KeyError) as error:
        raise ScoreError(f'{source} is no MusicXML ({error}); expected a file that a notation '
                         'program exported') from error


class _Resolver(etree.Resolver):
    """Gives the schemas that the schema imports from beside it: nothing comes from the network."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def resolve(  # type: ignore[override]
            self, system_url: str, public_id: str, context: Any) -> Any:
        """Return a schema that is imported."""
        local = self.folder / (system_url or '').rsplit('/', 1)[-1]
        return self.resolve_filename(       # type: ignore[attr-defined]
            str(local), context) if local.is_file() else None


@cache
def _schema(version: str) -> etree.XMLSchema:
    folder = Path(__file__).parent / 'schema' / version
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Resolver(folder))
    return etree.XMLSchema(etree.parse(str(folder / 'musicxml.xsd'), parser))


def check_musicxml(path: str | os.PathLike[str], *, versions: tuple[str, ...] = VERSIONS,
                   musescore: bool = False) -> list[str]:
    """Return what is wrong with a MusicXML file; nothing, if it is good.

    Parameters
    ----------
    path : path
        `.musicxml`, `.xml` or `.mxl`.
    versions : tuple of str
        Of MusicXML: by the schema of each, and its references between ids.
    musescore : bool
        Also open it in MuseScore, which must be installed, and compare each note (part, measure,
        onset, pitch, length) with what comes back.

    Raises
    ------
    ScoreError
        If the file cannot be read.
    ParameterError
        If there is no such version, or no MuseScore.
    """
    unknown = set(versions) - set(VERSIONS)
    if unknown:
        raise ParameterError(f'no schema of MusicXML {", ".join(sorted(unknown))}; expected '
                             f'{" or ".join(VERSIONS)}')
    root = musicxml_root(path)
    found = []
    for version in versions:
        schema = _schema(version)
        if not schema.validate(root):
            log: Any = schema.error_log
            found += [f'MusicXML {version}, line {error.line}: {error.message}'
                      for error in list(log)[:_MOST]]
    found += _reference_errors(root)
    return found + (_musescore_errors(Path(path), root) if musescore else [])


def _reference_errors(root: etree._Element) -> list[str]:
    """libxml2 follows no reference; a part that is not listed makes MuseScore 3 crash."""
    declared = {part.get('id'): {one.get('id') for one in part.findall('score-instrument')}
                for part in root.findall('part-list/score-part')}
    parts = [part.get('id') for part in root.findall('part')]
    found = []
    if root.tag == 'score-partwise' and set(parts) != set(declared):
        found.append(f'the parts are {parts}, the part-list names {list(declared)}')
    for part in root.findall('part'):
        bad = {one.get('id') for one in part.iter('instrument')} - declared.get(
            part.get('id'), set())
        if bad:
            found.append(f'part {part.get("id")}: instruments that are not declared: '
                         f'{", ".join(sorted(str(one) for one in bad))}')
    return found


def find_musescore() -> str | None:
    """Return the program MuseScore, or None where it is not installed."""
    return next((found for name in MUSESCORE if (found := shutil.which(name))), None)


def run_musescore(source: Path, target: Path, *options: str, timeout_s: float = 300.0) -> str:
    """Let MuseScore convert a file; return what it said.

    Raises
    ------
    ParameterError
        If it is not installed, fails or writes nothing.
    """
    program = find_musescore()
    if program is None:
        raise ParameterError('MuseScore is not installed; expected one of '
                             f'{", ".join(MUSESCORE)} on the path')
    with tempfile.TemporaryDirectory() as folder:
        # without a screen, and without the user's own settings
        surroundings = {'XDG_RUNTIME_DIR': folder, **os.environ, 'QT_QPA_PLATFORM': 'offscreen'}
        try:
            done = subprocess.run([program, *options, '-o', str(target), str(source)],
                                  env=surroundings, timeout=timeout_s, capture_output=True,
                                  text=True, errors='replace', check=False)
        except subprocess.TimeoutExpired as error:
            raise ParameterError(f'MuseScore did not end within {timeout_s:g} s') from error
    said = done.stdout + done.stderr
    if done.returncode:
        raise ParameterError(f'MuseScore ended with {done.returncode}: {said.strip()[-300:]}')
    return said


def _musescore_errors(path: Path, root: etree._Element) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / 'again.musicxml'
        said = run_musescore(path, target)
        found = [f'MuseScore: {line.strip()}' for line in said.splitlines()
                 if any(words in line for words in _BAD_WORDS)
                 and 'assuming rounding error' not in line][:_MOST]
        if not target.is_file():
            return [*found, f'MuseScore wrote no file: {said.strip()[-300:]}']
        again = musicxml_root(target)
    # MuseScore maps unpitched notes anew
    drums = {place for place, part in enumerate(root.findall('part'))
             if part.find('.//unpitched') is not None}
    before, after = (Counter({note: count for note, count in Counter(_notes(one)).items()
                              if note[0] not in drums}) for one in (root, again))
    lost, new = _without_rounding(before - after, after - before)
    for word, notes in (('lost', lost), ('new', new)):
        found += [f'MuseScore: {word} note in part {part + 1}, measure {measure + 1} of the '
                  f'file, at {onset}: MIDI {pitch:g}, {quarters} quarters, {count} times'
                  for (part, measure, onset, pitch, quarters), count in
                  sorted(notes.items())[:_MOST]]
        if len(notes) > _MOST:
            found.append(f'MuseScore: {sum(notes.values())} of {sum(before.values())} notes {word}')
    return found


def _without_rounding(lost: Counter[_Note], new: Counter[_Note]
                      ) -> tuple[Counter[_Note], Counter[_Note]]:
    """Leave out notes that are only rounded tuplets."""
    for one in sorted(lost):
        for other in sorted(new):
            if (one[0], one[1], one[3]) == (other[0], other[1], other[3]) and (
                    abs(one[2] - other[2]) <= _ROUNDING and abs(one[4] - other[4]) <= _ROUNDING):
                same = min(lost[one], new[other])
                lost[one] -= same
                new[other] -= same
    return +lost, +new


def _notes(root: etree._Element) -> Iterator[_Note]:
    """Yield every pitched note as the XML has it; ties are not joined."""
    for place, part in enumerate(root.findall('part')):
        divisions = Fraction(1)
        for number, measure in enumerate(part.findall('measure')):
            now = last = Fraction(0)
            for element in measure:
                if element.tag == 'attributes':
                    divisions = Fraction(element.findtext('divisions') or divisions)
                elif element.tag in ('backup', 'forward'):
                    move = Fraction(element.findtext('duration', '0')) / divisions
                    now += move if element.tag == 'forward' else -move
                elif element.tag == 'note' and element.find('grace') is None:
                    quarters = Fraction(element.findtext('duration', '0')) / divisions
                    if element.find('chord') is None:
                        last, now = now, now + quarters
                    pitch = element.find('pitch')
                    if pitch is not None and element.find('cue') is None:
                        midi = (12 * (int(pitch.findtext('octave', '0')) + 1)
                                + _STEPS[pitch.findtext('step', 'C')]
                                + float(pitch.findtext('alter', '0')))
                        yield place, number, last, midi, quarters
