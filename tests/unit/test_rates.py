"""Rates as people write them, and the settings that hold them."""

import json
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbdi_m21.channel.distortion import MAX_BITS
from qbdi_m21.errors import ParameterError
from qbdi_m21.improvisation.decoding import Decoding
from qbdi_m21.improvisation.rates import parse_rate, parse_rates, rate_name, spread_rates
from qbdi_m21.improvisation.settings import Settings

whole = st.integers(0, MAX_BITS)
shares = st.floats(0, 1, exclude_min=True, exclude_max=True)
any_rate = whole | shares | st.just('full')


@pytest.mark.parametrize(('rate', 'bits'), [
    (0, 0), (1, 1), (256, 256), (64.0, 64), ('32', 32), ('0', 0), ('1', 1), ('64.0', 64),
    ('1e2', 100), (MAX_BITS, MAX_BITS), (-0.0, 0), (np.int64(7), 7), (np.uint8(7), 7),
    (np.float32(8), 8), (2.0, 2), ('2.0', 2), (0.0, 0), (Fraction(9), 9), (Decimal(9), 9)])
def test_a_whole_number_of_bits_is_an_int(rate, bits):
    assert parse_rate(rate) == bits
    assert type(parse_rate(rate)) is int


@pytest.mark.parametrize(('rate', 'share'), [
    (0.5, 0.5), ('half', 0.5), ('.5', 0.5), ('0.25', 0.25), (0.999, 0.999), (1e-9, 1e-9),
    (np.float64(0.1), 0.1), (np.float32(0.5), 0.5), (Fraction(1, 4), 0.25),
    (Decimal('0.1'), 0.1)])
def test_a_number_between_0_and_1_is_a_share(rate, share):
    assert parse_rate(rate) == share
    assert type(parse_rate(rate)) is float


def test_one_is_a_bit_and_what_could_be_all_of_them_is_refused():
    for rate in (1, '1', np.int64(1), True + 0):
        assert parse_rate(rate) == 1
        assert type(parse_rate(rate)) is int
    for rate in (1.0, '1.0', np.float64(1), np.float32(1), '1.', '01.00'):
        with pytest.raises(ParameterError, match=r'rate is .*, which could be one bit or all of '
                           "them; give 1, or 'full'"):
            parse_rate(rate)


def test_full_is_full():
    assert parse_rate('full') == 'full'
    assert parse_rate(np.str_('full')) == 'full'


@pytest.mark.parametrize('rate', [
    -1, -0.5, 1.5, 12.5, float('nan'), float('inf'), -float('inf'), MAX_BITS + 1, 10 ** 400,
    'fast', '', ' ', None, '-3', 'nan', 'inf', '50%', '1/2', 'FULL', True, False, 1j,
    [], {}, (1, 2), object])
def test_what_is_no_rate_is_refused_with_all_that_is_one(rate):
    with pytest.raises(ParameterError, match=re.escape(f'rate is {rate!r}; expected a whole number '
                       f'of bits a bar, from 0 to {MAX_BITS}, a share between 0 and 1 of what '
                       "arrives at full rate, 'half' or 'full'")):
        parse_rate(rate)


@given(any_rate)
def test_a_rate_is_its_own_rate_and_so_is_its_text(rate):
    for given_rate in (rate, repr(rate) if isinstance(rate, float) else str(rate)):
        parsed = parse_rate(given_rate)
        assert parsed == rate
        assert type(parsed) is type(rate)


@given(st.floats(1, 1e9).filter(lambda rate: rate % 1) | st.floats(max_value=0).filter(bool))
def test_no_other_number_is_a_rate(rate):
    with pytest.raises(ParameterError, match='rate is'):
        parse_rate(rate)


@pytest.mark.parametrize('kind', [list, tuple])
def test_a_sequence_has_a_rate_for_each_bar(kind):
    assert parse_rates(kind(['full', '8', 0.25, 'half', 0])) == ('full', 8, 0.25, 0.5, 0)
    assert parse_rates(kind([])) == ()
    assert parse_rates(kind([256])) == (256,)


def test_any_sequence_of_rates_will_do():
    assert parse_rates(range(3)) == (0, 1, 2)
    assert parse_rates(np.array(8)) == 8


def test_an_array_has_a_rate_for_each_bar():
    assert parse_rates(np.array([0, 8, 256])) == (0, 8, 256)
    assert parse_rates(np.array([0, 0.5, 256])) == (0, 0.5, 256)
    assert parse_rates(np.array(['full', '3', 'half'])) == ('full', 3, 0.5)


@pytest.mark.parametrize(('rates', 'wrong'), [
    (['full', 'none'], "'none'"), ((1, -1), '-1'), ([1, None], 'None'), ([[1]], r'\[1\]'),
    (np.array([1.5]), '1.5')])
def test_one_rate_that_is_none_spoils_a_sequence(rates, wrong):
    with pytest.raises(ParameterError, match=f'rate is .*{wrong}.*; expected a whole number'):
        parse_rates(rates)


def test_text_is_one_rate_and_no_sequence():
    assert parse_rates('256') == 256
    with pytest.raises(ParameterError, match="rate is '1,2'"):
        parse_rates('1,2')


@given(any_rate, st.integers(0, 30))
def test_one_rate_is_spread_over_all_bars(rate, bars):
    assert spread_rates(rate, bars) == (rate,) * bars


