"""Bad input: one line on stderr, exit status 2, and no file left."""

import io
import json
import re
import zipfile

import mido
import pytest
from click.testing import CliRunner
from musicxml_checks import block_model, write_model_file

from qbdi_m21.cli import main

TUNE = 'X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\nGABc|GABc|GFED|C4|]\n'

SCORE = """<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="4.0"><part-list><score-part id="P1"><part-name>A</part-name></score-part>
</part-list><part id="P1"><measure number="1"><attributes><divisions>1</divisions>
<time><beats>4</beats><beat-type>4</beat-type></time></attributes>{note}</measure></part>
</score-partwise>
"""
PITCH = '<pitch><step>C</step><octave>4</octave></pitch>'
DRUM = '<unpitched><display-step>C</display-step><display-octave>5</display-octave></unpitched>'


def one_note(what: str) -> str:
    return SCORE.format(note=f'<note>{what}<duration>4</duration><type>whole</type></note>')


def midi_bytes(channel: int | None, *, notes: int = 40) -> bytes:
    midi = mido.MidiFile()
    track = midi.add_track('A')
    for k in range(notes if channel is not None else 0):
        track.append(mido.Message('note_on', note=60 + k % 12, channel=channel, time=0))
        track.append(mido.Message('note_off', note=60 + k % 12, channel=channel, time=480))
    held = io.BytesIO()
    midi.save(file=held)
    return held.getvalue()


def zip_bytes(**members: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, 'w') as archive:
        for name, content in members.items():
            archive.writestr(name.replace('__', '.'), content)
    return held.getvalue()


