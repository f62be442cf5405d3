"""Dividing works into train, validation and test so that no music leaks.

Books of chorales hold the same setting more than once, and several settings of a tune: works
that share bars, also transposed, are kept on one side. So are, where asked, works of one title:
the verse and the chorus of a song, the movements of a quartet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import CorpusError, ParameterError

IntArray = npt.NDArray[np.int64]

#: Works with this many different bars in common (transposed alike) are kept together.
SHARED_BARS = 3

#: A bar that more works than this have is a formula of the style and relates none of them.
COMMON_BAR = 100

#: What may divide: single works, or titles.
SPLIT_BY = ('title', 'work')

#: Pairs of works that are counted at one time.
_PAIRS = 4_000_000

_SECTION = (r'(?:(?:pre|post)[ -]?)?chorus|verse|bridge|intro|outro|refrain|interlude|coda|hook|'
            'ending|instrumental')
_MOVEMENT = r'(?:movement|mouvement|movt|mvmt|mvt|mov|satz)[ .-]*(?:\d+|[ivx]+)'
_LABEL = re.compile(rf'(?:(?:{_SECTION})(?:[ -]?(?:\d+|[a-d]))?|{_MOVEMENT})')
_LABELLED = re.compile(rf'(?P<title>.*?[^ ,:.(\[-])[ ,:.(\[-]+(?:{_LABEL.pattern}|'
                       r'(?:part|pt)[ .-]*(?:\d+|[ivx]+))[)\]]?')
_SUFFIX = re.compile(r'\.(?:musicxml|xml|mxl|midi?|abc|krn|mei|parquet)$')
_NUMBERED = re.compile(r'#\d+$')


def related_works(windows: Sequence[npt.NDArray[np.bool_]]) -> IntArray:
    """Return the group of each work, counted from 0; related works share one.

    Parameters
    ----------
    windows : sequence of ndarray of bool, shape (n, W, 2P)
        One array a work.

    Notes
    -----
    Two works are related when they have `SHARED_BARS` different bars in common, each moved to
    its lowest pitch; groups hold what is related directly or through others. Bars with fewer
    than three onsets do not count, nor do bars that more than `COMMON_BAR` works have, where
    works made of the same bars altogether count as one (and are related). Without the latter
    rule a corpus of thousands would be one group, and the time would grow with its square.
    """
    bars = [_bar_keys(work) for work in windows]
    first: dict[bytes, int] = {}
    copies = [(index, first.setdefault(own.tobytes(), index))
              for index, own in enumerate(bars) if len(own) >= SHARED_BARS]
    links = np.array(copies, dtype=np.int64).reshape(-1, 2)
    kept = np.fromiter(first.values(), np.int64, len(first))
    pairs = kept[_sharing([bars[index] for index in kept])]
    return _components(np.concatenate([links, pairs]), len(windows))


def _bar_keys(windows: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """Return hashes of the bars of a work, each moved to its lowest pitch; no still bars."""
    planes = windows.reshape(*windows.shape[:2], 2, windows.shape[2] // 2)
    used: npt.NDArray[np.bool_] = np.any(planes[:, :, 0], axis=1)
    struck = np.any(planes[:, :, 1], axis=2).sum(axis=1)
    low, high = used.argmax(axis=1), used.shape[1] - used[:, ::-1].argmax(axis=1)
    keys = [blake2b(np.packbits(planes[k, :, :, low[k]:high[k]]).tobytes(), digest_size=8).digest()
            for k in np.flatnonzero((struck > 2) & np.any(used, axis=1))]
    return np.unique(np.frombuffer(b''.join(keys), dtype=np.uint64))


def _sharing(bars: Sequence[npt.NDArray[np.uint64]]) -> IntArray:
    """Return the pairs of works with enough bars in common, shape (n, 2)."""
    from scipy.sparse import csr_array
    none = np.zeros((0, 2), dtype=np.int64)
    if not bars:
        return none
    owner = np.repeat(np.arange(len(bars)), [len(own) for own in bars])
    keys, key, held_by = np.unique(np.concatenate(bars), return_inverse=True, return_counts=True)
    counts = (held_by[key] > 1) & (held_by[key] <= COMMON_BAR)
    owner, key = owner[counts], key[counts]
    has = csr_array((np.ones(len(key), dtype=np.int32), (owner, key)),
                    shape=(len(bars), len(keys)))
    had_by = csr_array(has.T)
    # each block of works makes at most so many counts, or those of one work
    total = np.cumsum(np.bincount(owner, weights=held_by[key], minlength=len(bars)))
    edges = np.searchsorted(total, np.arange(0, total[-1], _PAIRS), side='right')
    blocks = np.unique(np.concatenate([[0], edges, [len(bars)]]))
    found = [none]
    for start, stop in pairwise(blocks.tolist()):
        shared = (has[start:stop] @ had_by).tocoo()
        enough = shared.data >= SHARED_BARS
        rows, columns = shared.row[enough] + start, shared.col[enough]
        found.append(np.stack([rows, columns], axis=1)[rows < columns].astype(np.int64))
    return np.concatenate(found)


def _components(pairs: IntArray, size: int) -> IntArray:
    """Return the group of each of so many nodes, in order of their first one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def work_title(name: str) -> str:
    """Return the title of a work: its name in small letters, without what tells parts apart.

    Parameters
    ----------
    name : str
        Of a work: a file, a work of music21's corpus, or a score of a book (``NAME#3``).

    Returns
    -------
    str
        Works of one title have it in common. The folder belongs to it.

    Notes
    -----
    The suffix of a score file goes, underscores are spaces, and a label at the end goes: a
    section of a song (verse, pre chorus, bridge 2, ...), a movement (movement 1, mvt. ii,
    Satz 3) or a part (part 2). A file that is named by a section or a movement alone has the
    title of its folder. A score of a book keeps its number: books of tunes hold hundreds of
    works. Other numbers stay, since they tell works apart.

    Examples
    --------
    >>> work_title('pop/Blank Space - Pre Chorus.midi')
    'pop/blank space'
    >>> work_title('corpus:haydn/opus74no1/movement3')
    'corpus:haydn/opus74no1'
    >>> work_title('corpus:bach/bwv66.6')
    'corpus:bach/bwv66.6'
    >>> work_title('corpus:essenFolksong/altdeu10#3')
    'corpus:essenfolksong/altdeu10#3'
    """
    plain = name.casefold()
    if _NUMBERED.search(plain):
        return plain
    folder, _, last = plain.rpartition('/')
    stem = ' '.join(_SUFFIX.sub('', last).replace('_', ' ').split())
    if folder and _LABEL.fullmatch(stem):
        return folder
    labelled = _LABELLED.fullmatch(stem)
    title = labelled['title'] if labelled else stem
    return f'{folder}/{title}' if folder else title


