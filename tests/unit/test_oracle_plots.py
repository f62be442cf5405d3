"""Pictures of oracles: what is on the axes, the same bytes each time, and matplotlib when asked."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc
from strategies import bars_of, table_of

import qbdi_m21 as q
from qbdi_m21.errors import ParameterError
from qbdi_m21.oracle.build import build_oracle, empty_oracle
from qbdi_m21.report import oracle_plots as plots
from qbdi_m21.report.plots import save_figure

THEME = [60, 64, 67, 71, 62, 65, 69, 61]
BARS = 40


def piece(bars=BARS):
    pitches = (THEME + [59, 66, 63, 70, 68, 58, 56, 54]) * (bars // 2)
    return table_of([(k / 2, 0.5, p) for k, p in enumerate(pitches)], bars_of(*['4/4'] * bars))


@pytest.fixture(scope='module')
def found():
    return q.information_rate(piece(), null=5)


def every_plot(found):
    """Return the axes of each function, on new figures."""
    table = piece()
    return {'curve': q.plot_ir_curve(found), 'profile': q.plot_ir_profile(found),
            'oracle': q.plot_oracle(found.oracle, grid=found.grid),
            'similarity': q.plot_self_similarity(found.oracle, grid=found.grid),
            'motifs': q.plot_motifs(q.find_motifs(table, min_length=8), q.to_frames(table)),
            'all': plots.plot_information(found)[0]}


def test_each_picture_is_axes_and_the_same_bytes_each_time(found, tmp_path):
    for name, axes in every_plot(found).items():
        assert isinstance(axes, Axes), name
        save_figure([axes], tmp_path / f'{name}-1.png')
    for name, axes in every_plot(found).items():
        save_figure([axes], tmp_path / f'{name}-2.png')
        one, two = ((tmp_path / f'{name}-{k}.png').read_bytes() for k in (1, 2))
        assert one == two, name
        assert one[:8] == b'\x89PNG\r\n\x1a\n'
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 6


def test_each_picture_goes_on_axes_that_are_given(found):
    frames, motifs = q.to_frames(piece()), q.find_motifs(piece(), min_length=8)
    axes = list(Figure().subplots(5, 1))
    drawn = [q.plot_ir_curve(found, axes[0]), q.plot_ir_profile(found, axes[1]),
             q.plot_oracle(found.oracle, axes[2]), q.plot_self_similarity(found.oracle, axes[3]),
             q.plot_motifs(motifs, frames, axes[4])]
    assert all(one is other for one, other in zip(axes, drawn, strict=True))


def test_the_curve_is_the_information_rate_with_its_null_model(found):
    axes = q.plot_ir_curve(found)
    curve, selected, mean = axes.get_lines()
    assert np.array_equal(curve.get_xdata(), found.thresholds)
    assert np.array_equal(curve.get_ydata(), found.curve)
    assert set(selected.get_xdata()) == {found.selected}
    assert set(mean.get_ydata()) == {found.null.mean_bits}
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels[0] == f'selected: {found.selected:.3f}, {found.total_bits:.1f} bits'
    assert labels[1] == f'peaks of 5 shuffled versions (p = {found.null.p_value:.2f})'
    assert len(q.plot_ir_curve(q.information_rate(piece())).get_lines()) == 2


def test_the_profile_has_measures_on_its_axis(found):
    axes = q.plot_ir_profile(found)
    assert np.array_equal(axes.get_lines()[0].get_ydata(), found.profile)
    assert axes.get_xlabel() == 'measure'
    # every second of 40 measures: not more numbers than there is room for
    assert [text.get_text() for text in axes.get_xticklabels()] == [
        str(number) for number in range(1, 41, 2)]
    assert axes.get_xticks().tolist() == list(range(0, 320, 16))
    bare = q.plot_ir_profile(q.information_rate(np.tile(np.eye(3), (5, 1))))
    assert bare.get_xlabel() == 'frame'


def test_arcs_lead_to_what_is_repeated():
    oracle = build_oracle([[0.0], [1.0], [2.0], [0.0], [1.0], [2.0], [5.0]], 0.5)
    arcs = [patch for patch in q.plot_oracle(oracle).patches if isinstance(patch, Arc)]
    assert [(arc.center[0], arc.width) for arc in arcs] == [(2.5, 3), (3.5, 3), (4.5, 3)]
    # the longer the suffix, the darker
    assert [arc.get_alpha() for arc in arcs] == sorted(arc.get_alpha() for arc in arcs)
    assert arcs[0].get_alpha() < arcs[2].get_alpha() == 1
    long = q.plot_oracle(oracle, min_lrs=3)
    assert len([patch for patch in long.patches if isinstance(patch, Arc)]) == 1


def test_self_similarity_has_symbols_and_darker_passages():
    word = [0.0, 1.0, 2.0, 0.0, 1.0, 3.0, 0.0]
    cells = np.asarray(q.plot_self_similarity(
        build_oracle(np.array(word)[:, None], 0.5)).get_images()[0].get_array())
    assert np.array_equal(cells, cells.T)
    same = np.equal.outer(word, word)
    assert np.all(cells[~same] == 0)
    assert np.all(cells[same] > 0)
    assert cells[3, 0] == cells[4, 1] == 1          # a passage of two frames
    assert cells[6, 0] == cells[6, 3] < 1           # one frame alone


def test_long_pieces_are_shown_at_every_second_frame(monkeypatch):
    monkeypatch.setattr(plots, '_CELLS', 10)
    oracle = build_oracle((np.arange(19.0) % 4)[:, None], 0.5)
    image = q.plot_self_similarity(oracle).get_images()[0]
    assert image.get_array().shape == (10, 10)
    assert list(image.get_extent()) == [0, 19, 0, 19]


def test_one_figure_shows_all_four(found):
    axes = plots.plot_information(found)
    assert [axis.get_title() for axis in axes] == [
        'Information rate by threshold', 'Information rate over time', 'Repeated suffixes',
        'Self-similarity']
    assert len({id(axis.get_figure()) for axis in axes}) == 1
    assert [axis.get_xlabel() for axis in axes] == ['threshold', 'measure', 'measure', 'measure']


def test_where_silence_is_ignored_only_the_profile_has_measures():
    notes = [(k / 2, 0.5, p) for k, p in enumerate(THEME * 4) if k % 8 != 5]
    found = q.information_rate(table_of(notes, bars_of(*['4/4'] * 4)), silence='ignore')
    axes = plots.plot_information(found)
    assert [axis.get_xlabel() for axis in axes] == ['threshold', 'measure', 'frame', 'frame']


def test_an_oracle_of_nothing_has_no_picture(found):
    import dataclasses
    empty = dataclasses.replace(found, oracle=empty_oracle(12, 0.1, 'tonnetz', 'vmo'))
    with pytest.raises(ParameterError, match='the oracle has no frame'):
        plots.plot_information(empty)


def test_importing_the_module_and_its_names_loads_no_matplotlib():
    script = ('import sys, qbdi_m21 as q\nimport qbdi_m21.report.oracle_plots\n'
              'names = [q.plot_oracle, q.plot_ir_curve, q.plot_motifs]\n'
              'print("matplotlib" in sys.modules, "numba" in sys.modules)')
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stdout) == (0, 'False False\n'), done.stderr


def test_drawing_leaves_pyplot_alone(found):
    q.plot_ir_curve(found)
    assert 'matplotlib.pyplot' not in sys.modules or not sys.modules[
        'matplotlib.pyplot'].get_fignums()
