"""An operation again, from its recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from music21 import stream

from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.measures import as_score
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.improvisation.latents import interpolate, sample
from qbdi_m21.improvisation.operations import ModelLike, improvise, serve
from qbdi_m21.improvisation.recipe import (
    QUERIES,
    Recipe,
    check_recipe,
    check_same,
    read_recipe,
)
from qbdi_m21.improvisation.regions import rehearsal_sections
from qbdi_m21.improvisation.settings import Settings
from qbdi_m21.notation.reading import CORPUS_PREFIX, load_score


def replay(recipe: Recipe | stream.Stream | str | Path,
           queries: stream.Stream | Sequence[stream.Stream] | None = None, *,
           model: ModelLike | None = None) -> stream.Score:
    """Return the score that a recipe makes: the same notes as before.

    Parameters
    ----------
    recipe : dict, music21 Stream or path
        Of :func:`qbdi_m21.read_recipe`, or what that reads.
    queries : music21 Stream, or a sequence of two for an interpolation, optional
        By default the sources that the recipe names.
    model : LatentModel, str or path, optional
        By default the one that the recipe names.

    Raises
    ------
    ParameterError
        If the recipe names no source, and no query is given.
    ModelError, ScoreError
        If the model's weights, or the notes of a query, are not those of the recipe.
    """
    given = check_recipe(recipe, 'the recipe') if isinstance(recipe, dict) else read_recipe(recipe)
    by_name: Any = given['model'] if model is None else model
    served = serve(by_name)
    beside = None if isinstance(recipe, dict | stream.Stream) else Path(recipe).parent
    scores = load_queries(given, beside) if queries is None else (
        [queries] if isinstance(queries, stream.Stream) else list(queries))
    plain = [as_score(score) for score in scores]
    if plain and not QUERIES[given['operation']]:
        raise ParameterError(f'the recipe is of {given["operation"]!r}, which has no query; leave '
                             'queries out')
    check_same(given, served, tuple(map(extract_notes, plain)),
               rehearsal_sections(plain[0]) if 'sections' in given else None)
    settings, operation = Settings.from_json(given), given['operation']
    shared: dict[str, Any] = {'seed': settings.seed, 'decoding': settings.decoding}
    if operation == 'improvise':
        return improvise(scores[0], by_name, **settings.options())
    if operation == 'sample':
        return sample(by_name, given['bars'], meter=given['meter'], **shared)
    return interpolate(scores[0], scores[1], by_name, weight=given['weight'], rate=settings.rate,
                       channel=settings.channel, variance=settings.variance,
                       allocation=settings.allocation, **shared)

def located(source: dict[str, Any], beside: Path | None) -> dict[str, Any]:
    """Return a source as it is, or where a file of its name lies beside its recipe."""
    name = source['source']
    if beside is not None and not name.startswith(CORPUS_PREFIX) and not Path(name).exists():
        for place in (beside / name, beside / Path(name).name):
            if place.is_file():
                return {**source, 'source': str(place)}
    return source


def load_queries(recipe: Recipe, beside: Path | None = None) -> list[stream.Stream]:
    """Return the scores that a recipe names as its queries, some perhaps from its folder."""
    wanted = len(recipe.get('query_notes_sha256', ()))
    sources = recipe.get('queries', [])
    if len(sources) != wanted:
        raise ParameterError(f'the recipe names {len(sources)} of its {wanted} queries; give the '
                             'scores that it was made with')
    return [load_query(**located(source, beside)) for source in sources]


def load_query(source: str, *, number: int | None = None,
               measures: str | None = None) -> stream.Score:
    """Return a query as the command line names it.

    Parameters
    ----------
    source : str
        A file, or ``'corpus:...'``.
    number : int, optional
        Which score of a book.
    measures : str, optional
        Only these measures, by their printed numbers, as ``'5-12'`` or ``'5'``.
    """
    score = load_score(source, number=number)
    if measures is None:
        return score
    first, dash, last = measures.partition('-')
    last = last if dash else first
    if not (first.isdecimal() and last.isdecimal()) or int(last) < int(first):
        raise ParameterError(f"measures is {measures!r}; expected a range such as '5-12'")
    part: stream.Score = score.measures(int(first), int(last))
    if not part.recurse().getElementsByClass(stream.Measure):
        numbers = [m.number for m in score.recurse().getElementsByClass(stream.Measure)]
        known = f'they run from {min(numbers)} to {max(numbers)}' if numbers else 'it has none'
        raise ParameterError(f'no measure {measures} in {source}; {known}')
    return part
