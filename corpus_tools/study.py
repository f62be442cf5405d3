"""A study: works, parameters and measures; declared in TOML or in Python."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus_tools.manifest import Manifest, build_manifest
from corpus_tools.measures import GIVEN, MEASURES, fingerprint, load_measure, parameters_of
from qbdi_m21.errors import CorpusError, ParameterError, QbdiError

_KEYS = ('name', 'title', 'works', 'search', 'where', 'sample', 'store', 'seed', 'columns',
         'parameters', 'measures')
_MEASURE_KEYS = ('measure', 'options', 'prefix')


@dataclass(frozen=True)
class MeasureSpec:
    """One measure of a study.

    Attributes
    ----------
    target : str
        What :func:`corpus_tools.measures.load_measure` takes.
    options : dict
        Its settings, the same for all works.
    prefix : str
        Before the names of its columns.
    """

    target: str
    options: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ''


@dataclass(frozen=True)
class Study:
    """Works times parameters times measures.

    Attributes
    ----------
    name : str
        Of its folder in the store.
    works : tuple of str
        Sources, as of :func:`corpus_tools.manifest.build_manifest`: manifests too.
    measures : tuple of MeasureSpec
    parameters : dict of str to list
        Each work is measured with every combination.
    store : str
        Folder of the store.
    title : str
    search : str
        Only works that hold this; see :func:`corpus_tools.manifest.build_manifest`.
    where : dict of str to str
        Only works whose columns have these values.
    sample : int
        At most so many works of each value of `sample_by`; 0 takes all.
    sample_by : str
        Column of the manifest.
    columns : tuple of str
        Columns of the manifest that results carry.
    seed : int
        From which every unit's own seed follows, whatever runs first.
    folder : str
        Where files of measures are looked for.
    """

    name: str
    works: tuple[str, ...]
    measures: tuple[MeasureSpec, ...]
    parameters: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    store: str = 'store'
    title: str = ''
    search: str = ''
    where: Mapping[str, str] = field(default_factory=dict)
    sample: int = 0
    sample_by: str = ''
    columns: tuple[str, ...] = ('title', 'composer', 'genre', 'century', 'split')
    seed: int = 0
    folder: str = ''

    def __post_init__(self) -> None:
        if not self.works or not self.measures:
            raise ParameterError(f'the study {self.name!r} has {len(self.works)} sources of works '
                                 f'and {len(self.measures)} measures; expected at least one each')
        if self.seed < 0 or self.sample < 0:
            raise ParameterError(f'seed is {self.seed}, sample {self.sample}; expected 0 or more')
        for name, values in self.parameters.items():
            if isinstance(values, str) or not isinstance(values, Sequence) or not values:
                raise ParameterError(f'the parameter {name!r} is {values!r}; expected a list of '
                                     'values')
        self.check_measures()

    def check_measures(self) -> None:
        """Raise ParameterError unless measures are there and take what they are given."""
        taken: set[str] = set()
        named = [(spec.target, spec.prefix) for spec in self.measures]
        twice = {target for target, prefix in named if named.count((target, prefix)) > 1}
        if twice:
            raise ParameterError(f'{", ".join(sorted(twice))} is measured twice; give one of them '
                                 'a prefix')
        for spec in self.measures:
            takes = parameters_of(load_measure(spec.target, self.folder))
            unknown = set(spec.options) - set(takes)
            if unknown:
                raise ParameterError(
                    f'the measure {spec.target!r} takes no {", ".join(sorted(unknown))}; it takes '
                    f'{", ".join(sorted(set(takes) - set(GIVEN))) or "none"}')
            both = set(spec.options) & set(self.parameters)
            if both:
                raise ParameterError(f'{", ".join(sorted(both))} is a parameter of the study and '
                                     f'an option of {spec.target!r}; leave one out')
            needs = {name for name, one in takes.items() if one.default is one.empty}
            missing = needs - set(GIVEN) - set(spec.options) - set(self.parameters)
            if missing:
                raise ParameterError(f'the measure {spec.target!r} needs '
                                     f'{", ".join(sorted(missing))}; give it as an option or a '
                                     'parameter')
            taken |= set(takes)
        unused = set(self.parameters) - taken
        if unused:
            raise ParameterError(f'no measure takes the parameter {", ".join(sorted(unused))}')

    def manifest(self) -> Manifest:
        """Return the works, chosen and sampled."""
        found = build_manifest(self.works, search=self.search or None)
        if self.where:
            found = found.select(**dict(self.where))
        if self.sample:
            found = sample(found, self.sample, self.sample_by, self.seed)
        return found

    def combinations(self) -> Iterator[dict[str, Any]]:
        """Yield every combination of parameters."""
        for values in itertools.product(*self.parameters.values()):
            yield dict(zip(self.parameters, values, strict=True))

    def model_digests(self) -> dict[str, str]:
        """Return the digests of the models that the parameter `model` names, if it is ours.

        A measure of the user's may mean something else by it.
        """
        ours = any(spec.target in MEASURES and 'model' in parameters_of(MEASURES[spec.target])
                   for spec in self.measures)
        return {str(name): model_digest(name) for name in self.parameters.get('model', ())
                } if ours else {}

    def cells(self) -> list[str]:
        """Return for each measure what changes when its options, its model or its code do."""
        return [digest([spec.target, dict(spec.options), spec.prefix,
                        fingerprint(load_measure(spec.target, self.folder)),
                        model_digest(spec.options['model'])
                        if 'model' in spec.options and spec.target in MEASURES else ''])
                for spec in self.measures]

    def to_json(self) -> dict[str, Any]:
        """Return the declaration as plain values; sources are named from its folder on."""
        works = [_from_folder(work, self.folder) for work in self.works]
        return {'name': self.name, 'title': self.title, 'works': works,
                'search': self.search, 'where': dict(self.where), 'sample': self.sample,
                'sample_by': self.sample_by, 'seed': self.seed, 'columns': list(self.columns),
                'parameters': {name: list(values) for name, values in self.parameters.items()},
                'measures': [{'measure': one.target, 'options': dict(one.options),
                              'prefix': one.prefix} for one in self.measures]}


def digest(value: Any) -> str:
    """Return a short hash of plain values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]


