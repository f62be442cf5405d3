"""Measures of a work: functions from its note table to numbers. Units are in the names.

A measure is ``function(table, *, seed, work, **parameters) -> dict``; it names the parameters it
takes. None and NaN are missing values.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import math
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import qbdi_m21
from corpus_tools.rows import TYPES
from qbdi_m21.errors import ParameterError, QbdiWarning
from qbdi_m21.frames.table import NoteTable

Values = dict[str, Any]
Measure = Callable[..., Mapping[str, Any]]

#: Columns of rows that are no measures.
RESERVED = (*TYPES, 'filename', 'unit', 'table', 'content')

#: What every measure may ask for besides the parameters of its study.
GIVEN = ('seed', 'work')


def notes(table: NoteTable) -> Values:
    """Size: notes, bars, parts, quarters, range in semitones, notes a quarter."""
    length = float(table.bars[-1].end_ql)
    return {'num_notes': len(table), 'num_bars': len(table.bars),
            'num_parts': len(table.part_names), 'length_ql': length,
            'range_semitones': int(table.pitch.max() - table.pitch.min()),
            'notes_per_ql': len(table) / length}


def information_rate(table: NoteTable, *, seed: int, null: int = 20, step: float = 0.5,
                     distance: str = 'tonnetz', max_frames: int = 4000) -> Values:
    """Information rate, its threshold, and what the same bars in other orders give."""
    from qbdi_m21.analysis.information_rate import analysis_chroma
    from qbdi_m21.analysis.information_rate import information_rate as measure
    from qbdi_m21.frames.encode import read_music
    frames = len(analysis_chroma(read_music(table).frames)[0])
    if frames > max_frames:
        raise ParameterError(f'it has {frames} analysis frames; max_frames is {max_frames}')
    found = measure(table, distance=distance, step=step, null=null, seed=seed)
    return _rate_values(found, 'ir', 'frame')


def _rate_values(found: Any, name: str, unit: str) -> Values:
    count = len(found.profile)
    values: Values = {
        f'{name}_bits_per_{unit}': found.total_bits / count, f'{name}_threshold': found.selected,
        f'{name}_matched_share': found.matched_share, f'{name}_{unit}s': count}
    if found.null is not None:
        values |= {f'{name}_null_bits_per_{unit}': found.null.mean_bits / count,
                   f'{name}_excess_bits_per_{unit}': found.null.excess_bits / count,
                   f'{name}_null_z': found.null.z,
                   f'{name}_null_p': found.null.p_value}
    return values


def motifs(table: NoteTable, *, seed: int, null: int = 0, level: str = 'motifs',
           max_motifs: int = 26) -> Values:
    """How many motifs, how often they occur, which share of the notes they hold."""
    from qbdi_m21.analysis.motifs.find import find_motifs
    options: dict[str, Any] = {'level': level, 'max_motifs': max_motifs}
    values = _motif_values(table, find_motifs(table, **options))
    if null:
        chance = [_motif_values(mixed, find_motifs(mixed, **options))
                  for mixed in _shuffled(table, null, seed)]
        for name in ('motif_occurrences_per_100_notes', 'motif_coverage'):
            values[f'{name}_null'] = float(np.mean([one[name] for one in chance]))
            values[f'{name}_excess'] = values[name] - values[f'{name}_null']
    return values


def _motif_values(table: NoteTable, found: tuple[Any, ...]) -> Values:
    held = {name for motif in found for o in motif.occurrences for name in o.element_ids}
    return {'num_motifs': len(found),
            'motif_occurrences_per_100_notes':
                100 * sum(len(motif.occurrences) for motif in found) / len(table),
            'motif_coverage': len(held) / len(np.unique(table.element_id))}


def _shuffled(table: NoteTable, versions: int, seed: int) -> list[NoteTable]:
    """Return a table with its bars in other orders; bars of one kind change places."""
    from qbdi_m21.frames.repeats import in_order
    kinds = np.array([f'{bar.length_ql} {bar.lead_ql} {bar.meter}' for bar in table.bars])
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(versions):
        order = np.arange(len(table.bars))
        for kind in np.unique(kinds):
            same = np.flatnonzero(kinds == kind)
            order[same] = rng.permutation(same)
        found.append(in_order(table, order.tolist()))
    return found


def harmony(table: NoteTable) -> Values:
    """Chords and keys, inferred beat by beat and bar by bar."""
    from qbdi_m21.analysis.harmony import infer_chords, infer_keys
    from qbdi_m21.frames.features import pitch_classes, tonnetz
    from qbdi_m21.frames.raster import table_to_frames
    from qbdi_m21.improvisation.measures import entropy_of_counts
    frames = table_to_frames(table)
    chroma = pitch_classes(frames)
    bars = np.add.reduceat(chroma, frames.grid.bar_starts[:-1], axis=0)
    starts = np.arange(0, frames.grid.num_frames, 4)
    beats = np.add.reduceat(chroma, starts, axis=0)
    roots, qualities = infer_chords(beats)
    named = roots >= 0
    pairs = Counter(zip(roots[named].tolist(), qualities[named].tolist(), strict=True))
    keys = infer_keys(bars)
    keys = keys[keys > -6]
    centroids = tonnetz(bars[bars.any(axis=1)])
    moves = np.linalg.norm(np.diff(centroids, axis=0), axis=1)
    return {'chord_share_of_beats': float(named[beats.any(axis=1)].mean()),
            'num_chords': len(pairs),
            'chord_entropy_bits': entropy_of_counts(np.array(list(pairs.values())))
            if pairs else None,
            'num_keys': len(np.unique(keys)),
            'tonnetz_step_per_bar': float(moves.mean()) if len(moves) else None}


def collisions(table: NoteTable, *, seed: int, model: str = 'chorales', rate: Any = 256,
               channel: str = 'prior-preserving', repeat: int = 0) -> Values:
    """Collisions and meetings of a work with an improvisation on it, and how near they are.

    The same `repeat` means the same noise at every rate and model.
    """
    from qbdi_m21.analysis.collisions import KINDS, find_collisions
    from qbdi_m21.frames.encode import Music
    from qbdi_m21.improvisation.measures import measure
    from qbdi_m21.improvisation.transmission import transmit_frames
    served = _model(model)
    query = _frames(table, served)
    made = transmit_frames(query, served, rate=rate, channel=channel, seed=seed + repeat).frames
    hits = find_collisions(Music(query, table), Music(made, None, 'improvisation'))
    counts = Counter(hit.kind for hit in hits)
    bars = len(table.bars)
    clashes = [hit for hit in hits if hit.kind != 'meeting']
    near = measure(made, query)
    return {**{f'{kind.replace(" ", "_")}s_per_bar': counts[kind] / bars for kind in KINDS},
            'collisions_per_bar': len(clashes) / bars,
            'collision_severity': float(np.mean([hit.severity for hit in clashes]))
            if clashes else None,
            'collided_share': _share(clashes, float(table.bars[-1].end_ql)),
            'tonnetz_distance': near['tonnetz_distance'],
            'chroma_cosine': near['chroma_cosine'], 'silent_bars_share': near['silent_bars'],
            'improvised_notes_per_bar': near['notes'] / bars}


def _share(hits: list[Any], length: float) -> float:
    """Return the share of the time in which there is a collision (of keys or other)."""
    edges = sorted((float(hit.start_ql), float(hit.end_ql)) for hit in hits)
    total, reached = 0.0, 0.0
    for start, end in edges:
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total / length


def distortion_rate(table: NoteTable, *, seed: int, model: str = 'chorales',
                    samples: int = 4) -> Values:
    """Distortion D and rate R of a work's bars under a model, in bits a bar (Dubnov 2019, eq 1)."""
    from qbdi_m21.model.bounds import distortion_and_rate
    from qbdi_m21.model.training_set import table_windows
    served = _model(model)
    windows = table_windows(table, served.spec)
    distortion, rate = distortion_and_rate(served, windows, samples=samples, seed=seed)
    bits = 1 / math.log(2)
    return {'distortion_bits_per_bar': distortion * bits, 'rate_bits_per_bar': rate * bits,
            'negative_elbo_bits_per_bar': (distortion + rate) * bits}


