"""Frames of a video to what is written of them, in two halves that overlap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np

from cyclorama import planes
from cyclorama.engine import Session, original
from cyclorama.types import Alpha
from cyclorama_ffmpeg.encodings import Encoding
from cyclorama_ffmpeg.stored import Backdrop, Pixels, Stored, blank, coding_of, fits, planes_of
from cyclorama_ffmpeg.working_frames import ToWorking


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """A frame with its background replaced, and its matte in full size; None where nobody asked for that."""

    picture: Pixels
    alpha: Alpha | None


Finish: TypeAlias = Callable[[], Rendered]


class Renderer:
    """Frames through a session.

    The first half of a frame's work is the network's and everything else that the next frame's matte depends on.
    The second half puts the picture together. Both are to be done in the order of the frames, but the second may
    be done in another thread, while the first goes on with the next frames.

    Args:
        source: the file's name, for messages.
        encoding: what the pictures are encoded to.
        deep: arrays uint16 rather than uint8, where they are not frames.
        aspect: width to height of a pixel.
        mattes: they are wanted too.
    """

    def __init__(
        self, session: Session, source: Path, encoding: Encoding, *, deep: bool, aspect: Fraction, mattes: bool
    ) -> None:
        self._session, self._encoding, self._aspect, self._mattes = session, encoding, aspect, mattes
        self._to_working = ToWorking(session, source, deep=deep)
        self._backdrop = Backdrop()

    def begin(self, frame: av.VideoFrame, time: Fraction) -> Finish:
        """Does the first half of a frame's work, and gives the second.

        Args:
            time: of a background that moves, in seconds.

        Raises:
            MediaError, PictureError: see `ToWorking`.
        """
        session = self._session
        if fits(frame, session, self._encoding, self._aspect):
            return self._begin_stored(frame, time)
        rgb = self._to_working(frame)
        small = session.shrink(rgb)
        small_alpha = session.small_alpha(small, original(rgb, small))

        def finish() -> Rendered:
            matte = session.refine(rgb, small, small_alpha)
            return Rendered(session.compose(rgb, matte, time), matte.alpha)

        return finish

    def _begin_stored(self, frame: av.VideoFrame, time: Fraction) -> Finish:
        session = self._session
        height, width = frame.height, frame.width
        self._to_working.check_size(height, width)
        own, coding = planes_of(frame), coding_of(frame)
        small = planes.shrunk(own, coding, *session.engine.matter.size(height, width))
        small_alpha = session.small_alpha(small.rgb, planes.original(own, coding, small))

        def finish() -> Rendered:
            background = self._backdrop(session.backdrop(height, width, np.dtype(np.uint8), time), frame)
            done = blank(frame)
            alpha = np.zeros((height, width), np.float32) if self._mattes else None
            planes.replace(
                own,
                coding,
                small,
                small_alpha,
                background,
                planes_of(done),
                decontaminate=session.settings.decontaminate,
                full_alpha=alpha,
            )
            return Rendered(Stored(done), alpha)

        return finish
