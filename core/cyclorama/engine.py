"""The engine: loaded models that can be shared, and sessions that hold one stream's state."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cyclorama import harmonize, matting, subject
from cyclorama.band import shrink, under
from cyclorama.colour import to_8_bits, to_depth
from cyclorama.composite import blurred_room, composite, cover, fill
from cyclorama.errors import PictureError
from cyclorama.foreground import estimate_foreground
from cyclorama.refine import upsample_alpha
from cyclorama.temporal import Memory, smooth
from cyclorama.trimap import completed, solve
from cyclorama.types import (
    Alpha,
    Blur,
    Clip,
    Colour,
    DeepRgb,
    Matte,
    Original,
    Picture,
    Region,
    Rgb,
    Settings,
    Transparent,
)
from cyclorama.working_space import WorkingSpace

if TYPE_CHECKING:
    from cyclorama.outfit import Detector
    from cyclorama.refiner import Refiner

SMALLEST_SIDE = 16  # pixels; nobody can be told apart in less
# A picture of 96 megapixels takes 2.1 GB on the way (measured: 8 bits, one colour behind); larger ones than
# this are a mistake more often than a wish.
MOST_PIXELS = 128_000_000
# Frames from one look at who is there, and at how the light is, to the next. In between people are followed by
# their mattes.
LOOK_EVERY = 8
# Attributes of a session that the next frame depends on; all others follow from these and the settings.
REMEMBERED = ("_shape", "_state", "_memory", "track", "_fit", "_seen", "_blended")


class Engine:
    """A loaded network. It holds no stream's state: threads and sessions may share it.

    Args:
        model: a name in `cyclorama.matting.MATTERS`.
        device: "auto", "cpu", "cuda", "directml", "coreml" or "openvino".
        threads: CPU threads of the network; 0 means all cores.
        detector: finds people and their clothes; None: the one that ships, loaded when it is first asked for.

    Raises:
        ModelError, DeviceError: see `cyclorama.matting.create`.
    """

    __slots__ = ("_detector", "_lock", "_matter", "_options", "_refiner")

    def __init__(
        self,
        model: str = "portrait",
        device: str = "auto",
        *,
        threads: int = 0,
        detector: Detector | None = None,
    ) -> None:
        self._matter = matting.create(model, device=device, threads=threads)
        self._detector = detector
        self._refiner: Refiner | None = None
        self._options = {"device": device, "threads": threads}
        self._lock = threading.Lock()

    @property
    def matter(self) -> matting.Matter:
        """The loaded network; it says where it runs."""
        return self._matter

    @property
    def detector(self) -> Detector:
        """Finds people and their clothes.

        Raises:
            ModelError, DeviceError: see `cyclorama.outfit.create`.
        """
        with self._lock:
            if self._detector is None:
                from cyclorama import outfit

                self._detector = outfit.create(**self._options)  # type: ignore[arg-type]
            return self._detector

    @property
    def refiner(self) -> Refiner:
        """Finds single hairs.

        Raises:
            ModelError, DeviceError: see `cyclorama.refiner.create`.
        """
        with self._lock:
            if self._refiner is None:
                from cyclorama import refiner

                self._refiner = refiner.create(**self._options)  # type: ignore[arg-type]
            return self._refiner

    def session(self, settings: Settings | None = None) -> Session:
        """Starts a stream."""
        return Session(self, settings or Settings())

    def matte(self, rgb: DeepRgb, settings: Settings | None = None, trimap: Alpha | None = None) -> Matte:
        """The matte of a single picture, uint8 or uint16 (H, W, 3) sRGB; see `Session.matte`."""
        return self.session(settings).matte(rgb, trimap)

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
        track: who was seen and who is kept, where the settings ask for one person; None before the first frame.
    """

    track: subject.Track | None
    _fit: harmonize.Fit | None

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
        if settings.subject != self._settings.subject:
            self.track = None
        if settings.background != self._settings.background:
            self._fit = None
        self._settings = settings
        self._fitted = None

    def reset(self) -> None:
        """Forgets the frames so far."""
        self._shape: tuple[int, int] | None = None
        self._state: matting.State = None
        self._memory: Memory | None = None
        self.track = None
        self._fit = None
        self._softened: tuple[DeepRgb, DeepRgb] | None = None  # the scene as it was, and softened
        self._seen = self._blended = 0  # frames

    def remembered(self) -> dict[str, object]:
        """What the next frame depends on beside the settings: numbers, arrays, `Memory`, `Track` and `Fit`."""
        return {name: getattr(self, name) for name in REMEMBERED}

    def recall(self, remembered: Mapping[str, object]) -> None:
        """Goes on where another session, of the same network and settings, stood."""
        for name in REMEMBERED:
            setattr(self, name, remembered[name])

    def matte(self, rgb: DeepRgb, trimap: Alpha | None = None) -> Matte:
        """The matte of the next frame.

        Args:
            rgb: uint8 or uint16 (H, W, 3) sRGB.
            trimap: float32 (H, W), drawn by hand: white and black are kept, between them the matte is found anew,
                whether or not the settings say `refine`.

        Raises:
            PictureError: another shape or dtype, a side below 16 pixels, or more than 128 megapixels.
        """
        check(rgb)
        small = self.shrink(rgb)
        return self.refine(rgb, small, self.small_alpha(small, original(rgb, small)), trimap)

    def refine(self, rgb: DeepRgb, small: Rgb, small_alpha: Alpha, trimap: Alpha | None = None) -> Matte:
        """The matte in full size of a frame of which `small_alpha` is known; it changes nothing in the session."""
        alpha = upsample_alpha(small_alpha, small, rgb)
        alpha = self.detail(alpha, rgb, trimap)
        foreground = estimate_foreground(rgb, alpha) if self._settings.decontaminate else rgb
        return Matte(alpha, foreground)

    def detail(self, alpha: Alpha, rgb: DeepRgb, trimap: Alpha | None) -> Alpha:
        """A matte of full size with its hair: where a drawn trimap leaves it open, or where the settings ask for it."""
        if trimap is not None:
            return solve(completed(trimap, alpha), alpha, rgb)
        return self.engine.refiner.refine(alpha, rgb) if self._settings.refine else alpha

    def shrink(self, rgb: DeepRgb) -> Rgb:
        """The frame at the network's working size, uint8."""
        return shrink(to_8_bits(rgb), *self.engine.matter.size(*rgb.shape[:2]))

    def small_alpha(self, small: Rgb, frame: Original) -> Alpha:
        """The steadied matte at working size of the next frame.

        Args:
            small: the frame at working size, see `shrink`.
            frame: see `original`; without its parts people who are small in it are seen in less detail.
        """
        shape = frame.size
        if shape != self._shape:
            self.reset()
            self._shape = shape
            self._state = self.engine.matter.start(*small.shape[:2])
        if self.working is not None:
            small, frame = self.working.srgb_view(small), self._in_srgb(frame)
        alpha, self._state = self.engine.matter.step(small, self._state, frame)
        alpha, self._memory = smooth(small, alpha, self._memory, self._settings.smoothing)
        return alpha if self._settings.subject == "all" else self._chosen(small, alpha, shape)

    def _in_srgb(self, frame: Original) -> Original:
        """The same, with parts as a network knows pictures."""
        part, working = frame.part, self.working
        if part is None or working is None:
            return frame
        return Original(frame.size, lambda region, height, width: working.srgb_view(part(region, height, width)))

    def _chosen(self, small: Rgb, alpha: Alpha, shape: tuple[int, int]) -> Alpha:
        """The part of the matte that is the chosen person's."""
        whom = self._settings.subject
        if isinstance(whom, tuple):
            whom = (whom[0] + 0.5) * small.shape[1] / shape[1] - 0.5, (whom[1] + 0.5) * small.shape[0] / shape[0] - 0.5
        look = self.track is None or self._seen % LOOK_EVERY == 0
        boxes = self.engine.detector.find(small, alpha) if look else None
        self.track = subject.follow(self.track, alpha, small, boxes, whom)
        self._seen += 1
        return subject.chosen_alpha(alpha, self.track)

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
        return self.blend(rgb, foreground, matte.alpha, background)

    def blend(self, rgb: DeepRgb, foreground: DeepRgb, alpha: Alpha, background: DeepRgb) -> DeepRgb:
        """Puts a subject over what stands behind it, and fits it in where the settings say so.

        Args:
            rgb: the frame as it came.
            foreground: the subject's own colours.
            background: of the shape and dtype of both.
        """
        settings = self._settings
        fit = None
        if settings.harmonize and isinstance(settings.background, Picture | Clip):
            fit = self._fit = self._measured(rgb, alpha, background)
        if fit is None:
            return composite(foreground, alpha, background, settings.light, self.working)
        if self._softened is None or self._softened[0] is not background:
            self._softened = background, harmonize.soften(background, fit)
        softened = self._softened[1]
        foreground = harmonize.wrap(harmonize.regrade(foreground, fit, self.working), alpha, softened)
        out = composite(foreground, alpha, softened, settings.light, self.working)
        self._blended += 1
        return harmonize.add_grain(out, alpha, fit, self._blended)

    def _measured(self, rgb: DeepRgb, alpha: Alpha, background: DeepRgb) -> harmonize.Fit | None:
        """How the subject is fitted in: measured in the first frame that shows it, then followed slowly."""
        if self._fit is not None and self._blended % LOOK_EVERY:
            return self._fit
        pictures = [to_8_bits(each) for each in (rgb, background)]
        if self._fit is not None:
            size = self.engine.matter.size(*alpha.shape)
            pictures, alpha = [shrink(each, *size) for each in pictures], shrink(alpha, *size)
        if self.working is not None:
            pictures = [self.working.srgb_view(each) for each in pictures]
        if self._fit is None:
            return harmonize.measure(pictures[0], alpha, pictures[1])
        return harmonize.follow(self._fit, harmonize.measure_gains(pictures[0], alpha, pictures[1]))

    def background(self, rgb: DeepRgb, alpha: Alpha, time: Fraction = Fraction(0)) -> DeepRgb:
        """What stands behind a frame, fitted to it: of the shape and dtype of `rgb`."""
        background = self._settings.background
        if isinstance(background, Blur):
            return blurred_room(rgb, alpha, background.radius)
        height, width = alpha.shape
        return self.backdrop(height, width, rgb.dtype, time)

    def backdrop(
        self, height: int, width: int, dtype: np.dtype[np.uint8 | np.uint16], time: Fraction = Fraction(0)
    ) -> DeepRgb:
        """What stands behind every frame whatever is in it, height x width; the same array as long as it stays."""
        background = self._settings.background
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
        stale = self._fitted is None or self._fitted.shape[:2] != (height, width) or self._fitted.dtype != dtype
        if stale or source is not self._source:
            self._source = source
            if isinstance(background, Colour):
                fitted = fill(background, height, width)
            else:
                assert source is not None
                fitted = cover(source, height, width)
            if self.working is not None:
                self._fitted = self.working.from_srgb(fitted, dtype)
            else:
                self._fitted = to_depth(fitted, dtype)
        assert self._fitted is not None
        return self._fitted