def joined_titles(groups: IntArray, names: Sequence[str]) -> IntArray:
    """Return groups of works in which those of one title are also together.

    Parameters
    ----------
    groups : ndarray of int64
        Of :func:`related_works`.
    names : sequence of str
        Of the works.
    """
    places: dict[str, int] = {}
    titles = [places.setdefault(work_title(name), len(groups) + len(places)) for name in names]
    works = np.arange(len(groups))
    # one node for each work and each title; related works lead to the first of their group
    first = np.unique(groups, return_index=True)[1][groups]
    pairs = np.concatenate([np.stack([works, first], axis=1),
                            np.stack([works, np.array(titles)], axis=1)])
    return _components(pairs, len(groups) + len(places))[:len(groups)]


def check_split(split_by: str, held_out: tuple[float, float], seed: int) -> None:
    """Raise ParameterError unless a split is known, leaves works to learn and has a seed."""
    if split_by not in SPLIT_BY:
        raise ParameterError(f'split_by is {split_by!r}; expected {" or ".join(SPLIT_BY)}')
    if len(held_out) != 2 or not (min(held_out) >= 0 and sum(held_out) < 1):
        raise ParameterError(f'held_out is {held_out}; expected two shares that leave works to '
                             'learn')
    if seed < 0:
        raise ParameterError(f'seed is {seed}; expected 0 or more')


