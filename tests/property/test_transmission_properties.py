"""What holds of the channel between any posteriors and any decoder."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import random_model
from strategies import bars_of

from qbdi_m21.errors import RateWarning
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.windows import layout_windows
from qbdi_m21.improvisation.settings import Settings
from qbdi_m21.improvisation.transmission import Encoding, transmit_encoding

CHANNELS = st.sampled_from(['prior-preserving', 'paper'])
VARIANCES = st.sampled_from(['corpus', 'query', 'sample', 'posterior'])
LATENTS = 3

rates = st.integers(0, 40)
shares = st.floats(0.01, 0.99)


@st.composite
def heard(draw, max_bars=6):
    """A model of three latents, and posteriors that are nothing like its corpus."""
    rng = np.random.default_rng(draw(st.integers(0, 2 ** 32)))
    bars = bars_of(*draw(st.lists(st.sampled_from(['3/8', '4/4', '1/4']), min_size=2,
                                  max_size=max_bars)))

    def spread(*shape):
        return 10 ** rng.uniform(-3, draw(st.sampled_from([0, 2])), shape)

    values = {'mean': rng.normal(0, 1, LATENTS), 'variance': spread(LATENTS),
              'posterior_variance': spread(LATENTS)}
    model = random_model(**{name: np.float32(one) for name, one in values.items()})
    grid = Grid(bars)
    layout = layout_windows(grid, model.spec.window_frames)
    count = len(layout)
    mean = rng.normal(0, 1, LATENTS) + rng.normal(size=(count, LATENTS)) * np.sqrt(spread(LATENTS))
    windows = np.zeros((count, model.spec.window_frames, 2 * model.spec.num_pitches), bool)
    return Encoding(mean, spread(count, LATENTS), windows, layout, grid), model


def send(both, **options):
    encoding, model = both
    return transmit_encoding(encoding, model, Settings.parse(**options))


@given(heard(), rates, VARIANCES, st.sampled_from(['whole', 'continuous']))
def test_no_more_arrives_than_the_rate_in_the_mean(both, rate, variance, allocation):
    sent = send(both, rate=rate, variance=variance, allocation=allocation)
    assert sent.nominal_bits == pytest.approx(rate)
    assert sent.delivered_bits.mean() <= rate + 1e-9


@given(heard(), st.lists(st.sampled_from([0, 1, 5, 20, 'full']), min_size=6, max_size=6),
       CHANNELS, VARIANCES, st.sampled_from(['whole', 'continuous']))
def test_the_rate_of_a_bar_changes_no_other_bar(both, asked, channel, variance, allocation):
    asked = asked[:len(both[0].grid.bars)]
    options = {'channel': channel, 'variance': variance, 'allocation': allocation}
    sent = send(both, rate=asked, **options)
    of_window = [asked[bar] for bar in sent.encoding.bars.tolist()]
    for rate in set(asked):
        rows = [one == rate for one in of_window]
        alone = send(both, rate=rate, **options)
        for name in ('received', 'nominal_bits', 'delivered_bits', 'full_bits'):
            np.testing.assert_array_equal(getattr(sent, name)[rows], getattr(alone, name)[rows])
        if rate == 'full':
            np.testing.assert_array_equal(sent.received[rows], sent.sent[rows])
            np.testing.assert_array_equal(sent.delivered_bits[rows], sent.full_bits[rows])


@given(heard(), st.lists(rates, min_size=2, max_size=4, unique=True), CHANNELS, VARIANCES,
       st.sampled_from(['whole', 'continuous', 'dynamic']))
def test_more_bits_never_deliver_less_to_any_window(both, some, channel, variance, allocation):
    arrived = [send(both, rate=rate, channel=channel, variance=variance, allocation=allocation)
               for rate in sorted(some)]
    for less, more in pairwise(arrived):
        assert np.all(less.delivered_bits <= more.delivered_bits * (1 + 1e-9) + 1e-9)
        np.testing.assert_array_equal(less.sent, more.sent)
    assert np.all(arrived[-1].delivered_bits <= arrived[-1].full_bits * (1 + 1e-9) + 1e-9)


@settings(max_examples=30)
@given(heard(), shares, CHANNELS, VARIANCES)
def test_a_share_is_met_by_the_nearest_of_all_budgets(both, share, channel, variance):
    options = {'channel': channel, 'variance': variance}
    sent = send(both, rate=share, **options)
    goal, budget = share * sent.full_bits.mean(), int(sent.nominal_bits[0])
    assume(budget < 80)
    assert sent.nominal_bits.tolist() == [budget] * len(sent.nominal_bits)

    def off(bits):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', RateWarning)
            return abs(send(both, rate=bits, **options).delivered_bits.mean() - goal)

    best = min(off(bits) for bits in range(budget + 6))
    assert off(budget) <= best + 1e-9


@given(heard(), rates, VARIANCES)
def test_allocations_sum_to_the_rate(both, rate, variance):
    sums = {kind: send(both, rate=rate, variance=variance, allocation=kind).bits
            for kind in ('whole', 'continuous', 'dynamic')}
    count = len(both[0].mean)
    assert sums['whole'].sum(axis=1).tolist() == [rate] * count
    assert sums['continuous'].sum(axis=1) == pytest.approx(rate)
    assert sums['dynamic'].sum() == rate * count
    assert all(np.all(bits >= 0) for bits in sums.values())
    # the closed form is within a bit of whole bits, latent by latent
    assert np.all(np.abs(sums['whole'] - sums['continuous']) < 1 + 1e-9)


@given(heard(), rates, CHANNELS, VARIANCES, st.integers(0, 9), st.integers(0, 3))
def test_seed_and_stream_make_all_the_chance(both, rate, channel, variance, seed, stream):
    encoding, model = both
    chosen = Settings.parse(rate=rate, channel=channel, variance=variance, seed=seed)
    one, two = (transmit_encoding(encoding, model, chosen, stream=stream) for _ in range(2))
    np.testing.assert_array_equal(one.received, two.received)
    other = transmit_encoding(encoding, model, chosen, stream=stream + 1)
    assert not np.any(one.sent == other.sent)


@given(heard(), rates, CHANNELS, VARIANCES)
def test_encodings_are_not_changed(both, rate, channel, variance):
    encoding, model = both
    before = [array.copy() for array in (encoding.mean, encoding.variance, model.mean,
                                         model.variance, model.posterior_variance)]
    send(both, rate=rate, channel=channel, variance=variance)
    after = (encoding.mean, encoding.variance, model.mean, model.variance,
             model.posterior_variance)
    assert all(np.array_equal(one, two) for one, two in zip(before, after, strict=True))


@given(heard(), st.lists(st.sampled_from([0, 7, 0.5, 'full']), min_size=6, max_size=6))
def test_of_a_bar_every_window_has_its_rate(both, asked):
    bars = len(both[0].grid.bars)
    sent = send(both, rate=asked[:bars])
    assert sent.rates == tuple(asked[:bars])
    for row, bar in enumerate(sent.encoding.bars.tolist()):
        rate, nominal = asked[bar], sent.nominal_bits[row]
        assert nominal == {0: 0, 7: 7, 'full': np.inf}.get(rate, nominal)
        assert np.isfinite(nominal) or rate == 'full'
