"""Scores from files and from music21's corpus."""

import time
import tracemalloc
import zipfile

import mido
import numpy as np
import pytest
from music21 import corpus, stream

import qbdi_m21 as q
from qbdi_m21.errors import EmptyScoreError, ParameterError, ScoreError
from qbdi_m21.notation.reading import load_score, load_scores
from qbdi_m21.notation.safety import MAX_MEMBERS, check_file

ABC = 'X:1\nT:Tune\nM:3/4\nL:1/4\nK:G\nGAB|c3|]\n'
BOOK = ABC + '\nX:2\nT:Other\nM:4/4\nL:1/4\nK:C\nCDEF|G4|]\n'


def write_midi(path, tracks, *, meter=(3, 4), key='D', quarter=480):
    """Write tracks of (channel, name, ((start, end, pitch), ...)) in quarters."""
    midi = mido.MidiFile(ticks_per_beat=quarter)
    head = midi.add_track()
    head.append(mido.MetaMessage('time_signature', numerator=meter[0], denominator=meter[1]))
    head.append(mido.MetaMessage('key_signature', key=key))
    for channel, name, notes in tracks:
        track = midi.add_track(name)
        events = sorted([(round(t * quarter), on, p) for a, b, p in notes
                         for t, on, p in ((a, 1, p), (b, 0, p))])
        now = 0
        for tick, on, pitch in events:
            track.append(mido.Message('note_on' if on else 'note_off', note=pitch, velocity=64,
                                      channel=channel, time=tick - now))
            now = tick
    midi.save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'tune.abc').write_text(ABC)
    (tmp_path / 'book.abc').write_text(BOOK)
    score = q.load_score(tmp_path / 'tune.abc')
    for name in ('tune.musicxml', 'tune.xml', 'tune.mxl'):
        q.write_musicxml(score, tmp_path / name)
    write_midi(tmp_path / 'tune.mid', [(0, 'Flute', [(0, 1, 67), (1, 2, 69), (2, 3, 71),
                                                     (3, 6, 72)])], key='G')
    return tmp_path


@pytest.mark.parametrize('name', ['tune.abc', 'tune.musicxml', 'tune.xml', 'tune.mxl', 'tune.mid'])
def test_every_format_gives_the_same_notes_and_meter(name, folder):
    score = load_score(folder / name)
    assert isinstance(score, stream.Score)
    table = q.extract_notes(score)
    assert table.spelling.tolist() == ['G4', 'A4', 'B4', 'C5']
    assert table.onset_ql.tolist() == [0, 1, 2, 3]
    assert table.duration_ql.tolist() == [1, 1, 1, 3]
    assert [bar.meter for bar in table.bars] == ['3/4', '3/4']
    assert {bar.sharps for bar in table.bars} == {1}


def test_a_path_may_be_a_str(folder):
    assert len(load_score(str(folder / 'tune.abc')).parts) == 1


def test_a_corpus_name_gives_the_work():
    score = load_score('corpus:bach/bwv66.6')
    theirs = corpus.parse('bach/bwv66.6')
    assert [n.pitches for n in score.recurse().notes] == [
        n.pitches for n in theirs.recurse().notes]


def test_midi_parts_have_their_names_pitches_and_staves(tmp_path):
    path = write_midi(tmp_path / 'Duo.mid', [
        (0, 'Flute', [(0, 1, 74), (1, 3, 78)]), (1, 'Cello', [(0, 3, 38)])])
    score = load_score(path)
    assert [p.partName for p in score.parts] == ['Flute', 'Cello']
    assert score.metadata.title == 'Duo'
    assert q.extract_notes(score).spelling.tolist() == ['D5', 'D2', 'F#5']


@pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QuantizationWarning')
def test_midi_of_a_player_comes_on_a_grid(tmp_path):
    path = write_midi(tmp_path / 'x.mid', [(0, 'P', [(0.03, 0.98, 60), (1.01, 2.05, 62)])])
    table = q.extract_notes(load_score(path))
    assert table.onset_ql.tolist() == [0, 1]
    assert table.duration_ql.tolist() == [1, 1]


def test_percussion_of_a_midi_file_is_left_out(tmp_path):
    path = write_midi(tmp_path / 'x.mid', [(9, 'Drums', [(0, 3, 38)]), (0, 'P', [(0, 3, 60)])])
    assert q.extract_notes(load_score(path)).pitch.tolist() == [60]


def test_a_score_of_a_book_is_chosen_by_its_number(folder):
    assert load_score(folder / 'book.abc', number=2).metadata.title == 'Other'
    with pytest.raises(ScoreError, match=r'is a book of 2 scores; choose one .* 1 to 2'):
        load_score(folder / 'book.abc')


