"""Every public name says what it is; functions say what they take."""

import ast
import inspect
import re
from itertools import pairwise
from pathlib import Path

import pytest

import qbdi_m21

STUB = Path(qbdi_m21.__file__).with_suffix('.pyi')

NAMES = sorted(alias.asname for node in ast.parse(STUB.read_text(encoding='utf-8')).body
               if isinstance(node, ast.ImportFrom) for alias in node.names)
FUNCTIONS = ['add_chords', 'add_curve', 'align', 'allocate_bits', 'allocate_continuous',
             'allocate_frames', 'annotate', 'build_oracle', 'build_training_set',
             'check_musicxml', 'compare', 'convert_file', 'decode', 'draw_picture', 'encode',
             'engrave', 'extract_notes', 'extract_tables', 'find_collisions', 'find_motifs',
             'find_theme', 'find_threshold', 'frames_to_table', 'from_midi', 'from_vmo',
             'improvise', 'information_profile', 'information_rate', 'interpolate',
             'latent_information_rate', 'list_models', 'load_frames', 'load_model', 'load_score',
             'load_scores', 'load_table', 'motifs_table', 'plot_ir_curve', 'plot_ir_profile',
             'plot_motif_arcs', 'plot_motifs', 'plot_oracle', 'plot_self_similarity',
             'plot_sweep', 'quantize', 'rate_marks', 'read_annotations', 'read_midi',
             'read_mirex', 'read_motifs', 'read_notes', 'read_recipe', 'read_sidecar',
             'register', 'repeated_patterns', 'replay', 'resynthesise', 'sample', 'save_frames',
             'save_model', 'save_table', 'stack', 'strip', 'sweep', 'to_frames',
             'to_part_frames', 'to_score', 'total_distortion', 'total_rate', 'train', 'transmit',
             'transmit_frames', 'write_annotations', 'write_midi', 'write_motifs',
             'write_musicxml']

#: Functions of the paper: each names equation or section.
OF_THE_PAPER = ['allocate_bits', 'allocate_continuous', 'allocate_frames', 'build_oracle',
                'compare', 'find_collisions', 'find_motifs', 'find_threshold', 'improvise',
                'information_profile', 'information_rate', 'latent_information_rate',
                'repeated_patterns', 'resynthesise', 'sample', 'to_frames', 'total_distortion',
                'total_rate', 'train', 'transmit']


#: A function may send its reader to another.
ELSEWHERE = re.compile('Parameters (and errors )?are those of')


def marked(name: str) -> object:
    """Return a name as a parameter, marked where its import loads Keras."""
    return pytest.param(name, marks=pytest.mark.tf) if name == 'train' else name


def doc(name: str) -> str:
    return inspect.getdoc(getattr(qbdi_m21, name)) or ''


def test_the_functions_of_the_stub_are_known():
    assert set(FUNCTIONS) <= set(NAMES)
    classes = set(NAMES) - set(FUNCTIONS)
    assert all(name[0].isupper() for name in classes)


@pytest.mark.parametrize('name', [*map(marked, NAMES)])
def test_every_public_name_has_a_docstring_of_its_own(name):
    first = doc(name).splitlines()[0]
    assert first.endswith('.')
    assert len(first) > 15


#: These say it in their first line.
BRIEF = ('extract_tables', 'register')


@pytest.mark.parametrize('name', [*map(marked, sorted({*FUNCTIONS} - {*BRIEF}))])
def test_functions_have_sections(name):
    text = doc(name)
    if inspect.signature(getattr(qbdi_m21, name)).parameters:
        assert 'Parameters\n---' in text or ELSEWHERE.search(text)
    else:
        assert text.startswith('Return')


@pytest.mark.parametrize('name', [*map(marked, OF_THE_PAPER)])
def test_functions_of_the_paper_name_their_source(name):
    assert 'Notes\n-----' in doc(name)
    assert 'Source: ' in doc(name)


@pytest.mark.parametrize('name', [*map(marked, FUNCTIONS)])
def test_every_parameter_is_documented(name):
    text = doc(name)
    if ELSEWHERE.search(text):
        return
    for parameter in inspect.signature(getattr(qbdi_m21, name)).parameters.values():
        if parameter.name != 'progress' or 'progress' in text:
            assert parameter.name in text, parameter.name


@pytest.mark.parametrize('name', [*map(marked, NAMES)])
def test_every_section_is_underlined_to_its_length(name):
    lines = doc(name).splitlines()
    for title, line in pairwise(lines):
        if line and set(line) == {'-'}:
            assert len(line) == len(title)