def split_groups(groups: IntArray, held_out: tuple[float, float], seed: int) -> IntArray:
    """Return 0 (train), 1 (validation) or 2 (test) for each work, whole groups at a time.

    Parameters
    ----------
    groups : ndarray of int64
        Of :func:`related_works`.
    held_out : (float, float)
        Shares of the works for validation and test.
    seed : int
        Of the choice. At least one group is left to learn.
    """
    check_split('work', held_out, seed)
    members = np.split(np.argsort(groups, kind='stable'), np.cumsum(np.bincount(groups))[:-1])
    rng = np.random.default_rng(seed)
    split = np.zeros(len(groups), dtype=np.int64)
    order = rng.permutation(len(members)).tolist()
    for place, share in ((1, held_out[0]), (2, held_out[1])):
        wanted, taken = round(share * len(groups)), 0
        while taken < wanted and len(order) > 1:
            chosen = members[order.pop()]
            split[chosen] = place
            taken += len(chosen)
    return split


def split_with_test(groups: IntArray, test: IntArray, validation: float, seed: int) -> IntArray:
    """Return the split of works of which the test is given; -1 for those that belong with it.

    Parameters
    ----------
    groups : ndarray of int64
        Of :func:`related_works`.
    test : ndarray of int64
        Places of the works that are the test (2); what shares their groups is left out (-1).
    validation : float
        Share of the other works for validation.
    seed : int
        Of the choice.

    Raises
    ------
    CorpusError
        If no work is left to learn from.
    """
    split = np.full(len(groups), -1, dtype=np.int64)
    others = np.flatnonzero(~np.isin(groups, groups[test]))
    if not len(others):
        raise CorpusError(f'all {len(groups)} works are test works or belong with them (shared '
                          'bars or title); name fewer, or give more works to learn from')
    split[others] = split_groups(np.unique(groups[others], return_inverse=True)[1],
                                 (validation, 0), seed)
    split[test] = 2
    return split


def find_works(wanted: Iterable[str], names: Sequence[str]) -> IntArray:
    """Return the places of works that a list names, sorted.

    Parameters
    ----------
    wanted : iterable of str
        Names in full, or file names without their folders; a book's name is all its scores.
    names : sequence of str
        Of the works.

    Raises
    ------
    CorpusError
        If an entry names none of the works, or nothing is wanted.
    """
    by_form: dict[str, set[int]] = {}
    for index, name in enumerate(names):
        for form in (name, _NUMBERED.sub('', name)):
            for short in (form, form.rpartition('/')[2]):
                by_form.setdefault(short, set()).add(index)
    by_form.update((name, {index}) for index, name in enumerate(names))     # the full name first
    found: set[int] = set()
    unknown = []
    for entry in wanted:
        parts = entry.split('/')
        # a longer path to a file names the work that was read from its folder
        forms = [entry, entry.removeprefix('corpus:'),
                 *('/'.join(parts[k:]) for k in range(1, len(parts) - 1))]
        match = next((by_form[form] for form in forms if form in by_form), None)
        if match is None:
            unknown.append(entry)
        else:
            found |= match
    if unknown:
        more = f' and {len(unknown) - 5} more' if len(unknown) > 5 else ''
        raise CorpusError(f'no work is named {", ".join(map(repr, unknown[:5]))}{more}; expected '
                          f'names such as {names[0]!r}, or its file name alone')
    if not found:
        raise CorpusError('the list of test works is empty; name works, or leave it out')
    return np.array(sorted(found), dtype=np.int64)