@pytest.mark.parametrize('number', [0, -1, 3])
def test_numbers_that_a_book_does_not_have_are_refused(folder, number):
    with pytest.raises(ParameterError, match=f'number is {number}; .* has scores 1 to 2'):
        load_score(folder / 'book.abc', number=number)


def test_a_single_score_has_no_second(folder):
    assert load_score(folder / 'tune.abc', number=1) is not None
    with pytest.raises(ParameterError, match='is one score; number is 2'):
        load_score(folder / 'tune.abc', number=2)


def test_a_midi_file_has_no_second_score(folder):
    with pytest.raises(ParameterError, match='is one score; number is 2'):
        load_score(folder / 'tune.mid', number=2)


@pytest.mark.parametrize(('name', 'message'), [
    ('none.musicxml', 'no such file'), ('', 'is a folder'),
    ('corpus:bach/bwv9999', "no work 'bach/bwv9999' in music21's corpus"),
    ('corpus:', "no work '' in music21's corpus")])
def test_what_is_not_there_is_named(name, message, tmp_path):
    source = name if name.startswith('corpus:') else tmp_path / name
    with pytest.raises(ScoreError, match=message):
        load_score(source)


def test_a_near_corpus_name_is_offered():
    with pytest.raises(ScoreError, match=r'near it: .*bwv66'):
        load_score('corpus:bach/bwv66.99')


@pytest.mark.parametrize('name', ['tune.musicxml', 'tune.mxl', 'tune.mid'])
@pytest.mark.parametrize('share', [0.0, 0.3, 0.6, 0.9])
def test_damaged_files_are_told(name, share, folder):
    path = folder / name
    whole = path.read_bytes()
    path.write_bytes(whole[:int(len(whole) * share)])
    with pytest.raises(ScoreError, match=r'cannot be read|holds no'):
        load_score(path)


@pytest.mark.parametrize('suffix', ['.musicxml', '.xml', '.mxl', '.mid', '.krn', '.mei', '.txt'])
@pytest.mark.parametrize('content', [b'Dear reader,\nthis is a letter.\n', bytes(range(256))])
def test_files_of_something_else_are_told(suffix, content, tmp_path):
    path = tmp_path / f'letter{suffix}'
    path.write_bytes(content)
    with pytest.raises(ScoreError, match=r'cannot be read|holds no'):
        load_score(path)


def test_a_score_of_rests_holds_no_note(tmp_path):
    (tmp_path / 'x.abc').write_text('X:1\nM:4/4\nL:1/4\nK:C\nz4|z4|]\n')
    with pytest.raises(ScoreError, match='holds no note'):
        load_score(tmp_path / 'x.abc')


@pytest.mark.parametrize(('tracks', 'message'), [
    ([(9, 'Drums', [(0, 1, 38)])], 'only percussion'), ([(0, 'P', [])], 'no note')])
def test_midi_without_pitched_notes_is_told(tracks, message, tmp_path):
    with pytest.raises(EmptyScoreError, match=message):
        load_score(write_midi(tmp_path / 'x.mid', tracks))


def test_reading_a_midi_file_twice_gives_the_same(folder):
    first, second = (q.to_frames(load_score(folder / 'tune.mid')) for _ in range(2))
    np.testing.assert_array_equal(first.onset, second.onset)


def test_all_scores_of_a_book_come_in_order(folder):
    scores = load_scores(folder / 'book.abc')
    assert [score.metadata.title for score in scores] == ['Tune', 'Other']
    assert [len(q.extract_notes(score)) for score in scores] == [4, 5]


@pytest.mark.parametrize('name', ['tune.abc', 'tune.musicxml', 'tune.mxl', 'tune.mid'])
def test_the_scores_of_a_file_of_one_are_that_one(name, folder):
    (score,) = load_scores(folder / name)
    assert isinstance(score, stream.Score)
    assert np.array_equal(q.extract_notes(score).pitch, [67, 69, 71, 72])


def test_the_scores_of_a_corpus_name():
    assert len(load_scores('corpus:bach/bwv66.6')) == 1
    assert len(load_scores('corpus:josquin/milleRegrets')) > 1
    with pytest.raises(ScoreError, match='no such file'):
        load_scores('none.abc')


#: Ten of ten of ten ... of a word: a billion from a thousand bytes.
LAUGHS = ('<?xml version="1.0"?><!DOCTYPE score-partwise [<!ENTITY l0 "lol">'
          + ''.join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 10))
          + ']><score-partwise><part-name>&l9;</part-name></score-partwise>')


