"""Functions that tests run in other processes: tasks that misbehave, and measures."""

import ctypes
import os
import time
from pathlib import Path


def echo(argument):
    return argument


def misbehave(kind):
    if kind == 'hang':
        time.sleep(1000)
    if kind == 'eat':
        held = []
        while True:
            held.append(bytearray(10**7))
    if kind == 'crash':
        ctypes.string_at(0)
    if kind == 'raise':
        raise ValueError('no\n good')
    if kind == 'leave':
        raise SystemExit(3)
    if kind == 'vanish':
        os._exit(3)
    if kind == 'kill':
        os.kill(os.getpid(), 9)
    return kind


def killed_once(path):
    """Be killed from outside at the first call, and work at the second."""
    if not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), 9)
    return 'done'


def counted(table, *, work, log, pause=0.0):
    """Write down that a work was measured; one line, at once."""
    with open(log, 'a', encoding='utf-8') as file:
        file.write(f'{Path(work).name}\n')
    time.sleep(pause)
    return {'counted': 1}


def size(table):
    return {'size': len(table)}


def fussy(table, *, rate=0):
    """Fail on works with an odd number of notes."""
    if len(table) % 2:
        raise ValueError(f'{len(table)} notes')
    return {'half': len(table) // 2, 'rate_seen': str(rate)}


def slow_or_quick(table):
    if len(table) % 2:
        time.sleep(1000)
    return {'quick': True}


def clash(table):
    return {'num_notes': 0}


def numbers(table):
    return {'number': 2.5, 'num_bars': 3.5}


def other_size(table):
    return {'size': 1000}


def with_model(table, *, model):
    return {'seen': model}
