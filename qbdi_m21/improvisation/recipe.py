"""Recipes: what makes an improvisation again, kept with it in every form that it takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from music21 import derivation, metadata, stream

import qbdi_m21
from qbdi_m21.errors import ModelError, ParameterError, RecipeWarning, ScoreError, warn
from qbdi_m21.frames.digest import notes_sha256
from qbdi_m21.frames.table import NoteTable
from qbdi_m21.improvisation.settings import Settings
from qbdi_m21.improvisation.transmission import Transmission
from qbdi_m21.model.inference import LatentModel
from qbdi_m21.notation.align import RECIPE_FIELD
from qbdi_m21.notation.checking import musicxml_root
from qbdi_m21.notation.safety import check_file

#: Version of what a recipe holds; a newer one is refused.
FORMAT = 1

Recipe = dict[str, Any]


class RecipeDerivation(derivation.Derivation):
    """A music21 Derivation that knows how its client was made.

    Attributes
    ----------
    recipe : dict
        Plain values (:func:`make_recipe`).
    transmissions : tuple of Transmission
        What the channel did: rates, bits and latents. Several where parts had rates of their own.
    """

    __slots__ = ('recipe', 'transmissions')

    def __init__(self, client: stream.Stream | None = None) -> None:
        super().__init__(client)
        self.recipe: Recipe = {}
        self.transmissions: tuple[Transmission, ...] = ()


def make_recipe(operation: str, model: LatentModel, settings: Settings, *, model_name: str = '',
                queries: tuple[NoteTable, ...] = (), **more: Any) -> Recipe:
    """Return a recipe: operation, versions, model, hashes of the queries and all settings."""
    return {
        'format': FORMAT, 'operation': operation, 'qbdi_m21': qbdi_m21.__version__,
        'model': model_name or model.card.get('name') or '',
        'model_weights_sha256': model.weights_sha256,
        'model_decoding': {'rule': model.decoding, 'threshold': model.threshold},
        **({'query_notes_sha256': [notes_sha256(table) for table in queries]} if queries else {}),
        **settings.to_json(), **more}


def attach(score: stream.Score, recipe: Recipe, origin: stream.Stream | None,
           transmissions: tuple[Transmission, ...] = ()) -> None:
    """Set a score's derivation and metadata to how it was made."""
    made = RecipeDerivation(client=score)
    made.origin, made.method = origin, recipe['operation']
    made.recipe, made.transmissions = recipe, transmissions
    score.derivation = made
    write_field(score, recipe)


def write_field(score: stream.Score, recipe: Recipe) -> None:
    """Put a recipe into a score's metadata, from where it goes into MusicXML."""
    if score.metadata is None:
        score.metadata = metadata.Metadata()
    score.metadata.setCustom(RECIPE_FIELD, json.dumps(recipe, sort_keys=True))


def read_recipe(source: stream.Stream | str | Path) -> Recipe:
    """Return the recipe of an improvisation.

    Parameters
    ----------
    source : music21 Stream or path
        What :func:`qbdi_m21.improvise` or another operation returned, or a file of it:
        `.musicxml`, `.xml`, `.mxl`, or the `.json` beside one.

    Raises
    ------
    ParameterError
        If there is no recipe in it, or one of a newer version.
    """
    if isinstance(source, stream.Stream):
        recipe = getattr(source.derivation, 'recipe', None) or None
        if recipe is None and source.metadata is not None:
            held = source.metadata.getCustom(RECIPE_FIELD)
            recipe = _parse(str(held[0]), 'the score') if held else None
        return check_recipe(recipe, 'the score')
    path = Path(source)
    if not path.is_file():
        raise ParameterError(f'no such file: {path}; expected a score that qbdi-m21 wrote, or the '
                             '.json beside it')
    if path.suffix.lower() == '.json':
        found = _parse(path.read_text(encoding='utf-8', errors='replace'), str(path))
        if isinstance(found, dict) and 'recipes' in found:
            raise ParameterError(f'{path} holds the recipes of a sweep; give one of its scores')
        recipe = found.get('recipe', found) if isinstance(found, dict) else None
        return check_recipe(recipe, str(path))
    return check_recipe(_parse(_field_of(path), str(path)), str(path))


