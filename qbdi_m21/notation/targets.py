"""What notation programs show of our marks, and what is therefore written for each."""

from __future__ import annotations

from dataclasses import dataclass

from qbdi_m21.errors import ParameterError


@dataclass(frozen=True)
class Target:
    """A notation program.

    Attributes
    ----------
    lines : bool
        Whether it is known to show brackets. Where not, a small text tells where a motif ends.
    boxes : bool
        Whether it is known to draw boxes around text.
    measured : bool
        Whether that was seen in the program itself; else it is the cautious choice.
    """

    lines: bool
    boxes: bool
    measured: bool


#: MuseScore 3.2.3 and 4.0.0, Verovio 6.4 and musicxml2ly 2.24 were run. Sibelius, Finale and
#: Dorico were not: for them nothing rests on brackets alone.
TARGETS = {
    'musescore': Target(lines=True, boxes=True, measured=True),
    'verovio': Target(lines=True, boxes=True, measured=True),
    'lilypond': Target(lines=False, boxes=False, measured=True),
    'sibelius': Target(lines=False, boxes=True, measured=False),
    'finale': Target(lines=False, boxes=True, measured=False),
    'dorico': Target(lines=False, boxes=True, measured=False),
}


def find_target(name: str) -> Target:
    """Return a target by name, or raise ParameterError."""
    if name not in TARGETS:
        raise ParameterError(f'target is {name!r}; expected one of {", ".join(TARGETS)}')
    return TARGETS[name]
