"""A query at many rates, with controls: rows, scores, tables."""

import csv
import re
import warnings
from dataclasses import asdict, fields
from itertools import pairwise

import pytest
from music21 import converter
from musicxml_checks import block_model, fingerprint

import qbdi_m21 as q
from qbdi_m21.errors import EmptyScoreError, ModelError, ParameterError, RateWarning
from qbdi_m21.improvisation.measures import measure
from qbdi_m21.improvisation.sweep import COLUMNS, MEASURES, SweepRow, move, sweep
from qbdi_m21.improvisation.transmission import transmit_frames
from qbdi_m21.notation.musicxml import to_musicxml

RATES, NAMES, SEEDS = ('full', 64, 'half', 8, 0), ('full', '64 bits', '50 %', '8 bits', '0 bits'), 3
ANSWERS = ('query', 'shuffled', 'transposed')

#: What a row says of the improvisation by itself, whatever the query.
ITS_OWN = ('notes', 'silent_share', 'pitch_class_sets', 'chord_entropy_bits', 'key', 'key_fit',
           'ir_bits', 'ir_threshold')


@pytest.fixture(scope='module')
def query():
    return q.load_score('corpus:bach/bwv66.6')


@pytest.fixture(scope='module')
def model():
    return block_model()


@pytest.fixture(scope='module')
def told():
    return []


@pytest.fixture(scope='module')
def found(query, model, told):
    return sweep(query, model, rates=RATES, seeds=SEEDS, progress=lambda *done: told.append(done))


@pytest.fixture
def tune():
    return converter.parse('tinynotation: 4/4 c4 d e f g2 a4 b c\'1 b4 a g2')


def row_of(found, control, rate, seed):
    (row,) = (r for r in found.rows if (r.control, r.rate, r.seed) == (control, rate, seed))
    return row


def measures_of(row):
    return {name: value for name, value in asdict(row).items() if name in COLUMNS[5:]}


def test_there_is_one_row_for_each_control_rate_and_seed_and_a_prior_for_each_seed(found):
    wanted = [(control, rate, seed) for control in ANSWERS for rate in NAMES
              for seed in range(SEEDS)] + [('prior', '', seed) for seed in range(SEEDS)]
    assert sorted((row.control, row.rate, row.seed) for row in found.rows) == sorted(wanted)


@pytest.mark.parametrize('seed', range(SEEDS))
@pytest.mark.parametrize(('rate', 'name'), [*zip(RATES, NAMES, strict=True)])
def test_the_rows_of_the_query_measure_the_librarys_improvisation(rate, name, seed, found, query,
                                                                  model):
    made = q.improvise(query, model, rate=rate, seed=seed)
    (sent,) = made.derivation.transmissions
    row = row_of(found, 'query', name, seed)
    assert measures_of(row) == measure(sent.frames, q.to_frames(query))
    assert row.notes == len(q.extract_notes(made))
    assert row.delivered_bits == sent.delivered_bits.mean()
    assert row.nominal_bits == (None if rate == 'full' else sent.nominal_bits.mean())
    theirs = made.analyze('key.krumhansl')
    assert row.key == f'{theirs.tonic.name} {theirs.mode}'
    assert row.ir_bits == q.information_rate(made).total_bits


@pytest.mark.parametrize('rate', RATES)
def test_a_score_of_a_sweep_is_that_of_improvise_byte_for_byte(rate, found, query, model):
    made = found.score(rate)
    assert to_musicxml(made) == to_musicxml(q.improvise(query, model, rate=rate, seed=0))
    assert made.derivation.method == 'improvise'
    assert made.derivation.recipe == found.recipes[RATES.index(rate)]


def test_a_score_is_that_of_the_first_seed_and_its_recipe_makes_it_again(query, model):
    found = sweep(query, model, rates=('64', 64), seeds=(5, 2))
    assert found.rates == (64,)
    assert [row.seed for row in found.rows if row.control == 'query'] == [5, 2]
    assert to_musicxml(found.score('64')) == to_musicxml(
        q.improvise(query, model, rate=64, seed=5))
    (recipe,) = found.recipes
    assert to_musicxml(found.score(64)) == to_musicxml(q.replay(recipe, query, model=model))


def test_options_of_the_channel_and_the_decoder_are_improvises(query, model):
    options = {'channel': 'paper', 'allocation': 'continuous', 'threshold': 0.3}
    found = sweep(query, model, rates=(40,), seeds=1, **options)
    made = q.improvise(query, model, rate=40, **options)
    assert to_musicxml(found.score(40)) == to_musicxml(made)
    assert row_of(found, 'query', '40 bits', 0).notes == len(q.extract_notes(made))


def test_the_same_call_gives_the_same_rows_and_another_seed_others(found, query, model):
    again = sweep(query, model, rates=RATES, seeds=range(SEEDS))
    assert again.rows == found.rows
    assert again.recipes == found.recipes
    other = sweep(query, model, rates=(8,), seeds=[SEEDS])
    notes = [row.notes for row in other.rows if row.control == 'query']
    assert notes[0] not in found.column('notes', rate='8 bits')


