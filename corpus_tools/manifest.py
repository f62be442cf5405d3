"""Which works a corpus is: names, files, folders and named selections of music21's corpus."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from qbdi_m21.errors import CorpusError
from qbdi_m21.notation.reading import CORPUS_PREFIX

#: Suffixes of the files that a folder contributes.
SCORE_SUFFIXES = ('.musicxml', '.xml', '.mxl', '.mid', '.midi', '.abc', '.krn', '.mei')

#: A folder of music21's corpus: every work below it.
_FOLDER = re.compile(r'corpus:(?P<folder>[^*]+)/\*$')


def expand_sources(sources: Iterable[str]) -> tuple[str, ...]:
    """Return the single works that sources name, sorted, each once.

    Parameters
    ----------
    sources : iterable of str
        Score files, folders, ``corpus:NAME`` works, ``corpus:FOLDER/*`` for every work of a
        folder of music21's corpus, and text files ``@LIST`` with one source a line.

    Raises
    ------
    CorpusError
        If a source names nothing.
    """
    works: set[str] = set()
    for source in sources:
        works.update(_expand(source))
    if not works:
        raise CorpusError('no work given; name files, folders, corpus:NAME or corpus:FOLDER/*')
    return tuple(sorted(works))


def _expand(source: str, lists: tuple[Path, ...] = ()) -> list[str]:
    if source.startswith('@'):
        path = Path(source[1:])
        if not path.is_file():
            raise CorpusError(f'no such list of works: {path}')
        if path.resolve() in lists:
            raise CorpusError(f'the list of works {path} names itself')
        lists = (*lists, path.resolve())
        lines = (line.split('#')[0].strip() for line in path.read_text('utf-8').splitlines())
        return [work for line in lines if line for work in _expand(line, lists)]
    match = _FOLDER.match(source)
    if match:
        return _corpus_folder(match['folder'])
    if source.startswith(CORPUS_PREFIX):
        return [source]
    path = Path(source)
    if path.is_dir():
        found = [str(p) for p in path.rglob('*') if p.suffix.lower() in SCORE_SUFFIXES]
        if not found:
            raise CorpusError(f'{path} holds no score file ({", ".join(SCORE_SUFFIXES)})')
        return found
    if not path.is_file():
        raise CorpusError(f'no such file or folder: {path}')
    return [str(path)]


def _corpus_folder(folder: str) -> list[str]:
    from music21 import common, corpus
    root = common.getCorpusFilePath()
    works = []
    for path in corpus.getCorePaths():
        name = path.relative_to(root).as_posix()
        if name.startswith(folder.strip('/') + '/') and path.suffix in SCORE_SUFFIXES:
            works.append(CORPUS_PREFIX + name.removesuffix(path.suffix))
    if not works:
        raise CorpusError(f"music21's corpus has no folder {folder!r}")
    return works
