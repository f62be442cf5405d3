"""Sounding notes of a MusicXML file, read from the XML alone: no music21."""

from collections import Counter, defaultdict
from fractions import Fraction

from musicxml_checks import STEPS


def xml_sounding_notes(root):
    """Count (onset, end, MIDI number) of the sounding notes of a score, ties joined.

    Measures are as long as the fullest part; grace notes, cues and unpitched notes are left out.
    """
    parts = [[_heads(measure, state) for measure in part.findall('measure')]
             for part in root.findall('part') for state in [{'divisions': Fraction(1), 'shift': 0}]]
    count = max(map(len, parts))
    lengths = [max((part[k][1] for part in parts if k < len(part)), default=Fraction(0))
               for k in range(count)]
    starts = [sum(lengths[:k], Fraction(0)) for k in range(count)]
    found = Counter()
    for part in parts:
        heads = sorted((starts[k] + onset, starts[k] + end, written, shift, kinds)
                       for k, (held, _) in enumerate(part)
                       for onset, end, written, shift, kinds in held)
        found.update(_joined(heads))
    return found


def _heads(measure, state):
    """Return (onset, end, written pitch, transposition, tie types) of a measure; its length."""
    now = last = longest = Fraction(0)
    held = []
    for element in measure:
        if element.findtext('divisions'):
            state['divisions'] = Fraction(element.findtext('divisions'))
        transpose = element.find('transpose')
        if transpose is not None:
            state['shift'] = (int(transpose.findtext('chromatic', '0'))
                              + 12 * int(transpose.findtext('octave-change', '0')))
        length = Fraction(element.findtext('duration', '0')) / state['divisions']
        if element.tag in ('backup', 'forward'):
            now += length if element.tag == 'forward' else -length
        elif element.tag == 'note' and element.find('grace') is None:
            if element.find('chord') is None:
                last, now = now, now + length
            pitch = element.find('pitch')
            if pitch is not None:
                written = (12 * (int(pitch.findtext('octave')) + 1) + STEPS[pitch.findtext('step')]
                           + float(pitch.findtext('alter', '0')))
                kinds = tuple(sorted(tie.get('type') for tie in element.findall('tie')))
                held.append((last, last + length, written, state['shift'], kinds))
        longest = max(longest, now)
    return held, longest


def _joined(heads):
    notes, waiting = [], defaultdict(list)
    for onset, end, written, shift, kinds in heads:
        ready = waiting[written, onset]
        if 'stop' in kinds and ready:
            row = ready.pop(0)
        else:
            row = [onset, end, round(written) + shift]
            notes.append(row)
        row[1] = end
        if 'start' in kinds:
            waiting[written, end].append(row)
    return [tuple(row) for row in notes]