@pytest.fixture
def bounded():
    """Fail where a test takes more than some memory or seconds."""
    begun = time.monotonic()
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * 2**20
    assert time.monotonic() - begun < 5


@pytest.fixture(scope='module')
def zeros(tmp_path_factory):
    """An archive of 300 KB that unpacks to 300 MB."""
    path = tmp_path_factory.mktemp('bombs') / 'zeros.mxl'
    with (zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
          archive.open('score.xml', 'w') as inner):
        for _ in range(300):
            inner.write(bytes(2**20))
    return path


@pytest.mark.parametrize('suffix', ['.mxl', '.MXL', '.musicxml', '.xml', '.mei'])
def test_an_archive_that_unpacks_without_end_is_refused(zeros, bounded, tmp_path, suffix):
    path = tmp_path / f'zeros{suffix}'
    path.symlink_to(zeros)
    for read in (load_score, load_scores, check_file):
        with pytest.raises(ScoreError, match=r'unpacks to 314572800 bytes in 1 files; expected'):
            read(path)


def test_an_archive_that_lies_of_its_size_is_refused(zeros, bounded, tmp_path):
    data = bytearray(zeros.read_bytes())
    told = (300 * 2**20).to_bytes(4, 'little')
    assert told in data
    (tmp_path / 'lie.mxl').write_bytes(bytes(data.replace(told, (1000).to_bytes(4, 'little'))))
    with pytest.raises(ScoreError, match=r'lie\.mxl cannot be read'):
        load_score(tmp_path / 'lie.mxl')


def test_an_archive_of_too_many_files_is_refused(bounded, tmp_path):
    with zipfile.ZipFile(tmp_path / 'many.mxl', 'w') as archive:
        for k in range(MAX_MEMBERS + 1):
            archive.writestr(f'{k}.xml', '')
    with pytest.raises(ScoreError, match=f'in {MAX_MEMBERS + 1} files; expected'):
        load_score(tmp_path / 'many.mxl')


def test_a_file_of_more_than_any_score_is_refused(bounded, tmp_path):
    with (tmp_path / 'big.musicxml').open('wb') as file:
        file.truncate(300 * 2**20)
    with pytest.raises(ScoreError, match='has 314572800 bytes; expected a score of'):
        load_score(tmp_path / 'big.musicxml')


@pytest.mark.parametrize('suffix', ['.musicxml', '.xml', '.MEI', '.mxl'])
@pytest.mark.parametrize('word', ['<!ENTITY', '<!entity'])
def test_entities_are_refused(bounded, tmp_path, suffix, word):
    path, text = tmp_path / f'laughs{suffix}', LAUGHS.replace('<!ENTITY', word)
    if suffix == '.mxl':
        with zipfile.ZipFile(path, 'w') as archive:
            archive.writestr('score.xml', text)
    else:
        path.write_text(text)
    with pytest.raises(ScoreError, match='defines XML entities, which can unpack without end'):
        load_score(path)


def test_entities_in_another_encoding_are_refused(bounded, tmp_path):
    text = LAUGHS.replace('?>', ' encoding="UTF-16"?>', 1)
    (tmp_path / 'laughs.xml').write_bytes(text.encode('utf-16'))
    with pytest.raises(ScoreError, match='defines XML entities'):
        load_score(tmp_path / 'laughs.xml')


@pytest.mark.parametrize('name', ['x.mxl', 'x.musicxml', 'x.mid', 'x.abc', 'x.npz', 'x.csv',
                                  'x.parquet', 'x.krn', 'x.mei'])
def test_an_empty_file_is_told(name, tmp_path):
    (tmp_path / name).touch()
    with pytest.raises(q.QbdiError, match=name):
        load_score(tmp_path / name)


def test_an_ordinary_archive_passes(folder):
    check_file(folder / 'tune.mxl')
    check_file(folder / 'tune.musicxml')


@pytest.mark.parametrize('suffix', ['.capx', '.zip', '.nwc'])
def test_rubbish_in_rarer_formats_is_told(suffix, tmp_path):
    (tmp_path / f'x{suffix}').write_bytes(b'nothing of the kind')
    with pytest.raises(ScoreError, match='cannot be read'):
        load_score(tmp_path / f'x{suffix}')


def test_an_archive_of_another_kind_is_looked_at_too(zeros, tmp_path):
    (tmp_path / 'zeros.capx').symlink_to(zeros)
    with pytest.raises(ScoreError, match='unpacks to 314572800 bytes'):
        check_file(tmp_path / 'zeros.capx')
