"""The picture of a sweep."""

import subprocess
import sys
from dataclasses import replace

import pytest
from matplotlib.figure import Figure
from music21 import converter
from musicxml_checks import block_model

import qbdi_m21 as q
from qbdi_m21.errors import ParameterError
from qbdi_m21.improvisation.sweep import COLUMNS, sweep
from qbdi_m21.report.plots import PANELS, STYLES, plot_sweep, save_figure

RATES, NAMES = ('full', 16, 'half', 0), ['full', '16 bits', '50 %', '0 bits']


def make(**options):
    tune = converter.parse("tinynotation: 4/4 c4 d e f g2 a4 b c'1 b4 a g2")
    return sweep(tune, block_model(), **{'rates': RATES, 'seeds': 3, **options})


@pytest.fixture(scope='module')
def found():
    return make()


@pytest.fixture(scope='module')
def axes(found):
    return plot_sweep(found)


def test_there_are_eight_panels_with_titles_units_and_rates(axes):
    assert len(axes) == len(PANELS) == 8
    for axis, (column, title, unit) in zip(axes, PANELS, strict=True):
        assert column in COLUMNS
        assert axis.get_title() == title != ''
        assert axis.get_ylabel() == unit
        assert [label.get_text() for label in axis.get_xticklabels()] == NAMES
    assert len({axis.get_title() for axis in axes}) == 8
    assert len({axis.get_figure() for axis in axes}) == 1


def test_the_legend_names_the_query_and_every_control(axes):
    texts = [text.get_text() for text in axes[0].get_legend().get_texts()]
    assert sorted(texts) == ['prior', 'query', 'shuffled', 'transposed']


def test_lines_are_told_apart_without_colour(axes):
    lines = [container.lines[0] for container in axes[1].containers]
    assert len(lines) == 3
    assert len({line.get_marker() for line in lines}) == 3
    assert len({line.get_linestyle() for line in lines}) == 3


@pytest.mark.parametrize('panel', range(8))
def test_the_points_are_the_means_and_the_bars_the_intervals_of_the_summary(panel, found, axes):
    column = PANELS[panel][0]
    summary = {(row['control'], row['rate']): row for row in found.summary()
               if row['measure'] == column}
    assert [c.get_label() for c in axes[panel].containers] == list(STYLES)
    for container in axes[panel].containers:
        rows = [summary[container.get_label(), name] for name in NAMES]
        there = [(k, row) for k, row in enumerate(rows) if row['mean'] is not None]
        line, _, (bars,) = container.lines
        assert line.get_ydata() == pytest.approx([row['mean'] for _, row in there])
        assert [round(x) for x in line.get_xdata()] == [k for k, _ in there]
        ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
        for (low, high), (_, row) in zip(ends, there, strict=True):
            wanted = ('mean', 'mean') if row['count'] == 1 else ('low', 'high')
            assert (low, high) == pytest.approx(tuple(row[name] for name in wanted))


def test_the_prior_is_a_line_within_a_band(found, axes):
    (row,) = (r for r in found.summary() if (r['control'], r['measure']) == ('prior', 'notes'))
    (line,) = (one for one in axes[1].lines if one.get_label() == 'prior')
    assert line.get_ydata() == pytest.approx([row['mean']] * 2)
    (band,) = axes[1].patches
    low, high = band.get_extents().transformed(axes[1].transData.inverted()).intervaly
    assert (low, high) == pytest.approx((row['low'], row['high']))


def test_axes_that_are_given_are_drawn_into(found):
    given = list(Figure(figsize=(20, 5)).subplots(1, 8))
    drawn = plot_sweep(found, given)
    assert list(drawn) == given
    assert all(axis.has_data() for axis in given)


@pytest.mark.parametrize('count', [0, 1, 7, 9])
def test_another_number_of_axes_is_refused(count, found):
    given = [Figure().subplots() for _ in range(count)]
    with pytest.raises(ParameterError, match=f'^{count} axes were given; expected 8'):
        plot_sweep(found, given)


def test_the_file_is_a_picture_with_the_same_bytes_each_time(found, tmp_path):
    for name in ('a.png', 'b.png'):
        save_figure(plot_sweep(found), tmp_path / name)
    first, second = ((tmp_path / name).read_bytes() for name in ('a.png', 'b.png'))
    assert first[:8] == b'\x89PNG\r\n\x1a\n'
    assert first == second
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.png', 'b.png']


def test_another_sweep_is_another_picture(found, tmp_path):
    save_figure(plot_sweep(found), tmp_path / 'a.png')
    save_figure(plot_sweep(replace(found, rows=tuple(
        replace(row, notes=row.notes + 40 * (row.control == 'query')) for row in found.rows))),
        tmp_path / 'b.png')
    assert (tmp_path / 'a.png').read_bytes() != (tmp_path / 'b.png').read_bytes()


@pytest.mark.parametrize('options', [{'seeds': 1}, {'rates': (0,), 'channel': 'paper'},
                                     {'rates': (16,), 'seeds': 1}])
def test_one_seed_one_rate_and_silence_can_be_drawn(options, tmp_path):
    save_figure(plot_sweep(make(**options)), tmp_path / 'a.png')
    assert (tmp_path / 'a.png').stat().st_size > 10_000


def test_a_folder_that_is_not_there_is_named(axes, tmp_path):
    with pytest.raises(ParameterError, match=r'no such folder: .*none'):
        save_figure(axes, tmp_path / 'none' / 'a.png')


def test_the_function_is_public():
    assert q.plot_sweep is plot_sweep


def test_matplotlib_is_not_imported_until_something_is_drawn():
    code = ("import sys, qbdi_m21 as q, qbdi_m21.report.plots, qbdi_m21.improvisation.sweep\n"
            'q.plot_sweep, q.sweep\n'
            "print('matplotlib' in sys.modules)")
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, 'False\n'), done.stderr


def test_drawing_leaves_pyplot_alone(found):
    import matplotlib.pyplot as plt
    plot_sweep(found)
    assert plt.get_fignums() == []
