"""Fixtures that every test may use, and the settings of hypothesis."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings

settings.register_profile('qbdi', deadline=None, max_examples=50, database=None,
                          phases=(Phase.explicit, Phase.generate, Phase.shrink),
                          suppress_health_check=[HealthCheck.too_slow])
settings.load_profile('qbdi')

DATA = Path(__file__).resolve().parents[2] / 'shared' / 'data'


@cache
def _parse(name):
    from music21 import corpus
    return corpus.parse(name)


@pytest.fixture
def rng():
    """A seeded generator."""
    return np.random.default_rng(20190416)


@pytest.fixture(scope='session')
def corpus_score():
    """Parse a work of music21's corpus once a session; do not change what it returns."""
    return _parse


@pytest.fixture
def shared_data():
    """The folder of data beside the checkout; skips where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f'no data in {DATA}')
    return DATA
