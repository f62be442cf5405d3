"""Shared checks: schemas, MuseScore, full measures, untouched scores; and small models to serve."""

from __future__ import annotations

import functools
import importlib.util
import io
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path

import h5py
import numpy as np
import pytest
from lxml import etree
from music21 import stream

from qbdi_m21.model.dense import DenseModel
from qbdi_m21.model.inference import STATISTICS, LatentModel
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.model.store import FORMAT

XML_STUB = b'''<xs:schema targetNamespace="http://www.w3.org/XML/1998/namespace"
 xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:attribute name="lang" type="xs:language"/>
<xs:attribute name="space"><xs:simpleType><xs:restriction base="xs:NCName">
<xs:enumeration value="default"/><xs:enumeration value="preserve"/>
</xs:restriction></xs:simpleType></xs:attribute></xs:schema>'''

XLINK_STUB = ('<xs:schema targetNamespace="http://www.w3.org/1999/xlink" '
              'xmlns:xs="http://www.w3.org/2001/XMLSchema">' + ''.join(
                  f'<xs:attribute name="{name}" type="xs:token"/>'
                  for name in ('href', 'type', 'role', 'title', 'show', 'actuate'))
              + '</xs:schema>').encode()

STEPS = {'C': 0, 'D': 2, 'E': 4, 'F': 5, 'G': 7, 'A': 9, 'B': 11}

#: What MuseScore says of a file that it misreads while it exits with 0.
BAD_WORDS = ('not a valid MusicXML', 'calculated duration', 'cannot find part', 'cannot read')


class _Resolver(etree.Resolver):
    """Gives the two imported schemas from stubs: nothing is read from the network."""

    def resolve(self, url, pubid, context):
        name = (url or '').rsplit('/', 1)[-1]
        stubs = {'xml.xsd': XML_STUB, 'xlink.xsd': XLINK_STUB}
        return self.resolve_string(stubs[name], context) if name in stubs else None


def schema_path(version: str) -> Path:
    """Return the XSD of MusicXML 4.0 (PyPI's `musicxml`) or 3.1 (beside the checkout)."""
    if version == '4.0':
        spec = importlib.util.find_spec('musicxml')
        assert spec is not None, 'the test extra asks for the package musicxml'
        return Path(spec.submodule_search_locations[0]) / 'generate_classes/musicxml_4_0.xsd'
    return Path(__file__).resolve().parents[2] / 'shared/schema/3.1/musicxml.xsd'


@functools.cache
def load_schema(version: str) -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Resolver())
    return etree.XMLSchema(etree.parse(str(schema_path(version)), parser))


def require_schema(version: str) -> None:
    """Skip visibly where the schema is not there."""
    if not schema_path(version).is_file():
        pytest.skip(f'no MusicXML {version} schema at {schema_path(version)}')


def read_musicxml(source: Path | bytes) -> etree._Element:
    """Return the root of MusicXML bytes, or of a .musicxml or .mxl file."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    if data[:4] == b'PK\x03\x04':
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            container = etree.fromstring(archive.read('META-INF/container.xml'))
            data = archive.read(container.find('.//{*}rootfile').get('full-path'))
    return etree.fromstring(data, etree.XMLParser(load_dtd=False, no_network=True))


def schema_errors(source: Path | bytes, version: str = '4.0') -> list[str]:
    """Return what a schema says against a file, references of parts and instruments included."""
    root, schema = read_musicxml(source), load_schema(version)
    schema.validate(root)
    errors = [f'line {e.line}: {e.message}' for e in schema.error_log]
    declared = {p.get('id'): {i.get('id') for i in p.findall('score-instrument')}
                for p in root.findall('part-list/score-part')}
    parts = [p.get('id') for p in root.findall('part')]
    if sorted(parts) != sorted(declared):
        errors.append(f'parts {parts} are not those of the part-list {list(declared)}')
    for part in root.findall('part'):
        used = {i.get('id') for i in part.iter('instrument')}
        unknown = used - declared.get(part.get('id'), set())
        errors += [f'part {part.get("id")}: unknown instruments {unknown}'] * bool(unknown)
    return errors


def note_events(root: etree._Element) -> Counter:
    """Count (part, measure, onset, MIDI number, quarters) of the noteheads, read from the XML."""
    found: Counter = Counter()
    for part_index, part in enumerate(root.findall('part')):
        divisions = Fraction(1)
        for measure_index, measure in enumerate(part.findall('measure')):
            now = last = Fraction(0)
            for element in measure:
                if element.findtext('divisions'):
                    divisions = Fraction(element.findtext('divisions'))
                length = Fraction(element.findtext('duration', '0')) / divisions
                if element.tag in ('backup', 'forward'):
                    now += length if element.tag == 'forward' else -length
                if element.tag != 'note' or element.find('grace') is not None:
                    continue
                if element.find('chord') is None:
                    last, now = now, now + length
                pitch = element.find('pitch')
                if pitch is not None and element.find('cue') is None:
                    midi = (12 * (int(pitch.findtext('octave')) + 1)
                            + STEPS[pitch.findtext('step')] + float(pitch.findtext('alter', '0')))
                    found[part_index, measure_index, last, midi, length] += 1
    return found


def voice_lengths(part: etree._Element) -> list[dict[tuple[str, str], Fraction]]:
    """Return, for each measure, how many quarters each (staff, voice) fills."""
    divisions, measures = Fraction(1), []
    for measure in part.findall('measure'):
        filled: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        for element in measure:
            if element.findtext('divisions'):
                divisions = Fraction(element.findtext('divisions'))
            if element.tag == 'note' and element.find('chord') is None:
                place = element.findtext('staff', '1'), element.findtext('voice', '1')
                filled[place] += Fraction(element.findtext('duration', '0')) / divisions
        measures.append(dict(filled))
    return measures


def musescore() -> str | None:
    """Return MuseScore 3's command, if it is installed."""
    return shutil.which('musescore3') or shutil.which('mscore3')


