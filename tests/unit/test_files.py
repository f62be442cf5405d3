"""Files that are written whole or not at all."""

import os
import re
import stat

import pytest

from qbdi_m21.errors import ParameterError
from qbdi_m21.files import write_aside


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_the_file_appears_when_the_block_ends(tmp_path):
    target = tmp_path / 'a.txt'
    with write_aside(target) as aside:
        aside.write_text('new')
        assert not target.exists()
        assert (aside.parent, aside.suffix) == (tmp_path, '.txt')
    assert target.read_text() == 'new'
    assert names(tmp_path) == ['a.txt']


def test_an_old_file_is_replaced(tmp_path):
    (tmp_path / 'a.txt').write_text('a longer old text')
    with write_aside(str(tmp_path / 'a.txt')) as aside:
        aside.write_text('new')
    assert (tmp_path / 'a.txt').read_text() == 'new'


@pytest.mark.parametrize('error', [RuntimeError, KeyboardInterrupt, OSError])
def test_a_failure_keeps_the_old_file_and_leaves_nothing(error, tmp_path):
    (tmp_path / 'a.txt').write_text('old')
    with pytest.raises(error, match='no'), write_aside(tmp_path / 'a.txt') as aside:  # noqa: PT012
        aside.write_text('half')
        raise error('no')
    assert names(tmp_path) == ['a.txt']
    assert (tmp_path / 'a.txt').read_text() == 'old'


@pytest.mark.skipif(os.name != 'posix', reason='modes of POSIX files')
@pytest.mark.parametrize('umask', [0o022, 0o077])
def test_the_mode_is_that_of_any_new_file(umask, tmp_path):
    before = os.umask(umask)
    try:
        with write_aside(tmp_path / 'a.txt') as aside:
            aside.write_text('x')
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / 'a.txt').stat().st_mode) == 0o666 & ~umask


def test_a_missing_folder_is_named(tmp_path):
    target = tmp_path / 'none' / 'a.txt'
    with (pytest.raises(ParameterError, match=re.escape(f'no such folder: {target.parent}')),
          write_aside(target)):
        pass
    assert names(tmp_path) == []


def test_a_folder_is_no_file_name(tmp_path):
    with (pytest.raises(ParameterError, match='is a folder; expected the name of a file'),
          write_aside(tmp_path)):
        pass
    assert names(tmp_path) == []


def test_a_folder_that_refuses_is_told(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr('qbdi_m21.files.tempfile.mkstemp', refuse)
    with (pytest.raises(ParameterError, match=r'cannot write in .*: Permission denied'),
          write_aside(tmp_path / 'a.txt')):
        pass


def test_a_name_in_the_working_folder_needs_no_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with write_aside('a.txt') as aside:
        aside.write_text('x')
    assert names(tmp_path) == ['a.txt']
