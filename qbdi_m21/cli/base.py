"""What every command has: errors and warnings in one line, a bar, and where it may write."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from qbdi_m21.errors import ParameterError, QbdiError, QbdiWarning


class QbdiGroup(click.Group):
    """Prints any error as one line and exits with 2; shows our warnings, a line each."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None,
             complete_var: str | None = None, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run the command line."""
        name = prog_name or Path(sys.argv[0]).name
        run: Callable[[], Any] = functools.partial(
            super().main, args, name, complete_var, False, **extra)
        if not standalone_mode:
            return run()
        try:
            sys.exit(run() or 0)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
        except click.Abort:
            click.echo(f'{name}: interrupted', err=True)
            sys.exit(130)
        except click.UsageError as error:
            at = error.ctx.command_path if error.ctx else name
            _fail(name, f"{error.format_message().rstrip('.')}; see '{at} --help'")
        except click.ClickException as error:
            _fail(name, error.format_message())
        except QbdiError as error:
            _fail(name, str(error))
        except MemoryError:
            _fail(name, 'out of memory: give a shorter piece, a longer step or a smaller range')
        except OSError as error:
            _fail(name, f'{error.filename or ""}: {error.strerror or error}'.strip(': '))
        sys.exit(2)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command with our warnings as lines, each once, and no others."""
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            warnings.simplefilter('always', QbdiWarning)
            shown: set[str] = set()

            def show(message: Warning | str, *_: Any, **__: Any) -> None:
                if str(message) not in shown:
                    click.echo(f'note: {message}', err=True)
                shown.add(str(message))

            warnings.showwarning = show
            return super().invoke(ctx)


def _fail(name: str, message: str) -> None:
    click.echo(f'{name}: error: {" ".join(message.split())}', err=True)


@contextlib.contextmanager
def count_bar(unit: str) -> Iterator[Callable[[int, int], None]]:
    """Show how many are done, and an estimate; on a terminal only."""
    from tqdm import tqdm
    with tqdm(disable=not sys.stderr.isatty(), unit=unit, leave=False) as bar:
        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)
        yield show


@contextlib.contextmanager
def native_remarks_hidden() -> Iterator[None]:
    """Hide what compiled code writes to standard error: TensorFlow's remarks on the processor."""
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')      # and later ones
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def check_output(path: str, suffixes: tuple[str, ...]) -> Path:
    """Return where to write, before any long work: the folder exists and the suffix is right."""
    target = Path(path)
    if target.suffix.lower() not in suffixes:
        raise ParameterError(f'{path} ends in {target.suffix!r}; expected {" or ".join(suffixes)}')
    if target.is_dir():
        raise ParameterError(f'cannot write {path}: it is a folder')
    if not target.parent.is_dir():
        raise ParameterError(f'cannot write {path}: there is no folder {target.parent}')
    return target
