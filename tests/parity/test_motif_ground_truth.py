"""Motifs against the ground truth of others, where it lies beside the checkout."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'benchmarks'))
import motifs as benchmark


def means(pieces, level):
    return dict(zip(benchmark.METRICS, np.mean(
        [benchmark.score(one.truth, benchmark.ours(one, level)[0]) for one in pieces], axis=0),
        strict=True))


@pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QbdiWarning')
def test_a_fugue_and_a_mazurka(shared_data):
    pieces = {one.name: one for one in benchmark.read_jkupdd(shared_data / 'jkupdd')}
    if not pieces:
        pytest.skip(f'no pieces in {shared_data / "jkupdd"}')
    assert means([pieces['bachBWV889Fg']], 'themes')['F_3'] >= 35
    assert means([pieces['chopinOp24No4']], 'themes')['F_3'] >= 60


@pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QbdiWarning')
def test_first_movements_of_beethovens_sonatas(shared_data):
    pieces = list(benchmark.read_bps(shared_data / 'bps_motif'))
    if not pieces:
        pytest.skip(f'no pieces in {shared_data / "bps_motif"}')
    found = means(pieces, 'motifs')
    assert found['F_est'] >= 55
    assert found['F_occ.75'] >= 32
    assert found['F_3'] >= 22