def cut_out(foreground: DeepRgb, alpha: Alpha) -> DeepRgb:
    """RGBA (H, W, 4) with straight alpha. Where alpha is 0 the colour is black: the room must not hide there."""
    top = np.iinfo(foreground.dtype).max
    out: NDArray[np.uint8 | np.uint16] = np.empty((*alpha.shape, 4), foreground.dtype)
    out[..., 3] = np.rint(alpha * np.float32(top)).astype(foreground.dtype)
    out[..., :3] = np.where(out[..., 3:] > 0, foreground, 0)
    return out


def original(rgb: DeepRgb, small: Rgb) -> Original:
    """A picture uint8 or uint16 (H, W, 3) that was scaled to `small`."""
    size, scaled = rgb.shape[:2], small.shape[:2]

    def part(region: Region, height: int, width: int) -> Rgb:
        return shrink(to_8_bits(rgb[under(region, scaled, size)]), height, width)

    return Original(size, part)


def check(rgb: DeepRgb) -> None:
    """Raises PictureError unless `rgb` is a picture that the engine takes."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype not in (np.uint8, np.uint16):
        raise PictureError(
            f"expected an array uint8 or uint16 of shape (height, width, 3), got {rgb.dtype} {tuple(rgb.shape)}"
        )
    check_size(*rgb.shape[:2])


def check_size(height: int, width: int) -> None:
    """Raises PictureError unless the engine takes pictures of that size."""
    if min(height, width) < SMALLEST_SIDE:
        raise PictureError(f"expected a picture of {SMALLEST_SIDE} pixels or more a side, got {width} x {height}")
    if height * width > MOST_PIXELS:
        raise PictureError(
            f"expected a picture of at most {MOST_PIXELS // 10**6} megapixels, got {width} x {height}: scale it down"
        )