def model_digest(name: str) -> str:
    """Return what changes when a model does: the hash of its file."""
    from qbdi_m21.model.store import model_path
    return hashlib.sha256(model_path(name).read_bytes()).hexdigest()[:16]


def sample(manifest: Manifest, most: int, by: str, seed: int) -> Manifest:
    """Return at most so many works of each value of a column, chosen by a seed."""
    import numpy as np

    from corpus_tools.manifest import check_columns
    table = manifest.table
    if by:
        check_columns(table, [by])
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for _, rows in table.groupby(table[by] if by else np.zeros(len(table)), sort=True,
                                 dropna=False):
        places = rows.index.to_numpy()
        chosen += (rng.choice(places, most, replace=False) if len(places) > most
                   else places).tolist()
    return Manifest(table.loc[sorted(chosen)].reset_index(drop=True))


def load_study(path: str | os.PathLike[str]) -> Study:
    """Return the study of a TOML file, or of a Python file that calls one ``study``.

    Raises
    ------
    CorpusError
        If it cannot be read.
    ParameterError
        If it has unknown keys or wrong values.
    """
    source = Path(path)
    if not source.is_file():
        raise CorpusError(f'no such study: {source}')
    if source.suffix.lower() == '.py':
        return _from_python(source)
    try:
        given = tomllib.loads(source.read_text('utf-8'))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CorpusError(f'{source} cannot be read as TOML: {error}') from error
    try:
        return _from_toml(given, source)
    except ParameterError as error:
        raise ParameterError(f'{source}: {error}') from error
    except (TypeError, ValueError, AttributeError) as error:
        raise ParameterError(f'{source} has a value of another kind: {error}') from error


def _from_python(source: Path) -> Study:
    import runpy
    try:
        study = runpy.run_path(str(source)).get('study')
    except QbdiError as error:
        raise type(error)(f'{source}: {error}') from error
    except Exception as error:      # a study is anybody's
        raise CorpusError(f'{source} ends with {type(error).__name__}: {error}') from error
    if not isinstance(study, Study):
        raise CorpusError(f'{source} has no `study = Study(...)`')
    return study


def _from_toml(given: dict[str, Any], source: Path) -> Study:
    unknown = set(given) - set(_KEYS)
    if unknown:
        raise ParameterError(f'unknown keys {", ".join(sorted(unknown))}; expected '
                             f'{", ".join(_KEYS)}')
    folder = source.parent
    for name, kind in (('sample', dict), ('where', dict), ('parameters', dict),
                       ('measures', list), ('columns', list)):
        if not isinstance(given.get(name, kind()), kind):
            raise ParameterError(f'{name} is {given[name]!r}; expected a '
                                 f'{"table" if kind is dict else "list"}')
    sampled = given.get('sample', {})
    works = given.get('works', [])
    specs = []
    for one in given.get('measures', []):
        if not isinstance(one, str | dict):
            raise ParameterError(f'a measure is {one!r}; expected a name or a table')
        one = {'measure': one} if isinstance(one, str) else one
        if set(one) - set(_MEASURE_KEYS) or 'measure' not in one:
            raise ParameterError(f'a measure has the keys {", ".join(sorted(one))}; expected '
                                 f'measure, and {" or ".join(_MEASURE_KEYS[1:])}')
        specs.append(MeasureSpec(one['measure'], one.get('options', {}), one.get('prefix', '')))
    return Study(
        name=str(given.get('name', source.stem)), title=str(given.get('title', '')),
        works=tuple(_placed(work, folder) for work in (
            [works] if isinstance(works, str) else works)),
        search=str(given.get('search', '')),
        where={name: str(value) for name, value in given.get('where', {}).items()},
        sample=int(sampled.get('most', 0)), sample_by=str(sampled.get('by', '')),
        store=str(folder / given.get('store', 'store')), seed=int(given.get('seed', 0)),
        columns=tuple(given.get('columns', Study.columns)),
        parameters=given.get('parameters', {}), measures=tuple(specs), folder=str(folder))


def _from_folder(work: str, folder: str) -> str:
    """Return what :func:`_placed` was given, however the folder is spelled."""
    if work.startswith('corpus:'):
        return work
    mark = '@' if work.startswith('@') else ''
    return mark + Path(os.path.relpath(work.removeprefix('@'), folder or '.')).as_posix()


def _placed(work: str, folder: Path) -> str:
    """Return a source whose path counts from the study's folder on."""
    if work.startswith('corpus:'):
        return work
    return f'@{folder / work[1:]}' if work.startswith('@') else str(folder / work)
