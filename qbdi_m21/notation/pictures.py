"""Pictures of a score: by MuseScore where it is installed, else by Verovio."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from music21 import stream

from qbdi_m21.errors import ParameterError
from qbdi_m21.notation.checking import find_musescore, run_musescore
from qbdi_m21.notation.musicxml import write_musicxml

SUFFIXES = ('.png', '.pdf', '.svg')


def draw_picture(score: stream.Score, path: str | os.PathLike[str], *,
                 dots_per_inch: int = 110) -> tuple[Path, ...]:
    """Engrave a score as ``.png``, ``.pdf`` or ``.svg``.

    Parameters
    ----------
    score : music21.stream.Score
        Not changed.
    path : path
        Of several pages, each gets a file of its own: ``score-1.png``, ``score-2.png``; a .pdf
        holds all.
    dots_per_inch : int
        Of a .png.

    Returns
    -------
    tuple of Path
        The files that were written.

    Raises
    ------
    ParameterError
        If the suffix is another, or nothing that can engrave it is installed: MuseScore for
        all three, or the package verovio for .svg.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise ParameterError(f'{path} ends in {target.suffix!r}; expected {", ".join(SUFFIXES)}')
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        source = Path(folder) / 'score.musicxml'
        write_musicxml(score, source)
        if find_musescore() is not None:
            run_musescore(source, Path(folder) / f'page{suffix}', '-r', str(dots_per_inch))
            pages = sorted(Path(folder).glob(f'page*{suffix}'))
        elif suffix == '.svg':
            pages = _verovio(source)
        else:
            raise ParameterError(f'{suffix} needs MuseScore, which is not installed; give .svg, or '
                                 'install it')
        names = [target] if len(pages) == 1 else [
            target.with_name(f'{target.stem}-{k}{suffix}') for k in range(1, len(pages) + 1)]
        for page, name in zip(pages, names, strict=True):
            page.replace(name)
    return tuple(names)


def _verovio(source: Path) -> list[Path]:
    try:
        import verovio
    except ImportError as error:
        raise ParameterError('pictures need MuseScore or the package verovio (pip install '
                             'verovio), and neither is installed') from error
    with contextlib.redirect_stdout(None):
        kit = verovio.toolkit()
        kit.setOptions({'header': 'auto', 'footer': 'none'})
        kit.loadFile(str(source))
    pages = []
    for number in range(1, kit.getPageCount() + 1):
        page = source.with_name(f'page-{number:03}.svg')
        page.write_text(kit.renderToSVG(number), encoding='utf-8')
        pages.append(page)
    return pages
