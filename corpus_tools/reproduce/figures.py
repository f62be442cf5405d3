"""The paper's figures."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np

from corpus_tools.plots import COLORS, MARKERS, plot_measures
from corpus_tools.reproduce.appendices import channel_curves, networks
from corpus_tools.reproduce.material import Material
from corpus_tools.reproduce.versions import FULL, IMPROVISED, improvisations
from qbdi_m21.errors import ParameterError
from qbdi_m21.report.oracle_plots import plot_ir_curve, plot_ir_profile
from qbdi_m21.report.plots import save_figure

#: Files of figures 2 and 3, without suffix, by the name of the version.
SCORES = {name: f'figure{2 if name == FULL else 3}-{name.replace(",", "").replace(" ", "-")}'
          for name in IMPROVISED}

#: Measures of the first figure.
MEASURES = ('notes', 'pitch_class_sets', 'chroma_cosine', 'silent_share')


def rate_figures(_: Material, rows: Any, folder: Path) -> None:
    """Draw notes, chords, likeness and silence against the rate, a line for each channel."""
    import pandas as pd
    table = pd.DataFrame([row for row in rows if row['control'] == 'query'])
    table['work'] = table['take'].astype(str)
    table['bits'] = [row['rate'].removesuffix(' bits') for _, row in table.iterrows()]
    save_figure(plot_measures(table, MEASURES, 'bits', color_by='channel'), folder / 'rates.png')


def version_figures(material: Material, _: Any, folder: Path) -> None:
    """Write figures 2, 3 and 4."""
    versions = improvisations(material)
    _score_figures(versions, folder)
    _motif_figure(versions, folder)


def _score_figures(versions: dict[str, Any], folder: Path) -> None:
    """Write the improvisations over the query, with collisions and meetings."""
    from qbdi_m21.analysis.collisions import find_collisions
    from qbdi_m21.notation.align import align
    from qbdi_m21.notation.annotate import annotate
    from qbdi_m21.notation.musicxml import write_musicxml
    from qbdi_m21.notation.pictures import draw_picture
    for old in folder.glob('figure[23]-*'):     # a score before may have had more pages
        old.unlink()
    (_, query), *made_on_it = versions.items()
    for name, made in made_on_it:
        marked = annotate(align(query, made), find_collisions(query, made))
        stem = folder / SCORES[name]
        write_musicxml(marked, stem.with_suffix('.mxl'))
        with contextlib.suppress(ParameterError):       # no notation program is there
            draw_picture(marked, stem.with_suffix('.png'))


def _motif_figure(versions: dict[str, Any], folder: Path) -> None:
    """Draw the oracle's motifs on Tonnetz chroma."""
    from matplotlib.figure import Figure

    from qbdi_m21.analysis.motifs.find import find_motifs
    from qbdi_m21.report.motif_plots import plot_motifs
    figure = Figure(figsize=(10, 4 * len(versions)), layout='constrained')
    for axes, (name, score) in zip(figure.subplots(len(versions)), versions.items(), strict=True):
        motifs = find_motifs(score, preset='vmo')[:10]
        plot_motifs(motifs, score, axes)
        axes.set_title(f'{name}: the {len(motifs)} most salient motifs', fontsize=10)
    save_figure(figure, folder / 'figure4-motifs.png')


def information_figures(_: Material, found: Any, folder: Path) -> None:
    """Draw figures 5 and 6: information rate by threshold and over time, with null models."""
    from matplotlib.figure import Figure
    surface = found['surface']
    figure = Figure(figsize=(13, 7.2), layout='constrained')
    for axes, (name, one) in zip(figure.subplots(2, 2).flat, surface.items(), strict=True):
        plot_ir_curve(_Told(one), axes)     # type: ignore[arg-type]
        axes.set_title(name, fontsize=10)
    save_figure(figure, folder / 'figure5-information-rate.png')
    latents = found['latents']
    figure = Figure(figsize=(10, 2.6 * len(latents)), layout='constrained')
    for axes, (name, takes) in zip(figure.subplots(len(latents)), latents.items(), strict=True):
        one = takes[0]
        plot_ir_profile(_Told(one), axes)   # type: ignore[arg-type]
        axes.set_title(f'{name}, take 0: peak {one["total_bits"]:.1f} bits at '
                       f'{one["selected_threshold"]:.2f}; shuffled '
                       f'{one["null"]["mean_bits"]:.1f} ± {one["null"]["sd_bits"]:.1f}',
                       fontsize=10)
        axes.set_xlabel('bar')
    save_figure(figure, folder / 'figure6-latents.png')


def bound_figure(_: Material, found: Any, folder: Path) -> None:
    """Draw rate and distortion of the family of networks, and of the channel (appendix A)."""
    from matplotlib.figure import Figure
    figure = Figure(figsize=(12, 4.2), layout='constrained')
    left, right = figure.subplots(1, 2)
    path = networks(found, beta=1.0)
    for place, (name, values) in enumerate((('H - D', [h - d for h, d in zip(
            path['data_entropy_bits'], path['distortion_bits'], strict=True)]),
            ('I', path['mutual_information_bits']), ('R', path['rate_bits']))):
        left.plot(path['updates'], values, MARKERS[place] + '-', color=COLORS[place], label=name)
    left.set_xlabel('updates')
    left.set_ylabel('bits a bar')
    left.legend()
    family = networks(found, updates=max(path['updates']))
    family = family.sort_values('arriving_bits')
    right.plot(family['arriving_bits'], family['distortion_bits'], 'o-', color=COLORS[0],
               label='beta-VAEs')
    for beta, rate, distortion in zip(family['beta'], family['arriving_bits'],
                                      family['distortion_bits'], strict=True):
        right.annotate(f'β {beta:g}', (rate, distortion), textcoords='offset points',
                       xytext=(4, 4), fontsize=8)
    for number, (name, curve) in enumerate(channel_curves(found).items(), 1):
        right.plot(curve['rate_bits'], curve['distortion_bits'], 's--', color=COLORS[number],
                   label=f'one VAE (β 1), {name} channel')
    right.set_xlabel('rate that arrives, bits a bar')
    right.set_ylabel('distortion, bits a bar')
    right.set_yscale('log')
    right.legend()
    save_figure(figure, folder / 'appendixA-bounds.png')


class _Told:
    """What plots of an information rate read, from numbers that were kept."""

    def __init__(self, told: dict[str, Any]) -> None:
        from qbdi_m21.analysis.null_model import NullModel
        self.thresholds = np.array(told['thresholds'])
        self.curve = np.array(told['curve_bits'])
        self.selected, self.total_bits = told['selected_threshold'], told['total_bits']
        self.profile, self.grid = np.array(told['profile']), None
        null = told['null']
        self.null = NullModel(self.total_bits, np.array(null['shuffled_bits']), null['seed'])
