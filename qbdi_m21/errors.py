"""Exceptions and warnings of the package. Imports nothing of it, so every room may use it.

A message says what was received, what was expected and how to mend it.
"""

import sys
import warnings


class QbdiError(Exception):
    """Root of every error that `qbdi_m21` and `corpus_tools` raise on purpose."""


class ParameterError(QbdiError, ValueError):
    """An option is out of range, or two options contradict each other."""


class ScoreError(QbdiError, ValueError):
    """A score cannot be found, read or used."""


class EmptyScoreError(ScoreError):
    """A score holds no pitched note."""


class FramesError(QbdiError, ValueError):
    """Frames or windows have the wrong shape, type or range."""


class ModelError(QbdiError, RuntimeError):
    """A model file cannot be read, or does not fit the data."""


class NotationError(QbdiError, RuntimeError):
    """A score cannot be engraved, annotated or written."""


class CorpusError(QbdiError, RuntimeError):
    """A corpus, a note table or a training set cannot be built or read."""


class QbdiWarning(UserWarning):
    """Root of every warning of the package."""


class QuantizationWarning(QbdiWarning):
    """Notes were moved to the grid."""


class PitchClippedWarning(QbdiWarning):
    """Notes outside the pitch range were left out."""


class SourceWarning(QbdiWarning):
    """Part of a source was not used (percussion, further time signatures, ...)."""


class NotationWarning(QbdiWarning):
    """A notation program will not show all that a file holds."""


class SilenceWarning(QbdiWarning):
    """A decoded improvisation holds no note."""


class RateWarning(QbdiWarning):
    """A rate is above what a model can carry."""


class RecipeWarning(QbdiWarning):
    """A recipe may not give the same again: it names another version."""


def warn(message: str, category: type[QbdiWarning]) -> None:
    """Warn at the line of the caller's own code that led here, not at one of the package."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get('__name__')).split('.')[0] in (
            'qbdi_m21', 'corpus_tools', 'music21'):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
