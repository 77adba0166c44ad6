"""The engine: loaded models that can be shared, and sessions that hold one stream's state."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from cyclorama import matting
from cyclorama.band import shrink
from cyclorama.colour import to_8_bits, to_depth
from cyclorama.composite import blurred_room, composite, cover, fill
from cyclorama.errors import PictureError
from cyclorama.foreground import estimate_foreground
from cyclorama.refine import upsample_alpha
from cyclorama.temporal import Memory, smooth
from cyclorama.types import Alpha, Blur, Clip, Colour, DeepRgb, Matte, Picture, Rgb, Settings, Transparent
from cyclorama.working_space import WorkingSpace

SMALLEST_SIDE = 16  # pixels; nobody can be told apart in less
# A picture of 96 megapixels takes 2.1 GB on the way (measured: 8 bits, one colour behind); larger ones than
# this are a mistake more often than a wish.
MOST_PIXELS = 128_000_000


class Engine:
    """A loaded network. It holds no stream's state: threads and sessions may share it.

    Args:
        model: a name in `cyclorama.matting.MATTERS`.
        device: "auto", "cpu", "cuda", "directml", "coreml" or "openvino".
        threads: CPU threads of the network; 0 means all cores.

    Raises:
        ModelError, DeviceError: see `cyclorama.matting.create`.
    """

    __slots__ = ("_matter",)

    def __init__(self, model: str = "portrait", device: str = "auto", *, threads: int = 0) -> None:
        self._matter = matting.create(model, device=device, threads=threads)

    @property
    def matter(self) -> matting.Matter:
        """The loaded network; it says where it runs."""
        return self._matter

    def session(self, settings: Settings | None = None) -> Session:
        """Starts a stream."""
        return Session(self, settings or Settings())

    def matte(self, rgb: DeepRgb, settings: Settings | None = None) -> Matte:
        """The matte of a single picture, uint8 or uint16 (H, W, 3) sRGB."""
        return self.session(settings).matte(rgb)

    def render(self, rgb: DeepRgb, settings: Settings) -> DeepRgb:
        """A single picture with its background replaced; see `Session.render`."""
        return self.session(settings).render(rgb)


class Session:
    """One stream of frames: the network's state, the smoothing's memory, the fitted background.

    A session is for one thread at a time. It starts anew by itself when the frame size changes;
    after a seek or a cut call `reset`.

    Attributes:
        working: what the frames' values stand for where that is not sRGB (HDR, wide gamut); to be set before
            the first frame, which then comes as `WorkingSpace.from_signal` makes it.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self.working: WorkingSpace | None = None
        self._settings = settings
        self._fitted: DeepRgb | None = None
        self._source: Rgb | None = None
        self.reset()

    @property
    def settings(self) -> Settings:
        """What the session does; may be replaced between frames, without losing the stream's state."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = settings
        self._fitted = None

    def reset(self) -> None:
        """Forgets the frames so far."""
        self._shape: tuple[int, int] | None = None
        self._state: matting.State = None
        self._memory: Memory | None = None

    def matte(self, rgb: DeepRgb) -> Matte:
        """The matte of the next frame.

        Args:
            rgb: uint8 or uint16 (H, W, 3) sRGB.

        Raises:
            PictureError: another shape or dtype, a side below 16 pixels, or more than 128 megapixels.
        """
        check(rgb)
        small = self.shrink(rgb)
        alpha = upsample_alpha(self.small_alpha(small, rgb.shape[:2]), small, rgb)
        foreground = estimate_foreground(rgb, alpha) if self._settings.decontaminate else rgb
        return Matte(alpha, foreground)

    def shrink(self, rgb: DeepRgb) -> Rgb:
        """The frame at the network's working size, uint8."""
        return shrink(to_8_bits(rgb), *self.engine.matter.size(*rgb.shape[:2]))

    def small_alpha(self, small: Rgb, shape: tuple[int, int]) -> Alpha:
        """The steadied matte at working size of the next frame, whose full size is `shape`."""
        if shape != self._shape:
            self.reset()
            self._shape = shape
            self._state = self.engine.matter.start(*small.shape[:2])
        if self.working is not None:
            small = self.working.srgb_view(small)
        alpha, self._state = self.engine.matter.step(small, self._state)
        alpha, self._memory = smooth(small, alpha, self._memory, self._settings.smoothing)
        return alpha

    def render(self, rgb: DeepRgb, time: Fraction = Fraction(0)) -> DeepRgb:
        """The next frame with its background replaced.

        Args:
            rgb: uint8 or uint16 (H, W, 3) sRGB.
            time: of the frame, in seconds; chooses the frame of a `Clip`.

        Returns:
            An array of the dtype of `rgb`: (H, W, 3), or for `Transparent` (H, W, 4) with straight alpha.
        """
        return self.compose(rgb, self.matte(rgb), time)

    def compose(self, rgb: DeepRgb, matte: Matte, time: Fraction = Fraction(0)) -> DeepRgb:
        """Puts a frame's matte over the settings' background; see `render`."""
        foreground = rgb if matte.foreground is None else matte.foreground
        if isinstance(self._settings.background, Transparent):
            return cut_out(foreground, matte.alpha)
        background = self.background(rgb, matte.alpha, time)
        return composite(foreground, matte.alpha, background, self._settings.light, self.working)

    def background(self, rgb: DeepRgb, alpha: Alpha, time: Fraction = Fraction(0)) -> DeepRgb:
        """What stands behind a frame, fitted to it: of the shape and dtype of `rgb`."""
        height, width = alpha.shape
        background = self._settings.background
        if isinstance(background, Blur):
            return blurred_room(rgb, alpha, background.radius)
        source: Rgb | None
        if isinstance(background, Colour):
            source = None
        elif isinstance(background, Picture):
            source = background.pixels
        elif isinstance(background, Clip):
            source = background.frames.frame_at(time)
        else:
            raise TypeError(f"{type(background).__name__} has no pixels to put behind a frame")
        # A still background, and a slow clip's frame, are fitted once and used for many frames.
        stale = self._fitted is None or self._fitted.shape[:2] != (height, width) or self._fitted.dtype != rgb.dtype
        if stale or source is not self._source:
            self._source = source
            if isinstance(background, Colour):
                fitted = fill(background, height, width)
            else:
                assert source is not None
                fitted = cover(source, height, width)
            if self.working is not None:
                self._fitted = self.working.from_srgb(fitted, rgb.dtype)  # type: ignore[arg-type]
            else:
                self._fitted = to_depth(fitted, rgb.dtype)  # type: ignore[arg-type]
        assert self._fitted is not None
        return self._fitted


def cut_out(foreground: DeepRgb, alpha: Alpha) -> DeepRgb:
    """RGBA (H, W, 4) with straight alpha. Where alpha is 0 the colour is black: the room must not hide there."""
    top = np.iinfo(foreground.dtype).max
    out: NDArray[np.uint8 | np.uint16] = np.empty((*alpha.shape, 4), foreground.dtype)
    out[..., 3] = np.rint(alpha * np.float32(top)).astype(foreground.dtype)
    out[..., :3] = np.where(out[..., 3:] > 0, foreground, 0)
    return out


def check(rgb: DeepRgb) -> None:
    """Raises PictureError unless `rgb` is a picture that the engine takes."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype not in (np.uint8, np.uint16):
        raise PictureError(
            f"expected an array uint8 or uint16 of shape (height, width, 3), got {rgb.dtype} {tuple(rgb.shape)}"
        )
    height, width = rgb.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise PictureError(f"expected a picture of {SMALLEST_SIDE} pixels or more a side, got {width} x {height}")
    if height * width > MOST_PIXELS:
        raise PictureError(
            f"expected a picture of at most {MOST_PIXELS // 10**6} megapixels, got {width} x {height}: scale it down"
        )
