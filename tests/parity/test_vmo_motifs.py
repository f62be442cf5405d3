"""Preset 'vmo' gives what vmo gives, pattern for pattern."""

import math

import numpy as np
import pytest
from oracle_material import random_vectors, varied_repeats, vmo_oracle
from vmo_alone import load_alone

import qbdi_m21 as q
from qbdi_m21.analysis.information_rate import analysis_features
from qbdi_m21.analysis.motifs.find import find_motifs
from qbdi_m21.frames.raster import table_to_frames


def vmos(features, threshold):
    """Return {(start, end), ...} of each pattern of vmo's own functions."""
    oracle = vmo_oracle(features, threshold, 'euclidean')
    lower = max(2, math.ceil(np.mean(oracle.lrs[1:]))) - 1
    found = load_alone('analysis/analysis.py').find_repeated_patterns(oracle, lower=lower)
    return sorted(sorted({(end - length, end) for end in ends}) for ends, length in found
                  if len(set(ends)) > 1)


def ours(motifs):
    return sorted(sorted((o.start_ql, o.end_ql) for o in m.occurrences) for m in motifs)


@pytest.mark.parametrize('seed', range(400, 412))
@pytest.mark.parametrize('make', [varied_repeats, random_vectors])
def test_of_features(make, seed):
    features = np.concatenate([make(seed)[:40]] * 2)
    threshold = q.find_threshold(features).selected
    expected = vmos(features, threshold)
    found = find_motifs(features, preset='vmo')
    assert len(found) == min(len(expected), 26)
    # beyond 26 there are no labels: those that explain most are kept
    gains = sorted((len(spans) - 1) * (spans[0][1] - spans[0][0]) for spans in expected)
    assert [m.gain_notes for m in found] == gains[::-1][:26]
    left = list(expected)
    for motif in ours(found):
        left.remove(motif)


@pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QuantizationWarning')
@pytest.mark.parametrize('work', ['bach/bwv66.6', 'ryansMammoth/AcaciaReel', 'bach/bwv4.8'])
def test_of_a_score_with_the_notes_that_start_in_each_place(corpus_score, work):
    table = q.extract_notes(corpus_score(work))
    features, _, grid = analysis_features(table_to_frames(table))
    threshold = q.find_threshold(features).selected
    expected = [[(grid.offset_at_frame(a), grid.offset_at_frame(b)) for a, b in pattern]
                for pattern in vmos(features, threshold)]
    found = find_motifs(table, preset='vmo')
    assert found
    assert ours(found) == sorted(sorted(p) for p in expected)
    for motif in found:
        for o in motif.occurrences:
            inside = [k for k in range(len(table)) if o.start_ql <= table.onset_at(k) < o.end_ql]
            assert list(o.element_ids) == table.element_id[inside].tolist()
