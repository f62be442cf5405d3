"""Rates printed below the bars of an improvisation."""

import json
from fractions import Fraction

import numpy as np
import pytest
from click.testing import CliRunner
from music21 import converter, meter, note, stream
from musicxml_checks import block_model, read_musicxml, schema_errors, write_model_file

import qbdi_m21 as q
from qbdi_m21.cli import main
from qbdi_m21.comparison import rate_marks
from qbdi_m21.errors import NotationError
from qbdi_m21.notation.align import side_parts
from qbdi_m21.notation.marks import Mark, rate_mark
from qbdi_m21.notation.musicxml import to_musicxml

TUNE = "tinynotation: 4/4 c4 d e f g2 a4 b c'1 b4 a g2"


@pytest.fixture(scope='module')
def tune():
    return converter.parse(TUNE)


@pytest.fixture(scope='module')
def chorale():
    """Four parts, of which the tenor has another rate, and two bars a third one."""
    return q.compare(q.load_score('corpus:bach/bwv66.6'), block_model(), rate=16,
                     regions=[('part:Tenor', 'full'), ('3-4', 'half')])


def printed(data):
    """Return (part, measure, placement, words) of the texts with an arrow, from the XML."""
    found = []
    for part in read_musicxml(data).findall('part'):
        for measure in part.findall('measure'):
            for direction in measure.iter('direction'):
                words = direction.findtext('direction-type/words') or ''
                if '\u2192' in words:
                    found.append((part.get('id'), measure.get('number'),
                                  direction.get('placement'), words))
    return found


@pytest.mark.parametrize(('rate', 'bits', 'text'), [
    ('64 bits', 25.68, '64 bits → 25.7 bits'), ('full', 30, 'full → 30.0 bits'),
    ('0 bits', 0.0, '0 bits → 0.0 bits'), ('50 %', 12.345, '50 % → 12.3 bits')])
def test_a_mark_says_what_was_asked_and_what_arrived(rate, bits, text):
    mark = rate_mark(Fraction(4), Fraction(8), rate, bits, staff=2)
    assert mark == Mark('rate', text, 'improvisation', Fraction(4), Fraction(8), below=True,
                        staff=2)


def test_each_bar_has_one_mark_with_the_bits_that_arrived_of_it(tune):
    made = q.improvise(tune, block_model(), rate=[64, 'full', 0, 'half'])
    (sent,) = made.derivation.transmissions
    marks = q.rate_marks(made.derivation.transmissions)
    assert [(mark.start_ql, mark.end_ql) for mark in marks] == [
        (bar.start_ql, bar.end_ql) for bar in sent.encoding.grid.bars]
    assert [mark.text for mark in marks] == [
        f'{rate} → {bits:.1f} bits' for rate, bits in zip(
            ('64 bits', 'full', '0 bits', '50 %'), sent.delivered_bits, strict=True)]
    assert {mark.staff for mark in marks} == {0}


def test_a_long_bar_is_told_the_mean_of_its_windows():
    part = stream.Part()
    for k, ratio in enumerate(('7/4', '4/4', '12/4')):
        measure = stream.Measure([meter.TimeSignature(ratio)], number=k + 1)
        measure.append(note.Note(60 + k, quarterLength=int(ratio.split('/')[0])))
        part.append(measure)
    made = q.improvise(stream.Score([part]), block_model(), rate='full')
    (sent,) = made.derivation.transmissions
    assert sent.encoding.bars.tolist() == [0, 0, 1, 2, 2, 2]
    told = [float(mark.text.split()[2]) for mark in rate_marks((sent,))]
    bits = sent.delivered_bits
    assert told == pytest.approx([bits[:2].mean(), bits[2], bits[3:].mean()], abs=0.051)


def test_parts_with_rates_of_their_own_have_marks_below_their_own_staves(chorale):
    marks = rate_marks(chorale.transmissions)
    assert [mark.staff for mark in marks] == [0] * 10 + [2] * 10
    for place, sent in enumerate(chorale.transmissions):
        own = marks[10 * place:10 * place + 10]
        assert [mark.text for mark in own] == [
            f'{rate} → {bits:.1f} bits' for rate, bits in zip(
                [q_name(rate) for rate in sent.rates], sent.delivered_bits, strict=True)]


def q_name(rate):
    return {16: '16 bits', 'full': 'full', 0.5: '50 %'}[rate]