@given(st.lists(any_rate, max_size=8), st.integers(0, 8))
def test_rates_for_bars_stay_and_other_numbers_of_them_are_refused(rates, bars):
    if len(rates) == bars:
        assert spread_rates(tuple(rates), bars) == tuple(rates)
        return
    with pytest.raises(ParameterError, match=rf'^{len(rates)} rates? w\w+ given for {bars} bars?; '
                       r'expected one for each bar \(a pickup is a bar\), or one rate for all'):
        spread_rates(tuple(rates), bars)


@pytest.mark.parametrize(('rate', 'name'), [
    ('full', 'full'), (0, '0 bits'), (64, '64 bits'), (0.5, '50 %'), (0.25, '25 %'),
    (0.125, '12.5 %'), (0.3, '30 %'), (0.01, '1 %'), (0.07, '7 %')])
def test_rates_have_names(rate, name):
    assert rate_name(rate) == name


@given(st.lists(any_rate, min_size=2, max_size=2, unique=True))
def test_other_rates_have_other_names_unless_they_are_almost_equal(rates):
    one, two = rates
    near = isinstance(one, float) and isinstance(two, float) and one == pytest.approx(
        two, rel=1e-9)
    assert near or rate_name(one) != rate_name(two)


seeds = st.integers(0, 2 ** 70)
settings = st.builds(
    lambda **given: Settings.parse(**given),
    rate=any_rate | st.lists(any_rate, max_size=4),
    regions=st.lists(st.tuples(st.text(max_size=4), any_rate), max_size=3),
    channel=st.sampled_from(['prior-preserving', 'paper']),
    variance=st.sampled_from([None, 'corpus', 'query', 'sample', 'posterior']),
    allocation=st.sampled_from(['whole', 'continuous', 'dynamic']), seed=seeds,
    decoding=st.sampled_from([None, 'sample', Decoding(pitch_range=(40, 60))]))


@given(settings)
def test_settings_come_back_from_json_and_from_their_options(made):
    assert Settings.from_json(json.loads(json.dumps(made.to_json()))) == made
    assert Settings.parse(**made.options()) == made


def test_settings_have_the_papers_rate_and_the_channel_that_keeps_the_prior():
    assert Settings.parse() == Settings()
    assert Settings().to_json() == {
        'rate': 256, 'regions': [], 'channel': 'prior-preserving', 'variance': 'corpus',
        'allocation': 'whole', 'seed': 0, 'decoding': {}}
    assert Settings.from_json({}) == Settings()


def test_regions_may_be_a_mapping_or_pairs():
    expected = (('9-16', 0), ('B', 0.5), ('part:1', 'full'))
    assert Settings.parse(regions=dict(expected)).regions == expected
    assert Settings.parse(regions=[('9-16', '0'), ['B', 'half'], ('part:1', 'full')]).regions == (
        expected)
    assert Settings.parse(regions={9: 8}).regions == (('9', 8),)
    for none in (None, {}, (), []):
        assert Settings.parse(regions=none).regions == ()


def test_the_notebooks_channel_goes_by_the_posterior_variance():
    assert Settings.parse(channel='notebook').variance == 'posterior'
    assert Settings.parse(channel='paper').variance == 'corpus'


@pytest.mark.parametrize(('wrong', 'message'), [
    ({'rate': 'fast'}, "rate is 'fast'; expected a whole number"),
    ({'regions': {'9': 'fast'}}, "rate is 'fast'; expected a whole number"),
    ({'regions': {'9': [1, 2]}}, r'rate is \[1, 2\]; expected a whole number'),
    ({'channel': 'radio'}, "channel is 'radio'; expected one of prior-preserving, paper, notebook"),
    ({'variance': 'mean'}, "variance is 'mean'; expected one of corpus, query, sample, posterior"),
    ({'channel': 'notebook', 'variance': 'query'}, "variance is 'query', but the channel "
     "'notebook' goes by the mean posterior variance; leave it out, or take channel 'paper'"),
    ({'allocation': 'fair'}, "allocation is 'fair'; expected one of whole, continuous, dynamic"),
    ({'seed': -1}, 'seed is -1; expected a whole number >= 0'),
    ({'seed': 1.0}, 'seed is 1.0; expected a whole number >= 0'),
    ({'seed': True}, 'seed is True; expected a whole number >= 0'),
    ({'seed': '1'}, "seed is '1'; expected a whole number >= 0"),
    ({'seed': None}, 'seed is None; expected a whole number >= 0'),
    ({'decoding': 'loud'}, "decoding is 'loud'; expected one of threshold, sample, density"),
    ({'threshold': 1.0}, 'threshold is 1.0; expected a probability between 0 and 1'),
    ({'decoding': 'sample', 'threshold': 0.3}, "a threshold of 0.3 is no part of decoding by "
     "'sample'; give one of them")])
def test_settings_out_of_range_are_refused(wrong, message):
    with pytest.raises(ParameterError, match=message):
        Settings.parse(**wrong)


@pytest.mark.parametrize('wrong', [{'rate': -1}, {'regions': [['9', -1]]}, {'seed': -1},
                                   {'channel': 'radio'}, {'decoding': {'rule': 'loud'}}])
def test_settings_are_checked_anew_when_they_are_read(wrong):
    with pytest.raises(ParameterError, match='expected'):
        Settings.from_json(wrong)


def test_a_seed_of_numpy_is_a_plain_number_in_json():
    made = Settings.parse(seed=np.int64(3), rate=np.array([1, 2]), regions={'9': np.int64(4)})
    assert json.loads(json.dumps(made.to_json()))['seed'] == 3
    assert type(made.seed) is int