def test_the_query_is_not_changed(query, model):
    before = fingerprint(query)
    sweep(query, model, rates=(8,), seeds=1).score(8)
    assert fingerprint(query) == before


def test_shuffled_bars_have_all_that_a_piece_has_by_itself(found):
    for name in NAMES:
        for seed in range(SEEDS):
            row, mixed = (row_of(found, control, name, seed) for control in ('query', 'shuffled'))
            for same in ('nominal_bits', 'delivered_bits', 'silent_share', 'pitch_class_sets',
                         'chord_entropy_bits', 'key', 'key_fit', 'silent_bars'):
                assert getattr(row, same) == pytest.approx(getattr(mixed, same)), same


def test_shuffled_bars_are_farther_from_the_query_than_the_improvisation(found):
    pairs = zip(*(found.column('chroma_cosine', control=c, rate='full')
                  for c in ('query', 'shuffled')), strict=True)
    assert all(ours > mixed for ours, mixed in pairs)


@pytest.mark.parametrize('transpose', [6, -5, 19])
def test_the_transposed_control_is_an_improvisation_on_the_query_moved(transpose, found, query,
                                                                       model):
    other = sweep(query, model, rates=(64,), seeds=2, transpose=transpose)
    moved = move(q.to_frames(query), transpose)
    for seed in range(2):
        sent = transmit_frames(moved, model, rate=64, seed=seed)
        row = row_of(other, 'transposed', '64 bits', seed)
        assert measures_of(row) == measure(sent.frames, moved)
        assert row.delivered_bits == sent.delivered_bits.mean()
        # all else is compared with the query itself
        for control, name in (('query', '64 bits'), ('shuffled', '64 bits'), ('prior', '')):
            assert row_of(other, control, name, seed) == row_of(found, control, name, seed)


def test_the_prior_does_not_know_the_query_nor_the_channel(found, query, model):
    other = sweep(query.transpose(3), model, rates=(0,), seeds=SEEDS, channel='paper',
                  variance='query')
    for name in ITS_OWN:
        assert other.column(name, control='prior') == found.column(name, control='prior'), name
    assert set(other.column('delivered_bits', control='prior')) == {0.0}


def test_a_draw_from_the_prior_is_not_the_improvisation_at_rate_0(found):
    for seed in range(SEEDS):
        drawn, made = row_of(found, 'prior', '', seed), row_of(found, 'query', '0 bits', seed)
        assert measures_of(drawn) != measures_of(made)


def test_progress_counts_every_improvisation_up_to_all(found, told):
    total = 2 * len(RATES) * SEEDS + SEEDS
    assert told == [(done, total) for done in range(1, total + 1)]


FALLING = ('full', 1024, 256, 64, 32, 16, 8, 4, 1, 0)


@pytest.mark.parametrize('channel', ['prior-preserving', 'paper', 'notebook'])
@pytest.mark.parametrize('allocation', ['whole', 'continuous', 'dynamic'])
def test_no_more_arrives_at_a_lower_rate(channel, allocation, tune, model):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RateWarning)
        found = sweep(tune, model, rates=FALLING, seeds=2, channel=channel, allocation=allocation)
    for control in ANSWERS:
        for seed in range(2):
            arrived = [row.delivered_bits for row in found.rows
                       if (row.control, row.seed) == (control, seed)]
            assert len(arrived) == len(FALLING)
            assert all(more >= less - 1e-9 for more, less in pairwise(arrived))
            assert arrived[0] > 0 == arrived[-1]


@pytest.mark.parametrize('name', ['blocks', 'chorales', 'reels'])
@pytest.mark.parametrize('allocation', ['whole', 'continuous'])
def test_no_more_arrives_than_was_allocated_though_the_query_is_in_another_style(
        name, allocation, query, model):
    found = sweep(query, model if name == 'blocks' else name, rates=FALLING, seeds=1,
                  allocation=allocation)
    nominal = dict(zip(('full', *(f'{rate} bits' for rate in FALLING[1:])),
                       (None, *FALLING[1:]), strict=True))
    for row in found.rows:
        if row.control != 'prior':
            assert row.nominal_bits == (nominal[row.rate] and pytest.approx(nominal[row.rate]))
        assert row.nominal_bits is None or row.delivered_bits <= row.nominal_bits + 1e-9


def test_shares_deliver_their_share(query, model):
    found = sweep(query, model, rates=('full', 0.8, 0.5, 0.2), seeds=1)
    full, *parts = found.column('delivered_bits')
    assert [part / full for part in parts] == pytest.approx([0.8, 0.5, 0.2], abs=0.01)


def test_the_table_comes_back_from_its_file(found, tmp_path):
    found.write_csv(tmp_path / 'sweep.csv')
    data = (tmp_path / 'sweep.csv').read_bytes()
    assert b'\r' not in data
    rows = list(csv.DictReader(data.decode('utf-8').splitlines()))
    assert list(rows[0]) == [f.name for f in fields(SweepRow)] == list(COLUMNS)
    assert len(rows) == len(found.rows)
    for read, row in zip(rows, found.rows, strict=True):
        for name, value in asdict(row).items():
            if value is None:
                assert read[name] == ''
            elif isinstance(value, float):
                assert float(read[name]) == round(value, 6)
            else:
                assert read[name] == str(value)