@pytest.fixture(scope='module')
def blocks(tmp_path_factory):
    return write_model_file(block_model(), tmp_path_factory.mktemp('model') / 'blocks.keras')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a working folder with a good tune and many bad files."""
    monkeypatch.chdir(tmp_path)
    whole = one_note(PITCH)
    files = {
        'tune.abc': TUNE, 'cut.musicxml': whole[:len(whole) * 2 // 3], 'rests.musicxml':
        one_note('<rest/>'), 'drums.musicxml': one_note(DRUM), 'letter.musicxml': 'Dear reader,\n',
        'letter.mid': 'Dear reader,\n', 'empty.musicxml': '', 'empty.mid': '', 'letter.keras':
        'Dear reader,\n', 'cut.mid': midi_bytes(0)[:150], 'drums.mid': midi_bytes(9),
        'nothing.mid': midi_bytes(None), 'letter.mxl': 'Dear reader,\n',
        'other.mxl': zip_bytes(a='b'), 'other.keras': zip_bytes(a='b'),
        'sequential.keras': zip_bytes(config__json=json.dumps(
            {'class_name': 'Sequential', 'registered_name': None, 'config': {}})),
        'list.keras': zip_bytes(config__json='[1, 2]'),
        'broken.keras': zip_bytes(config__json='{"registered_name": '),
        'bare.keras': zip_bytes(config__json='{"registered_name": "qbdi_m21>DenseVAE"}'),
        'book.abc': TUNE + '\n' + TUNE.replace('X:1', 'X:2'),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    (tmp_path / 'scores').mkdir()
    return tmp_path


def assert_fails(folder, message: str, *arguments: object) -> None:
    """Run a command that must fail with one line, and leave the folder as it was."""
    before = {p: p.read_bytes() for p in folder.rglob('*') if p.is_file()}
    done = CliRunner().invoke(main, [str(a) for a in arguments], prog_name='qbdi-m21')
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.stdout == ''
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith('qbdi-m21: error: ')
    assert re.search(message, lines[0]), lines[0]
    assert done.exit_code == 2
    assert {p: p.read_bytes() for p in folder.rglob('*') if p.is_file()} == before


@pytest.mark.parametrize(('query', 'message'), [
    ('none.musicxml', 'no such file: none.musicxml'),
    ('scores', 'scores is a folder; expected one score file'),
    ('corpus:bach/none', "no work 'bach/none' in music21's corpus"),
    ('corpus:', "no work '' in music21's corpus"),
    ('cut.musicxml', 'cut.musicxml cannot be read'),
    ('cut.mid', 'cut.mid cannot be read as MIDI'),
    ('letter.musicxml', 'letter.musicxml cannot be read'),
    ('letter.mid', 'letter.mid cannot be read as MIDI'),
    ('letter.mxl', 'letter.mxl cannot be read'),
    ('other.mxl', 'other.mxl cannot be read'),
    ('empty.musicxml', 'empty.musicxml cannot be read'),
    ('empty.mid', 'empty.mid cannot be read as MIDI'),
    ('rests.musicxml', 'rests.musicxml holds no note'),
    ('nothing.mid', 'nothing.mid holds no note'),
    ('drums.musicxml', r'no pitched note; .* \(percussion, rests'),
    ('drums.mid', 'drums.mid holds only percussion'),
    ('book.abc', r'is a book of 2 scores; .*--number 1'),
    ('', 'no query given'),
])
def test_bad_queries(query, message, folder, blocks):
    assert_fails(folder, message, 'improvise', query, '--model', blocks, '-o', 'out.musicxml',
                 '--json', 'out.json')


@pytest.mark.parametrize('rate', ['-1', '-0.5', 'nan', 'fast', '12.5', 'inf', '-inf', '', 'FULL'])
def test_bad_rates(rate, folder, blocks):
    assert_fails(folder, f'rate is {rate!r}; expected a whole number of bits', 'improvise',
                 'tune.abc', '--model', blocks, f'--rate={rate}', '-o', 'out.musicxml')


@pytest.mark.parametrize(('model', 'message'), [
    ('letter.keras', 'letter.keras is not a model file'),
    ('other.keras', 'other.keras is not a model file'),
    ('list.keras', 'list.keras is not a model file'),
    ('broken.keras', 'broken.keras is not a model file'),
    ('bare.keras', 'bare.keras is not a model file'),
    ('sequential.keras', r'a Keras model of another kind \(Sequential\)'),
    ('none.keras', "no model 'none.keras'; expected a shipped model"),
    ('scores', "no model 'scores'"),
    ('tune.abc', 'tune.abc is not a model file'),
])
def test_bad_models(model, message, folder):
    assert_fails(folder, message, 'improvise', 'tune.abc', '--model', model, '-o', 'out.musicxml')


@pytest.mark.parametrize(('option', 'value', 'message'), [
    ('-o', 'out.pdf', r"out\.pdf ends in '\.pdf'; expected \.musicxml or \.xml or \.mxl"),
    ('-o', 'out', "out ends in ''"),
    ('-o', 'none/out.musicxml', 'there is no folder none'),
    ('--json', 'none/out.json', 'there is no folder none'),
    ('--json', 'out.txt', r"ends in '\.txt'; expected \.json"),
    ('--threshold', '2', 'threshold is 2.0; expected a probability'),
    ('--threshold', 'nan', 'threshold is nan; expected a probability'),
    ('--number', '2', 'is one score; number is 2'),
    ('--number', '0', 'is one score; number is 0'),
    ('--seed', '-1', 'seed'),
    ('--seed', '1.5', 'seed'),
    ('--threshold', 'high', 'threshold'),
    ('--number', 'two', 'number'),
    ('--tempo', '90', 'No such option'),
])
def test_bad_options(option, value, message, folder, blocks):
    assert_fails(folder, message, 'improvise', 'tune.abc', '--model', blocks, option, value)


def test_a_missing_query_is_one_line(folder):
    assert_fails(folder, 'QUERY', 'improvise')


def test_an_unknown_command_is_one_line(folder):
    assert_fails(folder, "No such command 'sing'", 'sing')


def test_the_output_is_checked_before_the_score_is_read(folder, blocks):
    assert_fails(folder, 'there is no folder none', 'improvise', 'cut.musicxml', '--model',
                 blocks, '-o', 'none/out.mxl')


@pytest.mark.parametrize('suffix', ['.musicxml', '.xml'])
def test_the_query_is_not_overwritten(suffix, folder, blocks):
    (folder / f'q{suffix}').write_text(one_note(PITCH))
    assert_fails(folder, 'is the query itself', 'improvise', f'q{suffix}', '--model', blocks, '-o',
                 f'./q{suffix}')


def test_a_folder_that_is_named_like_an_output_is_refused(folder, blocks):
    (folder / 'out.musicxml').mkdir()
    assert_fails(folder, 'it is a folder', 'improvise', 'tune.abc', '--model', blocks, '-o',
                 'out.musicxml')