def test_the_annotated_score_has_them_below_each_bar_of_the_improvisation(chorale):
    data = to_musicxml(chorale.annotated(rates=True))
    found = printed(data)
    numbers = [bar.number for bar in chorale.grid.bars]
    assert [(part, int(number), placement) for part, number, placement, _ in found] == [
        (part, number, 'below') for part in ('P1', 'P2') for number in numbers]
    assert [words for *_, words in found] == [
        mark.text for mark in rate_marks(chorale.transmissions)]
    assert schema_errors(data) == []
    for words in read_musicxml(data).iter('words'):
        if '\u2192' in (words.text or ''):
            assert (words.get('font-size'), words.get('font-weight')) == ('7', 'normal')


def test_without_being_asked_for_no_rate_is_printed(chorale):
    data = to_musicxml(chorale.annotated())
    assert printed(data) == []
    assert schema_errors(data) == []


def test_all_else_is_printed_as_without_them(chorale):
    plain, more = (read_musicxml(to_musicxml(chorale.annotated(rates=r))) for r in (False, True))
    for direction in list(more.iter('direction')):
        if '\u2192' in (direction.findtext('direction-type/words') or ''):
            direction.getparent().remove(direction)
    for tag in ('note', 'words', 'bracket'):
        assert [[dict(e.attrib), (e.text or '').strip()] for e in plain.iter(tag)] == [
            [dict(e.attrib), (e.text or '').strip()] for e in more.iter(tag)], tag


def test_marks_can_be_drawn_on_an_aligned_score_and_on_the_improvisation_alone(tune):
    made = q.improvise(tune, block_model(), rate=32)
    marks = q.rate_marks(made.derivation.transmissions)
    for score in (q.align(tune, made), made):
        data = to_musicxml(q.annotate(score, marks, legend=False))
        assert [words for *_, words in printed(data)] == [mark.text for mark in marks]
        assert schema_errors(data) == []


def test_a_staff_that_is_not_there_is_refused(tune):
    made = q.improvise(tune, block_model(), rate=32)
    both = q.align(tune, made)
    assert len(side_parts(both, 'improvisation')) == 2
    for staff in (2, -1):
        mark = rate_mark(Fraction(0), Fraction(4), '32 bits', 1.0, staff=staff)
        with pytest.raises(NotationError, match=rf"'32 bits → 1\.0 bits' is for staff {staff}; the "
                                                'improvisation has 2, counted from 0'):
            q.annotate(both, [mark])


def test_a_mark_after_the_end_is_refused(tune):
    both = q.align(tune, q.improvise(tune, block_model(), rate=32))
    with pytest.raises(NotationError, match='starts at 16 quarters; the score ends at 16'):
        q.annotate(both, [rate_mark(Fraction(16), Fraction(20), 'full', 1.0)])


def test_marks_of_nothing_are_none():
    assert rate_marks(()) == ()


def test_bits_that_are_told_add_up_to_those_of_the_transmission(chorale):
    for place, sent in enumerate(chorale.transmissions):
        told = [float(mark.text.split()[-2]) for mark in rate_marks(chorale.transmissions)
                if mark.staff == 2 * place]
        assert np.mean(told) == pytest.approx(sent.delivered_bits.mean(), abs=0.051)


@pytest.mark.parametrize('options', [(), ('--region', '2-3=full')])
def test_the_command_prints_them_when_asked_and_says_so_in_the_recipe(options, tmp_path,
                                                                     monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tune.abc').write_text('X:1\nM:4/4\nL:1/4\nK:C\nGABc|GABc|GFED|C4|]\n')
    write_model_file(block_model(), tmp_path / 'blocks.keras')
    for name, more in (('plain', ()), ('rates', ('--show-rates',))):
        done = CliRunner().invoke(main, [
            'improvise', 'tune.abc', '--model', 'blocks.keras', '--rate', '16', *options, *more,
            '-o', f'{name}.musicxml'])
        assert (done.exit_code, done.stderr) == (0, '')
    assert printed(tmp_path / 'plain.musicxml') == []
    found = json.loads((tmp_path / 'rates.json').read_text(encoding='utf-8'))
    arrived = [window['delivered_bits'] for window in found['channel'][0]['windows']]
    words = [text for *_, text in printed(tmp_path / 'rates.musicxml')]
    assert [text.split(' → ')[1] for text in words] == [f'{bits:.1f} bits' for bits in arrived]
    assert [text.split(' → ')[0] for text in words] == (
        ['16 bits', '16 bits', 'full', 'full'] if options else ['16 bits'] * 4)
    assert schema_errors(tmp_path / 'rates.musicxml') == []
    assert found['recipe']['show_rates'] is True
    plain = json.loads((tmp_path / 'plain.json').read_text(encoding='utf-8'))
    assert 'show_rates' not in plain['recipe']
