"""One query at many rates, with the controls without which the rates say nothing."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np
from music21 import stream

from qbdi_m21.errors import ParameterError, PitchClippedWarning, RateWarning, warn
from qbdi_m21.files import write_aside
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.frames.measures import as_score
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.roll import Frames, note_starts
from qbdi_m21.improvisation.decoding import Decoding
from qbdi_m21.improvisation.measures import measure
from qbdi_m21.improvisation.operations import ModelLike, layers_to_score, name_of, serve
from qbdi_m21.improvisation.rates import Rate, RateLike, parse_rate, rate_name
from qbdi_m21.improvisation.recipe import Recipe, make_recipe
from qbdi_m21.improvisation.settings import Settings, check_seed
from qbdi_m21.improvisation.transmission import Encoding, Transmission, encode_frames
from qbdi_m21.improvisation.transmission import transmit_encoding as send
from qbdi_m21.model.inference import LatentModel

#: The paper's rates and those between them, from all of the query to nothing.
RATES: tuple[RateLike, ...] = ('full', 512, 256, 128, 64, 32, 0)

QUERY, PRIOR, SHUFFLED, TRANSPOSED = 'query', 'prior', 'shuffled', 'transposed'


@dataclass(frozen=True)
class SweepRow:
    """One improvisation of a sweep, or one of its controls.

    Attributes
    ----------
    control : str
        'query': an improvisation on the query. 'prior': a draw from the prior, which answers no
        query. 'shuffled': the same improvisation as under 'query' with its bars in another
        order (a piece of one bar stays as it is). 'transposed': an improvisation on the
        transposed query, compared with that.
    rate : str
        As asked: ``'full'``, ``'64 bits'``, ``'50 %'``; '' for the prior.
    seed : int
        Of all chance.
    nominal_bits : float or None
        Bits a window that were allocated, in the mean; None at full rate.
    delivered_bits : float
        Bits about a window that arrive, in the mean.
    notes : int
        How many.
    silent_share : float
        Share of the frames in which nothing sounds.
    pitch_class_sets : int
        Different pitch-class sets, frame by frame.
    chord_entropy_bits : float or None
        Entropy of the chords that are found on beats; None without any.
    silent_bars : float
        Share of the bars in which the query sounds and the improvisation does not.
    chroma_cosine : float or None
        Cosine of the pitch-class counts of a bar with the query's, mean over the bars in which
        both sound; 1 is equal.
    tonnetz_distance : float or None
        Euclidean distance of the tonal centroids (Harte et al. 2006) of these bars, mean.
    tonnetz_by_circle : float or None
        The same with the distances on the three circles averaged.
    chord_agreement : float or None
        Share of the bars in which the query has a chord, and the improvisation the same one;
        None where it has none.
    onset_agreement : float
        F1 of the frames in which notes start, with the query's; 1 is equal.
    key : str or None
        Krumhansl and Schmuckler's, of the whole piece.
    key_fit : float or None
        Its correlation.
    ir_bits, ir_threshold : float or None
        Peak of the information rate on Tonnetz chroma, and its threshold.
    """

    control: str
    rate: str
    seed: int
    nominal_bits: float | None
    delivered_bits: float
    notes: int
    silent_share: float
    pitch_class_sets: int
    chord_entropy_bits: float | None
    silent_bars: float
    chroma_cosine: float | None
    tonnetz_distance: float | None
    tonnetz_by_circle: float | None
    chord_agreement: float | None
    onset_agreement: float
    key: str | None
    key_fit: float | None
    ir_bits: float | None
    ir_threshold: float | None


COLUMNS = tuple(f.name for f in fields(SweepRow))

#: Columns that hold a number.
MEASURES = tuple(name for name in COLUMNS if name not in ('control', 'rate', 'seed', 'key'))


@dataclass(frozen=True)
class Sweep:
    """A query at many rates and seeds, with controls.

    Attributes
    ----------
    rows : tuple of SweepRow
    rates : tuple of rates
        As asked.
    query : music21.stream.Score
    transmissions : tuple of Transmission
        For each rate, that of the first seed.
    recipes : tuple of dict
        What makes each of these again.
    """

    rows: tuple[SweepRow, ...]
    rates: tuple[Rate, ...]
    query: stream.Score = field(repr=False)
    transmissions: tuple[Transmission, ...] = field(repr=False)
    recipes: tuple[Recipe, ...] = field(repr=False)

    def score(self, rate: RateLike) -> stream.Score:
        """Return the improvisation at a rate and the first seed: :func:`improvise`'s own."""
        wanted = parse_rate(rate)
        if wanted not in self.rates:
            raise ParameterError(f'the sweep has no rate {rate_name(wanted)}; its rates are '
                                 f'{", ".join(map(rate_name, self.rates))}')
        place = self.rates.index(wanted)
        return layers_to_score((self.transmissions[place],), self.query, self.recipes[place])

    def column(self, name: str, *, control: str = QUERY, rate: str | None = None) -> list[Any]:
        """Return the values of a column, one a seed (or of all rates, rate by rate)."""
        if name not in COLUMNS:
            raise ParameterError(f'no column {name!r}; expected one of {", ".join(COLUMNS)}')
        return [getattr(row, name) for row in self.rows
                if row.control == control and rate in (None, row.rate)]

    def summary(self) -> list[dict[str, Any]]:
        """Return mean and 95 % interval over the seeds of each measure, control and rate.

        Returns
        -------
        list of dict
            `control`, `rate`, `measure`, `count`, `mean`, and `low` and `high` of Student's t
            interval, None for one seed. Rows without a value are left out of the mean.
        """
        groups = dict.fromkeys((row.control, row.rate) for row in self.rows)
        return [{'control': control, 'rate': rate, 'measure': name,
                 **interval(self.column(name, control=control, rate=rate))}
                for control, rate in groups for name in MEASURES]

    def write_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the rows as a table; columns are those of :class:`SweepRow`."""
        write_rows([asdict(row) for row in self.rows], path)


def sweep(score: stream.Stream, model: ModelLike = 'chorales', *,
          rates: Sequence[RateLike] = RATES, seeds: int | Sequence[int] = 8,
          channel: str = 'prior-preserving', variance: str | None = None,
          allocation: str = 'whole', decoding: str | Decoding | None = None,
          threshold: float | str | None = None, transpose: int = 6,
          progress: Callable[[int, int], object] | None = None) -> Sweep:
    """Improvise on a query at many rates and seeds, and measure what each has of the query.

    Parameters
    ----------
    score : music21 Stream
        The query; not changed.
    model : LatentModel, str or path
    rates : sequence of rates
        As of :func:`qbdi_m21.improvise`.
    seeds : int or sequence of int
        How many, or which.
    channel, variance, allocation, decoding, threshold
        As of :func:`qbdi_m21.improvise`.
    transpose : int
        Semitones of the control 'transposed'; the octave is chosen so that fewest notes leave
        the model's range. Not 0.
    progress : callable, optional
        Called as ``progress(done, all)`` after each improvisation.

    Returns
    -------
    Sweep
        At each rate and seed the improvisation, and the controls 'shuffled' and 'transposed';
        for each seed a draw from the 'prior'.

    Raises
    ------
    ParameterError
        If there is no rate or seed, or one of them is none.

    Notes
    -----
    What exceeds 'shuffled' and 'prior' comes from the query's own bars, and not from the
    style's common scale and texture. 'transposed' tells the query's key from the corpus's:
    an improvisation that goes to the corpus's key leaves it.
    """
    several = [rates] if isinstance(rates, int | float | str) else rates
    asked = tuple(dict.fromkeys(parse_rate(rate) for rate in several))
    numbers = tuple(dict.fromkeys(check_seed(seed) for seed in (
        seeds if isinstance(seeds, Sequence | np.ndarray) else range(check_seed(seeds)))))
    whole = isinstance(transpose, int | np.integer) and not isinstance(transpose, bool)
    if not asked or not numbers or not whole or transpose % 12 == 0:
        raise ParameterError(f'{len(asked)} rates, {len(numbers)} seeds and a transposition of '
                             f'{transpose} semitones were asked for; expected at least one of the '
                             'first two, and a whole number of semitones, but no whole octaves')
    settings = Settings.parse(channel=channel, variance=variance, allocation=allocation,
                              decoding=decoding, threshold=threshold)
    served, query = serve(model), as_score(score)
    table = extract_notes(query)
    frames = to_frames(table, step=served.spec.step_ql, pitch_range=served.spec.pitch_range)
    heard = encode_frames(frames, served)
    # a calibrated threshold is the query's: found once, not at every rate and seed
    known = settings if settings.decoding.threshold != 'calibrated' else replace(
        settings, decoding=replace(settings.decoding, threshold=settings.decoding.resolve(
            served, heard.windows)[1]))
    runs = [(rate, replace(known, rate=rate, seed=seed)) for rate in asked for seed in numbers]
    first: dict[Rate, Transmission] = {}
    rows: list[SweepRow] = []
    total = 2 * len(runs) + len(numbers)

    def tell(done: int) -> None:
        if progress is not None:
            progress(done, total)

    other = move(frames, transpose)
    moved = encode_frames(other, served)
    told: dict[str, None] = {}
    for place, (rate, run) in enumerate(runs):
        sent = _send(heard, served, run, told)
        first.setdefault(rate, sent)
        rows.append(_row(QUERY, rate, run, sent, sent.frames, frames))
        mixed = shuffle_bars(sent.frames, np.random.default_rng([run.seed, 1]))
        rows.append(_row(SHUFFLED, rate, run, sent, mixed, frames))
        tell(2 * place + 1)
        sent = _send(moved, served, run, told)
        rows.append(_row(TRANSPOSED, rate, run, sent, sent.frames, other))
        tell(2 * place + 2)
    for message in told:
        warn(message, RateWarning)
    for count, (seed, drawn) in enumerate(_prior(heard, served, known, numbers), start=1):
        rows.append(SweepRow(PRIOR, '', seed, 0.0, 0.0, **measure(drawn, frames)))
        tell(2 * len(runs) + count)
    recipes = tuple(make_recipe(
        'improvise', served, replace(settings, rate=rate, seed=numbers[0]),
        model_name=name_of(model), queries=(table,)) for rate in asked)
    return Sweep(tuple(rows), asked, query, tuple(first[rate] for rate in asked), recipes)


def write_rows(rows: Sequence[dict[str, Any]], path: str | os.PathLike[str]) -> None:
    """Write dictionaries with the same keys as a CSV file; None is an empty field."""
    with write_aside(path) as aside, open(aside, 'w', encoding='utf-8', newline='') as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator='\n')
        writer.writeheader()
        for row in rows:
            writer.writerow({name: round(value, 6) if isinstance(value, float) else value
                             for name, value in row.items()})


def _send(heard: Encoding, model: LatentModel, run: Settings,
          told: dict[str, None]) -> Transmission:
    """Send a query, and keep what is to be warned of: each rate is warned of once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always', RateWarning)
        sent = send(heard, model, run)
    told.update(dict.fromkeys(str(one.message) for one in caught))
    return sent