def check_recipe(recipe: Any, place: str) -> Recipe:
    """Return a recipe, or raise ParameterError where it is none or newer."""
    if not isinstance(recipe, dict) or not {'format', 'operation', 'model'} <= set(recipe):
        raise ParameterError(f'{place} holds no recipe of an improvisation; expected a score that '
                             'qbdi-m21 wrote, or the .json beside it')
    if recipe['format'] != FORMAT:
        raise ParameterError(f'the recipe of {place} has format {recipe["format"]}; this version '
                             f'reads {FORMAT}: install the qbdi_m21 that wrote it')
    if not isinstance(recipe['operation'], str) or recipe['operation'] not in QUERIES:
        raise ParameterError(f'the recipe is of {recipe["operation"]!r}; expected '
                             'improvise, sample or interpolate')
    damaged = [name for name, good in _FIELDS.items()
               if name in recipe and not good(recipe[name])]
    wanted = QUERIES[recipe['operation']]
    if damaged or len(recipe.get('query_notes_sha256', ())) != wanted or (
            recipe['operation'] == 'sample' and not {'bars', 'meter'} <= set(recipe)) or (
            recipe['operation'] == 'interpolate' and 'weight' not in recipe):
        raise ParameterError(f'the recipe of {place} is damaged ({", ".join(damaged) or "fields"} '
                             f'of {recipe["operation"]!r}); expected one as qbdi-m21 wrote it')
    return recipe


def _is_source(value: Any) -> bool:
    """Return whether a value names a query."""
    kinds = {'source': str, 'number': int, 'measures': str}
    return isinstance(value, dict) and 'source' in value and all(
        isinstance(one, kinds.get(name, ())) for name, one in value.items())


def _is_list(value: Any, good: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(map(good, value))


#: How many queries each operation has.
QUERIES = {'improvise': 1, 'sample': 0, 'interpolate': 2}

#: What fields must be, where they are there; settings check their own values.
_FIELDS: dict[str, Callable[[Any], bool]] = {
    'format': lambda value: type(value) is int,
    'model': lambda value: isinstance(value, str),
    'queries': lambda value: _is_list(value, _is_source),
    'query_notes_sha256': lambda value: _is_list(value, lambda one: isinstance(one, str)),
    'regions': lambda value: _is_list(
        value, lambda pair: isinstance(pair, list) and len(pair) == 2),
    'decoding': lambda value: isinstance(value, dict),
    'weight': lambda value: _is_list(value, lambda one: isinstance(one, int | float))}


def holds_recipe(path: Path) -> bool:
    """Return whether a JSON file is one that this package wrote."""
    try:
        found = json.loads(path.read_text(encoding='utf-8', errors='replace'))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and bool({'recipe', 'recipes'} & set(found))


def check_same(recipe: Mapping[str, Any], model: LatentModel, queries: tuple[NoteTable, ...],
               sections: Mapping[str, Any] | None = None) -> None:
    """Raise an error where model, queries or their sections are not those of a recipe.

    Warns
    -----
    RecipeWarning
        If another version of the package wrote it.
    """
    wanted = recipe.get('model_weights_sha256')
    if wanted and wanted != model.weights_sha256:
        raise ModelError(f'the recipe was made with the model {recipe["model"]!r} of weights '
                         f'{str(wanted)[:12]}...; this model has {model.weights_sha256[:12]}...: '
                         'give the one it was made with')
    own = {'rule': model.decoding, 'threshold': model.threshold}
    if recipe.get('model_decoding', own) != own:
        raise ModelError(f'the model {recipe["model"]!r} decodes by {own} now, and did by '
                         f'{recipe["model_decoding"]} when the recipe was made: give the one it '
                         'was made with')
    notes = recipe.get('query_notes_sha256')
    if notes and list(notes) != [notes_sha256(table) for table in queries]:
        raise ScoreError('the notes of the query are not those that the recipe was made with; '
                         'give the score as it was')
    if sections is not None and recipe.get('sections', sections) != sections:
        raise ScoreError('the rehearsal marks of the query are not where they were when the recipe '
                         'was made; give the score as it was')
    if recipe.get('qbdi_m21') != qbdi_m21.__version__:
        warn(f'the recipe was made with qbdi_m21 {recipe.get("qbdi_m21")}, this is '
             f'{qbdi_m21.__version__}: the result may differ', RecipeWarning)


def _parse(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParameterError(f'{place} holds no recipe that can be read ({error})') from error


def _field_of(path: Path) -> str:
    """Return the text of the recipe's field in a MusicXML file."""
    check_file(path)
    try:
        root = musicxml_root(path)
    except ScoreError as error:
        raise ParameterError(f'{path} is no MusicXML that qbdi-m21 wrote ({error})') from error
    for field in root.iterfind('identification/miscellaneous/miscellaneous-field'):
        if field.get('name') == RECIPE_FIELD:
            return field.text or ''
    raise ParameterError(f'{path} holds no recipe of an improvisation; expected a score that '
                         'qbdi-m21 wrote, or the .json beside it')
