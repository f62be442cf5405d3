"""Improvisation above, query below, in one score."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping

from music21 import bar, metadata, note, spanner, stream, tempo

from qbdi_m21.errors import NotationError
from qbdi_m21.frames.measures import as_score, measured_parts
from qbdi_m21.notation.engrave import improvisation_title

IMPROVISATION, QUERY = 'improvisation', 'query'

#: Custom field of the metadata in which an improvisation keeps its recipe, also when aligned.
RECIPE_FIELD = 'qbdi_m21'


def align(query: stream.Score, improvisation: stream.Score) -> stream.Score:
    """Return one score with the improvisation above and the query below.

    Parameters
    ----------
    query : music21.stream.Score
        With any number of staves; copied as it is notated.
    improvisation : music21.stream.Score
        With as many measures, as :func:`qbdi_m21.improvise` makes it.

    Returns
    -------
    music21.stream.Score
        Parts carry `improvisation` or `query` in their `groups`; `derivation` leads to the
        query. Neither argument is changed.

    Raises
    ------
    NotationError
        If the numbers of measures differ.
    """
    below, above = copy.deepcopy(as_score(query)), copy.deepcopy(as_score(improvisation))
    parts = {IMPROVISATION: list(above.parts), QUERY: measured_parts(below)}
    counts = {side: max(len(p.getElementsByClass(stream.Measure)) for p in held)
              for side, held in parts.items()}
    if len(set(counts.values())) > 1:
        raise NotationError(f'the improvisation has {counts[IMPROVISATION]} measures and the '
                            f'query {counts[QUERY]}; expected as many')
    late = [part for part in parts[QUERY] if part.offset]
    if late:
        raise NotationError(f'the part {late[0].partName or ""!r} of the query begins '
                            f'{float(late[0].offset):g} quarters late; expected all parts at 0: '
                            'fill it up with rests')
    for part in parts[QUERY]:
        _fill_up(part, parts[IMPROVISATION][0])
    score = stream.Score()
    score.insert(0, _metadata(query, improvisation))
    for side, source in ((IMPROVISATION, above), (QUERY, below)):
        for part in parts[side]:
            part.groups.append(side)
            score.insert(0, part)
        # braces, and lines that a user has put in the score; its text boxes stay behind, since
        # with them programs show neither title nor composer
        for spanning in list(source.getElementsByClass(spanner.Spanner)):
            score.insert(0, spanning)
    _name_parts(parts[QUERY])
    _keep_first_tempi(score.parts)
    score.derivation.origin = query
    score.derivation.method = 'align'
    return score


def stack(query: stream.Score, others: Mapping[str, stream.Score]) -> stream.Score:
    """Return one score with several improvisations, one below the other, over their query.

    Parameters
    ----------
    query : music21.stream.Score
        With any number of staves; copied as it is notated.
    others : mapping of str to music21.stream.Score
        Improvisations by what they are called in front of their staves, such as their rates;
        with as many measures.

    Returns
    -------
    music21.stream.Score
        Parts of all improvisations are of the side `improvisation`, those of the query of
        `query`. `derivation` leads to the query. No argument is changed.

    Raises
    ------
    NotationError
        If there is none, or the numbers of measures differ.
    """
    if not others:
        raise NotationError('no improvisation to stack; expected at least one')
    names = list(others)
    score = align(query, others[names[-1]])
    ready = [(name, copy.deepcopy(as_score(others[name]))) for name in names[:-1]]
    length = max(len(p.getElementsByClass(stream.Measure)) for p in score.parts)
    above = [part for part in score.parts if IMPROVISATION in part.groups]
    _call(above, names[-1])
    known = list(score.parts)
    for part in known:
        score.remove(part)
    placed: list[stream.Part] = []
    for name, other in ready:
        parts = list(other.parts)
        have = max(len(p.getElementsByClass(stream.Measure)) for p in parts)
        if have != length:
            raise NotationError(f'{name!r} has {have} measures and the query {length}; expected '
                                'as many')
        for part in parts:
            part.groups.append(IMPROVISATION)
        _call(parts, name)
        placed += parts
        for spanning in list(other.getElementsByClass(spanner.Spanner)):
            score.insert(0, spanning)
    for part in [*placed, *known]:
        score.insert(0, part)
    _keep_first_tempi(score.parts)
    score.derivation.origin = query
    score.derivation.method = 'stack'
    return score


def _call(parts: list[stream.Part], name: str) -> None:
    """Name the staves of one improvisation."""
    for part in parts:
        part.partName, part.partAbbreviation = name, name[:8]
        for instrument in part.getElementsByClass('Instrument'):
            instrument.partName, instrument.partAbbreviation = name, name[:8]


def side_parts(score: stream.Score, side: str) -> list[stream.Part]:
    """Return the parts of one side, or all parts of a score without sides."""
    parts = list(score.parts)
    sided = [p for p in parts if side in p.groups]
    return sided if any({IMPROVISATION, QUERY} & set(p.groups) for p in parts) else parts


def _fill_up(part: stream.Part, model: stream.Part) -> None:
    """Append measures of rest to a part that ends before the others."""
    have = list(part.getElementsByClass(stream.Measure))
    missing = list(model.getElementsByClass(stream.Measure))[len(have):]
    if not missing:
        return
    have[-1].rightBarline = None
    for other in missing:
        measure = stream.Measure(number=other.number)
        measure.append(note.Rest(quarterLength=other.duration.quarterLength))
        part.append(measure)
    part.getElementsByClass(stream.Measure).last().rightBarline = bar.Barline('final')


def _name_parts(parts: list[stream.Part]) -> None:
    for part in parts:
        name = (part.partName or '').strip()
        # without one, programs make up an abbreviation from the instrument
        part.partAbbreviation = part.partAbbreviation or (f'{name[:4]}.' if name else 'Qu.')
        full = f'Query {name}' if name and name.lower() not in ('query', 'piano') else 'Query'
        part.partName = full
        for instrument in part.getElementsByClass('Instrument'):
            instrument.partName = full


def _keep_first_tempi(parts: Iterable[stream.Part]) -> None:
    """Leave the tempo marks of the first part that has any: all of them would be printed."""
    seen = False
    for part in parts:
        marks = list(part.recurse().getElementsByClass(tempo.TempoIndication))
        if seen:
            part.remove(marks, recurse=True)
        for mark in marks:
            mark.placement = 'above'
        seen = seen or bool(marks)


def _metadata(query: stream.Score, improvisation: stream.Score) -> metadata.Metadata:
    about = query.metadata
    result = metadata.Metadata()
    result.title = improvisation_title(query)
    if about is not None:
        result.composer, result.copyright = about.composer, about.copyright
    if improvisation.metadata is not None:
        for recipe in improvisation.metadata.getCustom(RECIPE_FIELD):
            result.addCustom(RECIPE_FIELD, recipe)
    return result