def interval(values: Sequence[float | None]) -> dict[str, Any]:
    """Return count, mean and 95 % interval (Student's t) of the values that are there."""
    from scipy.stats import t
    there = np.array([value for value in values if value is not None], dtype=np.float64)
    count = len(there)
    found: dict[str, Any] = {'count': count, 'mean': None, 'low': None, 'high': None}
    if count:
        found['mean'] = float(there.mean())
    if count > 1:
        half = float(t.ppf(0.975, count - 1) * there.std(ddof=1) / np.sqrt(count))
        found |= {'low': found['mean'] - half, 'high': found['mean'] + half}
    return found


def move(frames: Frames, semitones: int) -> Frames:
    """Return frames transposed by semitones, up or down so that fewest notes leave the range."""
    up = semitones % 12
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', PitchClippedWarning)
        ways = [frames.transpose(up), frames.transpose(up - 12)]
    return max(ways, key=lambda way: int(note_starts(way).sum()))


def shuffle_bars(frames: Frames, rng: np.random.Generator) -> Frames:
    """Return frames with their bars in another order, each in the place of one of its kind.

    Bars of one length go round in one cycle, so that none stays where there is another.
    """
    grid = frames.grid
    order = np.arange(grid.num_frames)
    kinds: dict[tuple[Any, ...], list[int]] = {}
    for index, bar in enumerate(grid.bars):
        kinds.setdefault((bar.length_ql, bar.lead_ql, bar.meter), []).append(index)
    for bars in kinds.values():
        cycle = rng.permutation(bars)
        for to, source in zip(cycle, np.roll(cycle, 1), strict=True):
            order[grid.bar_starts[to]:grid.bar_starts[to + 1]] = np.arange(
                grid.bar_starts[source], grid.bar_starts[source + 1])
    return replace(frames, sounding=frames.sounding[order], onset=frames.onset[order])


def _prior(heard: Encoding, model: LatentModel, settings: Settings,
           seeds: tuple[int, ...]) -> Iterator[tuple[int, Frames]]:
    """Yield draws from the prior on the query's bars: rate 0, whatever the query was."""
    blind = replace(settings, rate=0, channel='prior-preserving', variance='corpus')
    for seed in seeds:
        # other noise than that of the improvisation at rate 0
        yield seed, send(heard, model, replace(blind, seed=seed), stream=1).frames


def file_name(rate: Rate) -> str:
    """Return what the score of a rate is called, without suffix: ``'rate-0064'``."""
    return f'rate-{rate:04d}' if isinstance(rate, int) else f'rate-{rate}'


def _row(control: str, rate: Rate, run: Settings, sent: Transmission, frames: Frames,
         query: Frames) -> SweepRow:
    nominal = float(sent.nominal_bits.mean())
    return SweepRow(control, rate_name(rate), run.seed,
                    nominal if np.isfinite(nominal) else None,
                    float(sent.delivered_bits.mean()), **measure(frames, query))
