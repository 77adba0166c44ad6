"""The exception tree.

::

    CycloramaError
    ├── InputError          what came in cannot be used (a picture, a video, a background, a setting)
    │   ├── PictureError    not a picture that the engine takes: shape, dtype, size
    │   ├── MediaError      a file that cannot be read or is damaged
    │   └── SettingError    an option's value
    ├── OutputError         the result cannot be written there
    ├── ModelError          a network or its weights: unknown name, missing, damaged
    └── DeviceError         a device was asked for by name and cannot be used

`cyclorama.wire` has its own two, because plug-ins carry that file alone.

Every message says what was expected, what came, and what to do.
"""

from __future__ import annotations


class CycloramaError(Exception):
    """Base of all errors that Cyclorama raises on purpose."""


class InputError(CycloramaError):
    """What came in cannot be used."""


class PictureError(InputError):
    """An array that is not a picture the engine takes."""


class MediaError(InputError):
    """A file that cannot be read as a picture or a video."""


class SettingError(InputError):
    """An option's value is out of its range or not understood."""


class OutputError(CycloramaError):
    """The result cannot be written."""


class ModelError(CycloramaError):
    """A network's name is unknown, or its weights are missing or damaged."""


class DeviceError(CycloramaError):
    """A device that was asked for by name cannot be used."""
