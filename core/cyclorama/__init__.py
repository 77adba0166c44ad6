"""Background replacement: people in pictures and video, in front of anything.

>>> from cyclorama import Colour, Engine, Settings
>>> engine = Engine()
>>> green = engine.render(rgb, Settings(background=Colour(0, 177, 64)))  # doctest: +SKIP
"""

from cyclorama.engine import Engine, Session
from cyclorama.errors import (
    CycloramaError,
    DeviceError,
    InputError,
    MediaError,
    ModelError,
    OutputError,
    PictureError,
    SettingError,
)
from cyclorama.types import Blur, Clip, Colour, Matte, Picture, Settings, Transparent

__version__ = "0.1.0"

__all__ = [
    "Blur",
    "Clip",
    "Colour",
    "CycloramaError",
    "DeviceError",
    "Engine",
    "InputError",
    "Matte",
    "MediaError",
    "ModelError",
    "OutputError",
    "Picture",
    "PictureError",
    "Session",
    "SettingError",
    "Settings",
    "Transparent",
]
