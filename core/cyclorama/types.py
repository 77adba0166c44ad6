"""The values that pass between the parts of the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from cyclorama.errors import SettingError

Rgb: TypeAlias = NDArray[np.uint8]  # (H, W, 3) sRGB, C-contiguous
DeepRgb: TypeAlias = NDArray[np.uint8 | np.uint16]  # the same, or uint16 for 16-bit pictures
Alpha: TypeAlias = NDArray[np.float32]  # (H, W) in [0, 1], 1 = subject

Region: TypeAlias = tuple[int, int, int, int]  # top, bottom, left, right of a part of a picture; ends excluded

Light: TypeAlias = Literal["srgb", "linear"]
# Who is kept: everybody, the largest person, the Nth from the left (from 1), or whoever is at (x, y) in pixels.
Subject: TypeAlias = Literal["all", "largest"] | int | tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Original:
    """A picture as it came, of which a network is shown a scaled one.

    Attributes:
        size: its height and width.
        part: gives what a region of the scaled picture, in pixels of that, covers here, scaled to a height and width:
            uint8 (height, width, 3). None where the scaled picture is all that there is.
    """

    size: tuple[int, int]
    part: Callable[[Region, int, int], Rgb] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Matte:
    """What belongs to the subject.

    Attributes:
        alpha: float32 (H, W) in [0, 1].
        foreground: the subject's own colours, straight (not premultiplied), of the picture's shape and
            dtype; None where the settings ask for alpha alone.
    """

    alpha: Alpha
    foreground: DeepRgb | None = None


@dataclass(frozen=True, slots=True)
class Colour:
    """A background of one colour; sRGB components 0 ... 255."""

    red: int
    green: int
    blue: int

    def __post_init__(self) -> None:
        for name in ("red", "green", "blue"):
            value = getattr(self, name)
            if not 0 <= value <= 255:
                raise SettingError(f"expected a colour component from 0 to 255, got {name}={value}")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A still background, scaled to cover the frame and cropped to it around its middle.

    Attributes:
        pixels: uint8 (H, W, 3) sRGB, any size.
    """

    pixels: Rgb


class Frames(Protocol):
    """A moving background: the picture at any time, looped by whoever implements it."""

    def frame_at(self, time: Fraction) -> Rgb:
        """Returns uint8 (H, W, 3) sRGB, any size, for `time` in seconds since the start."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A moving background, scaled as `Picture` is."""

    frames: Frames


@dataclass(frozen=True, slots=True)
class Blur:
    """The room itself, out of focus, without the subject's colours smeared into it.

    Attributes:
        radius: standard deviation in pixels of the frame; None means 2 % of the frame's long side.
    """

    radius: float | None = None

    def __post_init__(self) -> None:
        if self.radius is not None and not 0 < self.radius <= 500:
            raise SettingError(f"expected a blur radius above 0 and up to 500 pixels, got {self.radius}")


@dataclass(frozen=True, slots=True)
class Transparent:
    """Nothing: the result is the subject with an alpha channel."""


Background: TypeAlias = Colour | Picture | Clip | Blur | Transparent

OUTFITS = ("beachwear", "workwear", "sportswear")


@dataclass(frozen=True, slots=True)
class Outfit:
    """What one person wears.

    Attributes:
        kind: one of `OUTFITS`, or "" for clothes of none of these kinds.
        confidence: of the kind, 0 ... 1.
        box: of the person, in pixels of the picture: left, top, right, bottom; right and bottom are outside.
    """

    kind: str
    confidence: float
    box: tuple[int, int, int, int]


LightSide: TypeAlias = Literal["left", "right", "front", "back", "above"]
LIGHT_SIDES: tuple[LightSide, ...] = get_args(LightSide)


@dataclass(frozen=True, slots=True)
class Scene:
    """A background with what is known of it.

    Attributes:
        name: by which it is asked for.
        file: a picture, or a clip where `loop` is set.
        kind: beach, office, stadium, court, gym, studio, home; "" where nobody said.
        title: a few words for people.
        outfits: those of `OUTFITS` that it suits; empty: anybody.
        light: where the light comes from, as one sees it who looks at the picture.
        mean: of red, green and blue, sRGB values 0 ... 1.
        luminance: mean luma (BT.709 weights on sRGB values), 0 ... 1.
        warmth: log2 of mean red over mean blue; above 0 is warm.
        horizon: the eye level of the camera as a share of the height from the top; None: unknown.
        eye_height: of the camera: "standing", "sitting" or "" where nobody said.
        defocus: standard deviation of the lens blur as a share of the width; None: unknown.
        indoor: None: unknown.
        loop: the file is a clip.
    """

    name: str
    file: Path
    kind: str
    title: str
    outfits: tuple[str, ...]
    light: LightSide
    mean: tuple[float, float, float]
    luminance: float
    warmth: float
    horizon: float | None = None
    eye_height: Literal["standing", "sitting", ""] = ""
    defocus: float | None = None
    indoor: bool | None = None
    loop: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A background that fits.

    Attributes:
        scene: name of the scene.
        score: 0 ... 1, higher is better.
        reason: one line in plain words: why.
    """

    scene: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Settings:
    """How a session works; the same names in the command, on the wire and in the plug-ins.

    Attributes:
        background: what goes behind the subject.
        light: "srgb" blends the stored values, as the networks' training pictures were blended and as
            editors and players do; "linear" blends amounts of light, which is right where the edge is
            motion or lens blur rather than hair.
        decontaminate: estimate the subject's own colours, so that the old background does not shine
            through hair. Without it the picture's colours are used as they are.
        smoothing: 0 ... 1, how much of the last matte is kept where the picture, moved along, is the same.
        subject: who is kept. In a stream the person is chosen in the first frame that shows them and kept to.
        harmonize: bring the subject's exposure, white balance and grain nearer to a picture or clip behind, and
            that one's sharpness nearer to the subject's, and let its light wrap around the subject's edge.
        refine: find anew what a network for people leaves in doubt, single hairs too: for stills.
    """

    background: Background = field(default_factory=Transparent)
    light: Light = "srgb"
    decontaminate: bool = True
    smoothing: float = 0.6
    subject: Subject = "all"
    harmonize: bool = False
    refine: bool = False

    def __post_init__(self) -> None:
        if self.light not in ("srgb", "linear"):
            raise SettingError(f"expected light 'srgb' or 'linear', got {self.light!r}")
        if not 0 <= self.smoothing < 1:
            raise SettingError(f"expected smoothing from 0 to below 1, got {self.smoothing}")
        point = isinstance(self.subject, tuple) and len(self.subject) == 2 and min(self.subject) >= 0
        number = isinstance(self.subject, int) and not isinstance(self.subject, bool) and self.subject >= 1
        if not (point or number or self.subject in ("all", "largest")):
            raise SettingError(
                "expected subject 'all', 'largest', a number from 1 (from the left), or the x and y of a pixel; "
                f"got {self.subject!r}"
            )
