"""Finding motifs: presets, levels, and from places in lines and frames to notes of a score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from qbdi_m21.analysis.information_rate import ANALYSIS_STEP, analysis_features
from qbdi_m21.analysis.motifs.places import Found, Place, rows_within, tell
from qbdi_m21.analysis.motifs.repetitions import Lengths, Lines, join_voices, repetitions
from qbdi_m21.analysis.motifs.result import LABELS, Motif, Occurrence
from qbdi_m21.analysis.motifs.selection import Family, join_variants, select
from qbdi_m21.analysis.motifs.texture import (
    MAX_EXPLAINED,
    equal_patterns,
    explained_notes,
    frame_patterns,
    passages,
)
from qbdi_m21.analysis.motifs.variants import with_variants
from qbdi_m21.analysis.motifs.voices import voices_of
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.encode import Music, Source, read_table
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.raster import table_to_frames
from qbdi_m21.frames.repeats import in_order
from qbdi_m21.frames.roll import Frames
from qbdi_m21.frames.table import NoteTable
from qbdi_m21.oracle.distances import check_features
from qbdi_m21.oracle.patterns import Pattern

Preset = Literal['default', 'vmo']
Level = Literal['motifs', 'themes', 'sections']

#: What a motif's length may be at each level; sections are passages of the whole texture.
LEVELS = {'motifs': Lengths(), 'themes': Lengths(longest=24.0, usual=6.0, min_notes=6),
          'sections': Lengths(shortest=12.0, longest=np.inf, usual=np.inf)}

#: Shortest passage of the whole texture that is a theme, in quarter lengths.
SHORTEST_PASSAGE = Fraction(2)

#: A theme explains at least this share of the notes that the first one does.
LEAST_GAIN = 0.2

#: Where passages of the whole texture hold this share of all notes, they are the themes.
HOMOPHONIC = 1 / 3


def find_motifs(
    source: Source | npt.NDArray[np.floating], *, preset: Preset = 'default',
    level: Level = 'motifs', min_length: float | Fraction | None = None,
    min_occurrences: int = 2, max_motifs: int = len(LABELS),
    parts: Sequence[int | str] | None = None, threshold: float | None = None,
    step: float | Fraction = ANALYSIS_STEP, null: int = 0, seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Motif, ...]:
    """Return the motifs of a score, the most salient first.

    Parameters
    ----------
    source : music21 Stream, NoteTable, Frames, Music, or ndarray of shape (T, D)
        Not changed. An array of features goes with ``preset='vmo'``: places count frames.
    preset : {'default', 'vmo'}
        'default' finds notes: in the voices of the score, in any voice and transposition, and
        varied; or passages of the whole texture, whose notes return. 'vmo' is the published
        way: what the oracle of the whole texture's Tonnetz frames repeats, all of it.
    level : {'motifs', 'themes', 'sections'}
        Of the default preset. Motifs are of about a bar of a voice. Themes are passages of the
        whole texture and, where those hold less than a third of all notes, of voices. Sections
        are passages of at least three bars of 4/4.
    min_length : float or Fraction, optional
        Shortest motif, in quarter lengths; by default that of the level, and with 'vmo' the
        oracle's mean longest repeated suffix.
    min_occurrences : int
        Fewest occurrences; >= 2.
    max_motifs : int
        Most motifs, at most 26.
    parts : sequence of int or str, optional
        Indices or names of the parts to look in; all by default.
    threshold, step
        Of the oracle of frames: threshold (the one of highest information rate by default), and
        length of a frame in quarters (an eighth).
    null : int
        How many versions with shuffled bars each motif is compared with; see `Motif.p_value`.
    seed : int
        Of the shuffled versions.
    progress : callable, optional
        Called as ``progress(done, all)`` after each version.

    Returns
    -------
    tuple of Motif
        Empty where nothing repeats.

    Raises
    ------
    ParameterError
        If a choice is none, or features are not finite.

    Notes
    -----
    Source: Dubnov 2019, 3.1-3.2 and figure 4; Wang, Hsu & Dubnov 2015 for 'vmo'. The default is
    described in docs/motifs.md. Repeats that are written as signs are not played out.
    """
    _check(preset, level, min_length, min_occurrences, max_motifs, null)
    if not 0 < step < np.inf or seed < 0:
        raise ParameterError(f'step is {step} and seed {seed}; expected quarters above 0, and a '
                             'seed of at least 0')
    length = None if min_length is None else Fraction(min_length).limit_denominator(960)
    if isinstance(source, np.ndarray):
        if preset != 'vmo' or null or parts is not None:
            raise ParameterError("features have no notes; expected preset='vmo', and neither parts "
                                 'nor null')
        return _of_features(source, threshold, length, min_occurrences)[:max_motifs]
    whole, side = read_table(source)
    table = _chosen(whole, parts)
    if not len(table):
        return ()
    # the caller's own frames are those of the piece as it is
    given = (source if isinstance(source, Frames)
             else source.frames if isinstance(source, Music) and parts is None else None)
    step_ql = Fraction(step).limit_denominator(960)

    def search(of: NoteTable) -> list[Found]:
        if preset == 'default' and level == 'motifs':
            return _by_voices(of, _lengths(level, length), min_occurrences)
        frames = given if given is not None and of is table else table_to_frames(of)
        features, _, grid = analysis_features(frames, step_ql)
        if preset == 'vmo':
            return _by_frames(of, grid, features, threshold, length, min_occurrences)
        return _by_textures(of, grid, features, level, threshold, length, min_occurrences)

    found = search(table)[:max_motifs]
    p_values = _null(table, found, search, null, seed, progress)
    told = not isinstance(source, Frames) and not (
        isinstance(source, Music) and source.table is None)
    return tuple(tell(label, one, found[0].value, table, side, p, told)
                 for label, one, p in zip(LABELS, found, p_values, strict=False))


def _lengths(level: str, length: Fraction | None) -> Lengths:
    """Return the lengths of a level, moved up where the shortest is given."""
    lengths = LEVELS[level]
    if length is None:
        return lengths
    return replace(lengths, shortest=float(length), usual=max(lengths.usual, float(length)),
                   longest=max(lengths.longest, 3 * float(length)))


def _check(preset: str, level: str, min_length: float | Fraction | None, min_occurrences: int,
           max_motifs: int, null: int) -> None:
    if preset not in ('default', 'vmo'):
        raise ParameterError(f"preset is {preset!r}; expected 'default' or 'vmo'")
    if level not in LEVELS:
        raise ParameterError(f'level is {level!r}; expected one of {", ".join(LEVELS)}')
    if min_length is not None and not 0 < min_length < np.inf:
        raise ParameterError(f'min_length is {min_length}; expected quarters above 0')
    if min_occurrences < 2 or not 1 <= max_motifs <= len(LABELS) or null < 0:
        raise ParameterError(
            f'min_occurrences={min_occurrences}, max_motifs={max_motifs}, null={null}; expected '
            f'at least 2, 1 to {len(LABELS)}, and at least 0')


def _chosen(table: NoteTable, parts: Sequence[int | str] | None) -> NoteTable:
    """Return the notes of some parts, by index or name."""
    if parts is None:
        return table
    parts = [parts] if isinstance(parts, str | int) else parts
    names = [name.casefold() for name in table.part_names]
    chosen = []
    for part in parts:
        if isinstance(part, str) and part.casefold() in names:
            chosen += [k for k, name in enumerate(names) if name == part.casefold()]
        elif isinstance(part, int) and 0 <= part < len(names):
            chosen.append(part)
        else:
            raise ParameterError(
                f'there is no part {part!r}; the parts are '
                + ', '.join(f'{k} ({name or "no name"})'
                            for k, name in enumerate(table.part_names)))
    return table.select(np.isin(table.part, chosen))


def _by_frames(table: NoteTable, grid: Grid, features: npt.NDArray[np.float64],
               threshold: float | None, length: Fraction | None,
               min_count: int) -> list[Found]:
    """Return what the oracle of the frames repeats, with the notes that start in it."""
    shortest = None if length is None else max(round(length / grid.bar_steps[0]), 1)
    found = []
    for pattern in frame_patterns(features, threshold=threshold, min_frames=shortest,
                                  min_count=min_count):
        spans = [(grid.offset_at_frame(a), grid.offset_at_frame(b)) for a, b in pattern.spans]
        found.append(Found([Place(rows_within(table, *span), span=span) for span in spans],
                            float(_frames_explained(pattern))))
    return sorted(found, key=lambda one: -one.value)


def _frames_explained(pattern: Pattern) -> int:
    return pattern.length * (len(pattern.ends) - 1)


def _by_textures(table: NoteTable, grid: Grid, features: npt.NDArray[np.float64], level: str,
                 threshold: float | None, length: Fraction | None,
                 min_count: int) -> list[Found]:
    """Return passages of the whole texture and, as themes, of voices where these are few."""
    lengths = _lengths(level, length)
    shortest = length or (SHORTEST_PASSAGE if level == 'themes'
                          else Fraction(lengths.shortest).limit_denominator(960))
    patterns = frame_patterns(features, threshold=threshold, min_count=min_count)
    patterns += equal_patterns(features, max(round(shortest / grid.bar_steps[0]), 2))
    whole = [Found([Place(rows, span=(start, end)) for start, end, rows in one],
                    float(explained_notes(one)))
             for one in passages(table, grid, patterns, shortest=shortest, min_count=min_count)]
    held = np.zeros(len(table), dtype=np.bool_)
    for one in whole:
        for place in one.places:
            held[place.rows] = True
    if level == 'themes' and held.mean() < HOMOPHONIC:
        whole += _not_held(_by_voices(table, lengths, min_count), held, min_count)
    whole = sorted((_compared(one, table) for one in whole), key=lambda one: -one.value)
    return [one for one in whole if one.value >= LEAST_GAIN * whole[0].value]


def _not_held(found: list[Found], held: npt.NDArray[np.bool_], min_count: int) -> list[Found]:
    """Return motifs whose first forms no passage holds, by what they explain."""
    left = [[place for place in one.places if held[place.rows].mean() <= MAX_EXPLAINED]
            for one in found]
    kept = [replace(one, places=places) for one, places in zip(found, left, strict=True)
            if len(places) >= min_count and not min(place.distance for place in places)]
    return [replace(one, value=one.likeness * one.gain * one.density) for one in kept]


def _compared(found: Found, table: NoteTable) -> Found:
    """Return a passage with how unlike its first occurrence the others are."""
    if found.places[0].span is None:
        return found

    def notes(place: Place) -> set[tuple[int, int, int]]:
        start = place.span[0] if place.span else Fraction(0)
        return {(*(table.onset_at(k) - start).as_integer_ratio(), int(table.pitch[k]))
                for k in place.rows.tolist()}

    own = [notes(place) for place in found.places]
    places = []
    for place, these in zip(found.places, own, strict=True):
        alike = len(these & own[0]) / max(len(these), len(own[0]))
        places.append(replace(place, distance=1.0 - alike, exact=these == own[0]))
    return replace(found, places=places)


def _by_voices(table: NoteTable, lengths: Lengths, min_count: int) -> list[Found]:
    """Return motifs of the voices, those of the highest value first."""
    lines = join_voices(voices_of(table))
    taken = select(repetitions(lines, lengths, min_count), len(lines.rows), min_count)
    usual = float(lines.bits[lines.moves[:, 1] >= 0].sum(axis=1).mean()) if taken else 1.0
    found = [Found(_members(family, lines, table), family.value, family.bits / (usual or 1.0))
             for family in (with_variants(one, lines) for one in join_variants(taken, lines))]
    return [one for one in found if len(one.places) >= min_count]


def _members(family: Family, lines: Lines, table: NoteTable) -> list[Place]:
    places = []
    for member in family.members:
        rows = lines.rows[member.start:member.stop]
        places.append(Place(rows, member.distance, member.distance < 1e-9, None,
                             int(table.part[rows[0]])))
    places.sort(key=lambda place: (table.onset_at(int(place.rows[0])), place.part or 0,
                                   -int(table.pitch[place.rows[0]])))
    kept: list[Place] = []
    for place in places:
        spans = [(table.onset_at(int(one.rows[0])), table.onset_at(int(one.rows[-1])))
                 for one in (place, *kept[-1:])]
        # two lines of one staff in parallel are one occurrence: the nearer, of equals the upper
        if not (kept and kept[-1].part == place.part and spans[0] == spans[1]):
            kept.append(place)
        elif place.distance < kept[-1].distance:
            kept[-1] = place
    return kept


def _null(table: NoteTable, found: list[Found], search: Callable[[NoteTable], list[Found]],
          versions: int, seed: int, progress: Callable[[int, int], None] | None
          ) -> list[float | None]:
    """Return for each motif the share of versions with one as long and as frequent."""
    if not versions:
        return [None] * len(found)
    rng = np.random.default_rng(seed)
    reached = np.ones(len(found))
    for done in range(versions):
        others = search(in_order(table, rng.permutation(len(table.bars)).tolist()))
        sizes = [(len(one.places[0].rows), len(one.places)) for one in others]
        reached += [any(size >= len(one.places[0].rows) and count >= len(one.places)
                        for size, count in sizes) for one in found]
        if progress is not None:
            progress(done + 1, versions)
    return [float(share) for share in reached / (versions + 1)]


def _of_features(features: npt.NDArray[Any], threshold: float | None, length: Fraction | None,
                 min_count: int) -> tuple[Motif, ...]:
    """Return the patterns of plain vectors; their places count frames, in one bar."""
    values = check_features(features)
    grid = Grid((Bar(1, Fraction(0), Fraction(len(values))),), Fraction(1))
    shortest = None if length is None else max(round(length), 1)
    patterns = sorted(frame_patterns(values, threshold=threshold, min_frames=shortest,
                                     min_count=min_count), key=lambda p: -_frames_explained(p))
    motifs = []
    for label, pattern in zip(LABELS, patterns, strict=False):
        occurrences = tuple(
            Occurrence(Fraction(a), Fraction(b), 0, *grid.beat_at_offset(Fraction(a)),
                       *grid.beat_at_offset(Fraction(b)), ()) for a, b in pattern.spans)
        motifs.append(Motif(label, occurrences, Fraction(pattern.length),
                            _frames_explained(pattern)))
    return tuple(motifs)