def latents(table: NoteTable, *, seed: int, model: str = 'chorales', latents: str = 'means',
            rate: Any = 'full', null: int = 20) -> Values:
    """Information rate of the latents of a work's bars under a model, beside shuffled bars."""
    from qbdi_m21.improvisation.information import latent_information_rate
    found = latent_information_rate(table, _model(model), latents=latents, rate=rate, seed=seed,
                                    null=null)
    return _rate_values(found, 'latent_ir', 'bar')


def _frames(table: NoteTable, served: Any) -> Any:
    from qbdi_m21.frames.encode import to_frames
    return to_frames(table, step=served.spec.step_ql, pitch_range=served.spec.pitch_range)


@lru_cache(maxsize=4)
def _model(name: str) -> Any:
    from qbdi_m21.model.store import load_model
    return load_model(name)


#: Measures by their names in a study.
MEASURES: dict[str, Measure] = {
    'notes': notes, 'information_rate': information_rate, 'motifs': motifs, 'harmony': harmony,
    'collisions': collisions, 'distortion_rate': distortion_rate, 'latents': latents}


def load_measure(target: str, folder: str = '') -> Measure:
    """Return the function that a study names.

    Parameters
    ----------
    target : str
        A name of `MEASURES`; ``'module:function'``; ``'file.py:function'``; or
        ``'music21:ID'``, a feature extractor of music21, which reads the score again.
    folder : str
        Where files are looked for.

    Raises
    ------
    ParameterError
        If there is none.
    """
    if target in MEASURES:
        return MEASURES[target]
    place, colon, name = target.rpartition(':')
    if not colon:
        raise ParameterError(f'no measure {target!r}; expected {", ".join(MEASURES)}, '
                             "'module:function', 'file.py:function' or 'music21:ID'")
    if place == 'music21':
        from corpus_tools.extractors import extractor_measure
        extractor: Measure = extractor_measure(name)
        return extractor
    try:
        path = Path(folder, place)
        module = _load_file(path, path.stat().st_mtime_ns) if place.endswith('.py') else (
            importlib.import_module(place))
        found = getattr(module, name)
    except Exception as error:      # its file is anybody's
        raise ParameterError(f'the measure {target!r} cannot be loaded ({type(error).__name__}: '
                             f'{error})') from error
    if not callable(found):
        raise ParameterError(f'the measure {target!r} is no function')
    measure: Measure = found
    return measure


