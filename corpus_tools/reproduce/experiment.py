"""What is done again: material, network, rates, seeds."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from qbdi_m21.errors import CorpusError, ParameterError, QbdiWarning, warn
from qbdi_m21.improvisation.rates import parse_rate

#: The paper's material: clips in the folder `pop`, and the query.
CLIPS, QUERY = 126, 'naruto_query.mid'

_TABLES = ('all', 'free', 'paper', 'quick')

#: Pieces of many styles, besides the paper's one query: works of music21's corpus.
QUERIES = (
    'ryansMammoth/AcaciaReel', 'haydn/opus74no1/movement3', 'monteverdi/madrigal.3.11',
    'joplin/maple_leaf_rag', 'palestrina/Agnus_I_65', 'schubert/lindenbaum',
    'haydn/opus1no1/movement5', 'mozart/k155/movement2', 'mozart/k80/movement1',
    'mozart/k458/movement2', 'chopin/mazurka06-2', 'corelli/opus3no1/1grave',
    'monteverdi/madrigal.4.16', 'monteverdi/madrigal.5.3', 'palestrina/Sanctus_56_c',
    'palestrina/Benedictus_52_b', 'schumann_robert/dichterliebe_no2',
    'ryansMammoth/TelephoneReel', 'leadSheet/fosterBrownHair', 'handel/rinaldo/lascia_chio_pianga',
    'trecento/PMFC_06_Giovanni-01-Angnel_son_biancho', 'liliuokalani/aloha_oe', 'cpebach/h186')

#: Numbers that may be 0.
_MAY_BE_NONE = ('corpus_works', 'queries', 'seed')

_KINDS = {int: 'a whole number', str: 'a text', tuple: 'a list'}


@dataclass(frozen=True)
class Experiment:
    """One configuration.

    Attributes
    ----------
    title : str
    corpus : tuple of str
        Sources of the training works; all are learned, as in the paper.
    query : str
    reading : str
        'dubnov2019' reads MIDI as the paper's author did, 'score' by bars and meters.
    meter : str or None
        Only works in this meter.
    corpus_works : int
        At most so many works; 0 takes all.
    updates : int
        Of the paper's network.
    networks : int
        Trainings of it, each from its own seed.
    rates, query_rates : tuple
        Bits a bar.
    takes, query_takes : int
        At each rate, of the query and of each further one: take k is of its own noise, and of
        training k (and so round).
    queries : int
        How many of `QUERIES`; 0 takes all.
    transpositions : tuple of int
        Semitones by which queries are moved, to tell their key from the corpus's.
    null : int
        Shuffled versions.
    beta : tuple of float
        Weights of R in a family of networks (appendix A).
    future : tuple of float
        Weights of what latents tell of the next bar's (appendix B).
    trainings, training_updates : int
        Of each of these weights.
    samples : int
        Latent samples for D.
    seed : int
    """

    title: str
    corpus: tuple[str, ...]
    query: str
    reading: str
    updates: int
    networks: int
    rates: tuple[Any, ...]
    takes: int
    query_rates: tuple[Any, ...]
    query_takes: int
    transpositions: tuple[int, ...]
    null: int
    beta: tuple[float, ...]
    future: tuple[float, ...]
    trainings: int
    training_updates: int
    samples: int
    meter: str | None = None
    corpus_works: int = 0
    queries: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        wanted: dict[str, Any] = get_type_hints(type(self))
        for name, kind in wanted.items():
            value = getattr(self, name)
            base = get_origin(kind) or kind
            if base in (int, str, tuple) and (not isinstance(value, base)
                                              or isinstance(value, bool)):
                raise ParameterError(f'{name} is {value!r}; expected {_KINDS[base]}')
            if base is tuple:
                _check_elements(name, value)
            if base is int and value < (0 if name in _MAY_BE_NONE else 1):
                raise ParameterError(f'{name} is {value}; expected at least '
                                     f'{0 if name in _MAY_BE_NONE else 1}')
        if any(one % 12 == 0 for one in self.transpositions):
            raise ParameterError('transpositions holds whole octaves, after which every key is the '
                                 'same; expected other semitones')
        if 'full' not in self.rates or 'full' not in self.query_rates:
            raise ParameterError("rates and query_rates must hold 'full': all others are compared "
                                 'with it')
        if 1.0 not in self.beta or self.future[:1] != (0.0,):
            raise ParameterError('beta must hold 1.0 and future begin with 0.0: the others are '
                                 'compared with these')

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {key: list(value) if isinstance(value, tuple) else value
                for key, value in asdict(self).items()}

    @property
    def chosen_queries(self) -> tuple[str, ...]:
        """The further queries."""
        names = QUERIES[:self.queries] if self.queries else QUERIES
        return tuple(f'corpus:{name}' for name in names)


#: What the elements of a list are.
_ELEMENTS = {'corpus': (str, 'texts'), 'transpositions': (int, 'whole numbers'),
             'beta': (float, 'numbers with a point'), 'future': (float, 'numbers with a point')}


def _check_elements(name: str, value: tuple[Any, ...]) -> None:
    if name in ('rates', 'query_rates'):
        for one in value:
            parse_rate(one)
        return
    kind, what = _ELEMENTS[name]
    if not value or any(not isinstance(one, kind) or isinstance(one, bool) for one in value):
        raise ParameterError(f'{name} is {list(value)}; expected {what}')


def load_experiment(name: str = 'dubnov2019', *, data: str | None = None,
                    quick: bool = False, config: str | None = None,
                    query: str | None = None) -> Experiment:
    """Return an experiment.

    Parameters
    ----------
    name : str
        'dubnov2019'.
    data : path, optional
        Folder of the paper's material; free material without it.
    quick : bool
        Small, for a few minutes.
    config : path, optional
        A TOML file of the same form, instead of the one that comes with the package.
    query : str, optional
        A score, instead of the configuration's.

    Raises
    ------
    CorpusError
        If the folder lacks something: what, and what can be run without it.
    ParameterError
        If the name or a key is unknown.
    """
    if name != 'dubnov2019':
        raise ParameterError(f'no experiment {name!r}; expected dubnov2019')
    try:
        text = (Path(config).read_text('utf-8') if config else resources.files(
            'corpus_tools').joinpath(f'recipes/{name}.toml').read_text('utf-8'))
        tables = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CorpusError(f'{config} cannot be read as TOML: {error}') from error
    if unknown := {name for name, one in tables.items()
                   if name not in _TABLES or not isinstance(one, dict)}:
        raise ParameterError(f'{", ".join(sorted(unknown))}: no such table; expected '
                             f'{", ".join(f"[{name}]" for name in _TABLES)}')
    given: dict[str, Any] = {}
    for table in ('all', 'free' if data is None else 'paper', *(['quick'] if quick else [])):
        given |= tables.get(table, {})
    unknown = set(given) - {one.name for one in fields(Experiment)}
    if unknown:
        raise ParameterError(f'unknown keys {", ".join(sorted(unknown))}; expected '
                             f'{", ".join(one.name for one in fields(Experiment))}')
    if data is not None:
        clips = _check_data(Path(data), alone=query is not None)
        if clips < CLIPS:
            given['title'] = f'{given.get("title")} ({clips} of the {CLIPS} clips)'
        given['corpus'] = [str(Path(data, one)) for one in given['corpus']]
        given['query'] = str(Path(data, given['query']))
    if query is not None:
        given['query'] = query
        given['title'] = f'{given.get("title")}; query {query}'
    try:
        plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value
                                 for key, value in given.items()}
        return Experiment(**plain)
    except TypeError as error:
        raise ParameterError(f'the configuration is not whole: {error}') from error


def _check_data(folder: Path, *, alone: bool) -> int:
    """Return how many clips there are; CorpusError says what is missing, and what can be run."""
    clips = len([one for one in (folder / 'pop').rglob('*') if one.suffix in ('.mid', '.midi')])
    has_query = (folder / QUERY).is_file()
    if clips and (has_query or alone):
        if clips < CLIPS:
            warn(f'{folder / "pop"} holds {clips} of the {CLIPS} clips that the paper trains on: '
                 'the figures will differ from the paper\'s', QbdiWarning)
        return clips
    missing = ['pop, with the 126 clips that the paper trains on'] * (not clips) + [
        f"{QUERY}, the paper's query"] * (not has_query)
    others = ['the same experiment on free material, without --data']
    if clips:
        others.insert(0, 'these clips and a query of your own, with --query SCORE')
    elif has_query:
        others.insert(0, f'free material asked by this query, with --query {folder / QUERY} and '
                      'without --data')
    raise CorpusError(f'{folder} lacks {" and ".join(missing)}; what can be run: '
                      f'{"; ".join(others)}')