def test_fields_without_a_value_are_empty(query, model, tmp_path):
    found = sweep(query, model, rates=(0,), seeds=1, channel='paper')
    found.write_csv(tmp_path / 'sweep.csv')
    with open(tmp_path / 'sweep.csv', encoding='utf-8', newline='') as file:
        row = next(csv.DictReader(file))
    empty = [name for name, text in row.items() if not text]
    assert empty == ['chord_entropy_bits', 'chroma_cosine', 'tonnetz_distance',
                     'tonnetz_by_circle', 'key', 'key_fit']


def test_the_files_of_two_runs_are_equal(query, model, tmp_path):
    for name in ('a.csv', 'b.csv'):
        sweep(query, model, rates=(64, 0), seeds=2).write_csv(tmp_path / name)
    assert (tmp_path / 'a.csv').read_bytes() == (tmp_path / 'b.csv').read_bytes()


@pytest.mark.parametrize(('options', 'message'), [
    ({'rates': ()}, r'^0 rates, 2 seeds .*; expected at least one'),
    ({'rates': (64, -1)}, r'^rate is -1; expected a whole number of bits'),
    ({'rates': (64, float('nan'))}, r'^rate is nan; expected a whole number of bits'),
    ({'rates': ('fast',)}, r"^rate is 'fast'; expected a whole number of bits"),
    ({'rates': (12.5,)}, r'^rate is 12\.5; expected a whole number of bits'),
    ({'seeds': 0}, r'^1 rates, 0 seeds .*; expected at least one'),
    ({'seeds': ()}, r'^1 rates, 0 seeds .*; expected at least one'),
    ({'seeds': -1}, r'^seed is -1; expected a whole number >= 0'),
    ({'seeds': (0, -4)}, r'^seed is -4; expected a whole number >= 0'),
    ({'seeds': (0, 1.5)}, r'^seed is 1\.5; expected a whole number >= 0'),
    ({'transpose': 0}, 'a transposition of 0 semitones .* no whole octaves'),
    ({'transpose': 12}, 'a transposition of 12 semitones .* no whole octaves'),
    ({'transpose': -24}, 'a transposition of -24 semitones .* no whole octaves'),
    ({'transpose': True}, 'a transposition of True semitones'),
    ({'channel': 'loud'}, "^channel is 'loud'; expected one of prior-preserving"),
    ({'variance': 'loud'}, "^variance is 'loud'; expected one of corpus"),
    ({'allocation': 'loud'}, "^allocation is 'loud'; expected one of whole"),
    ({'threshold': 7}, 'expected a probability between 0 and 1'),
    ({'decoding': 'loud'}, "'loud'"),
])
def test_what_cannot_be_swept_is_refused_before_anything_is_made(options, message, tune, model):
    told = []
    with pytest.raises(ParameterError, match=message):
        sweep(tune, model, **{'rates': (64,), 'seeds': 2, **options},
              progress=lambda *done: told.append(done))
    assert told == []


def test_a_model_or_notes_that_are_not_there_are_refused(tune, model):
    with pytest.raises(ModelError, match="no model 'nowhere'"):
        sweep(tune, 'nowhere', rates=(8,), seeds=1)
    with pytest.raises(EmptyScoreError, match='expected at least one'):
        sweep(converter.parse('tinynotation: 4/4 r1'), model, rates=(8,), seeds=1)


def test_a_rate_above_what_the_model_carries_is_told_of_the_query_alone(tune, model):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        sweep(tune, model, rates=(5000, 8), seeds=1)
    assert [w.category for w in caught] == [RateWarning]
    assert 'a rate of 5000 bits is above' in str(caught[0].message)
    assert caught[0].filename == __file__


def test_a_column_is_of_one_control_and_of_one_rate_or_all(found):
    assert found.column('seed', control='transposed', rate='8 bits') == [0, 1, 2]
    assert found.column('rate') == [name for name in NAMES for _ in range(SEEDS)]
    assert found.column('rate', control='prior') == [''] * SEEDS
    assert found.column('notes', rate='7 bits') == []


def test_the_docstring_of_a_row_says_of_each_column_what_it_is():
    entries = re.findall(r'^    (\w+(?:, \w+)*) : (.+)\n((?:        .+\n)*)', SweepRow.__doc__,
                         re.MULTILINE)
    told = [(name, kind, text) for names, kind, text in entries for name in names.split(', ')]
    assert [name for name, _, _ in told] == [f.name for f in fields(SweepRow)]
    kinds = {f.name: str(f.type).replace(' | ', ' or ') for f in fields(SweepRow)}
    assert {name: kind for name, kind, _ in told} == kinds
    assert {name for name, _, text in told if not text} <= {'seed', 'notes'}
    assert set(MEASURES) == {name for name, kind in kinds.items()
                             if 'str' not in kind and name != 'seed'}