@lru_cache(maxsize=16)
def _load_file(path: Path, changed: int) -> Any:
    """Return a Python file, as it was when it last changed, as a module of its own name."""
    name = f'_measures_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}'
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f'no Python file: {path}')
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def parameters_of(measure: Measure) -> dict[str, inspect.Parameter]:
    """Return the parameters that a measure takes by name."""
    found = list(inspect.signature(measure).parameters.values())[1:]
    return {one.name: one for one in found if one.kind is not one.VAR_KEYWORD}


def fingerprint(measure: Measure) -> str:
    """Return what changes when the code of a measure does."""
    # its whole file: a measure calls others there
    name = getattr(measure, '__qualname__', repr(measure))
    try:
        source = Path(inspect.getfile(measure)).read_text('utf-8', errors='replace')
    except (OSError, TypeError):
        source = ''
    own = getattr(measure, 'version', qbdi_m21.__version__ if measure in MEASURES.values() else '')
    return hashlib.sha256(f'{name} {own} {source}'.encode()).hexdigest()[:16]


def call_measure(measure: Measure, table: NoteTable, given: Mapping[str, Any]) -> Values:
    """Return the values of a measure as plain numbers, texts and None.

    Raises
    ------
    ParameterError
        If it gives anything else.
    """
    takes = parameters_of(measure)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', QbdiWarning)
        found = measure(table, **{name: value for name, value in given.items() if name in takes})
    if not isinstance(found, Mapping):
        raise ParameterError(f'the measure gave {type(found).__name__}; expected a dict')
    values = {str(name): _plain(name, value) for name, value in found.items()}
    lower = [name.lower() for name in values]
    taken = sorted({name for name in lower if name in RESERVED or lower.count(name) > 1})
    if taken:
        raise ParameterError(f'the measure gave a column {", ".join(taken)}, which is one of the '
                             'toolkit, or gave it twice (capitals do not count); call it otherwise')
    return values


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, float) and math.isinf(value):
        raise ParameterError(f'the measure gave infinity for {name!r}; give None where there is no '
                             'number')
    if isinstance(value, int) and not -2**63 <= value < 2**63:
        raise ParameterError(f'the measure gave {value} for {name!r}; expected whole numbers of 64 '
                             'bits')
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ParameterError(f'the measure gave {type(value).__name__} for {name!r}; expected a '
                         'number, a text or None')