def musescore_errors(path: Path, *, timeout: float = 300,
                     tolerance: Fraction = Fraction(1, 24)) -> list[str]:
    """Return what goes wrong when MuseScore reads a file and writes it again."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / 'out.musicxml'
        done = subprocess.run(
            [musescore(), '-o', str(out), str(path)], timeout=timeout, capture_output=True,
            text=True, errors='replace', check=False,
            env={**os.environ, 'QT_QPA_PLATFORM': 'offscreen', 'XDG_RUNTIME_DIR': folder})
        log = done.stdout + done.stderr
        errors = [] if done.returncode == 0 else [f'exit status {done.returncode}: {log[-400:]}']
        errors += [line.strip() for line in log.splitlines()
                   if any(words in line for words in BAD_WORDS)
                   and 'assuming rounding error' not in line]
        if not out.is_file():
            return [*errors, f'no file written: {log[-400:]}']
        before, after = note_events(read_musicxml(path)), note_events(read_musicxml(out))
    lost, new = before - after, after - before
    for key in list(lost):              # rounded tuplets are re-timed, not lost
        near = next((k for k in new if (k[0], k[1], k[3]) == (key[0], key[1], key[3])
                     and abs(k[2] - key[2]) <= tolerance and abs(k[4] - key[4]) <= tolerance), None)
        if near is not None:
            kept = min(lost[key], new[near])
            lost[key], new[near] = lost[key] - kept, new[near] - kept
    lost, new = +lost, +new
    return [*errors, *(f'lost {k} x{n}' for k, n in list(lost.items())[:8]),
            *(f'new {k} x{n}' for k, n in list(new.items())[:8])]


def fingerprint(score: stream.Stream) -> list[tuple]:
    """Return what a caller can see of a score, element by element: equal means untouched."""
    rows = [(score.id, score.derivation.method, id(score.derivation.origin), str(score.groups),
             None if score.metadata is None else str(score.metadata.all()))]
    for element in score.recurse():
        rows.append((
            id(element), type(element).__name__, element.id, element.offset,
            element.quarterLength, id(element.activeSite), element.style.color,
            list(element.groups), getattr(element, 'notehead', None),
            getattr(element, 'stemDirection', None), getattr(element, 'placement', None),
            getattr(element, 'partName', None), str(getattr(element, 'tie', None)),
            str(getattr(element, 'beams', None)), len(element.expressions)
            if hasattr(element, 'expressions') else 0,
            [(p.nameWithOctave, p.accidental and p.accidental.displayStatus)
             for p in getattr(element, 'pitches', ())]))
    return rows


def block_model(spec: FrameSpec | None = None, *, threshold: float = 0.5,
                card: dict | None = None) -> DenseModel:
    """Return a model that holds, in half bars, the pitches which sound through much of a bar.

    A latent is a pitch's share of the window; pitch classes C to F come back a semitone higher,
    so that query and improvisation clash. The channel's mean is silence.
    """
    spec = spec or FrameSpec()
    frames, pitches = spec.window_frames, spec.num_pitches
    share = np.zeros((frames, 2, pitches, pitches), np.float32)
    back = np.zeros((pitches, frames, 2, pitches), np.float32)
    for k in range(pitches):
        share[:, 0, k, k] = 1 / frames
        target = min(k + ((k + spec.pitch_low) % 12 <= 5), pitches - 1)
        back[k, :, 0, target] = 40
        back[k, ::max(frames // 2, 1), 1, target] = 40
    identity, none = np.eye(pitches, dtype=np.float32), np.zeros(pitches, np.float32)
    weights = {
        'encoder_hidden': (share.reshape(-1, pitches), none),
        'encoder_mean': (identity, none),
        'encoder_log_variance': (np.zeros_like(identity), none - 9),
        'decoder_hidden': (identity, none),
        'decoder_logits': (back.reshape(pitches, -1),
                           np.full(spec.num_inputs, -8, np.float32))}
    return DenseModel(spec, {'hidden': pitches, 'latent': pitches}, weights, none,
                      none + np.float32(0.05), none + np.float32(1e-4), threshold,
                      card=card or {'name': 'blocks'})


def write_model_file(model: LatentModel, path: Path, **changes: object) -> Path:
    """Write a model in the layout of a `.keras` file, without Keras; `changes` go to the config."""
    config = {'format': FORMAT, 'spec': model.spec.to_json(), 'sizes': model.sizes,
              'threshold': model.threshold, 'decoding': model.decoding, 'card': model.card}
    kind = {'dense': 'DenseVAE', 'context': 'ContextVAE'}[model.network]
    weights = io.BytesIO()
    with h5py.File(weights, 'w') as h5:
        for name in model.weights:
            for place, values in enumerate(model.weights[name]):
                h5[f'{name}/vars/{place}'] = values
        for place, name in enumerate(STATISTICS):
            h5[f'latent_statistics/vars/{place}'] = getattr(model, name)
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('config.json', json.dumps({
            'registered_name': f'qbdi_m21>{kind}', 'class_name': kind, 'config': config | changes}))
        archive.writestr('model.weights.h5', weights.getvalue())
    return path
