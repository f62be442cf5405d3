"""music21 feature extractors of the toolkit's measures."""

import math

import pytest
from music21 import features, note, stream

import qbdi_m21 as q
from corpus_tools.extractors import EXTRACTORS, InformationRateFeature, MotifFeature


def test_they_fill_a_data_set_of_music21(corpus_score):
    data = features.DataSet(classLabel='kind')
    data.addFeatureExtractors(list(EXTRACTORS))
    for work in ('bach/bwv66.6', 'bach/bwv269'):
        data.addData(corpus_score(work), classValue='chorale', id=work)
    data.process()
    rows = data.getFeaturesAsList(includeClassLabel=False, includeId=True)
    assert [row[0] for row in rows] == ['bach/bwv66.6', 'bach/bwv269']
    assert all(len(row) == 1 + 3 + 3 for row in rows)
    for row, work in zip(rows, ('bach/bwv66.6', 'bach/bwv269'), strict=True):
        found = q.information_rate(corpus_score(work))
        assert row[1] == pytest.approx(found.total_bits / len(found.profile), abs=1e-6)
        assert row[2] == pytest.approx(found.selected, abs=1e-6)
        motifs = q.find_motifs(corpus_score(work))
        assert row[4] == len(motifs)
        assert 0 < row[6] <= 1


@pytest.mark.parametrize('extractor', EXTRACTORS)
def test_where_a_measure_has_no_value_it_is_missing_and_not_zero(extractor):
    nothing = stream.Score([stream.Part([stream.Measure([note.Rest(quarterLength=4)])])])
    vector = extractor(nothing).extract().vector
    assert len(vector) == 3
    assert all(math.isnan(value) for value in vector)


def test_they_are_named_apart():
    assert {one.id for one in EXTRACTORS} == {'QB1', 'QB2'}
    assert InformationRateFeature().dimensions == MotifFeature().dimensions == 3
