"""Frames as a session works on them."""

from __future__ import annotations

from pathlib import Path

import av

from cyclorama.engine import Session, check_size
from cyclorama.errors import MediaError, PictureError
from cyclorama.types import DeepRgb
from cyclorama_ffmpeg.frames import ToRgb, matrix_is_read, upright


class ToWorking:
    """Frames to arrays, upright, in a session's working values.

    Args:
        session: whose `working` is set.
        source: the file's name, for messages.
        deep: arrays uint16 rather than uint8.
    """

    def __init__(self, session: Session, source: Path | str, *, deep: bool) -> None:
        self._session, self._source = session, source
        self._to_rgb = ToRgb(deep=deep)

    def __call__(self, frame: av.VideoFrame) -> DeepRgb:
        """uint8 or uint16 (H, W, 3) of a frame of any pixel format.

        Raises:
            MediaError: its colours are stored in a way that cannot be read.
            PictureError: it is too small or too large.
        """
        if not matrix_is_read(frame):
            raise MediaError(
                f"{self._source}: its colours are stored by the matrix {int(frame.colorspace)} of ITU-T H.273, which "
                "cannot be read; convert the video first, for example with ffmpeg -vf zscale=matrix=2020_ncl"
            )
        try:
            rgb = upright(self._to_rgb(frame), frame.rotation)
        except av.FFmpegError as error:
            raise MediaError(
                f"{self._source}: frames of the kind {frame.format.name} cannot be read ({error.strerror})"
            ) from error
        self.check_size(*rgb.shape[:2])
        working = self._session.working
        return rgb if working is None else working.from_signal(rgb)

    def check_size(self, height: int, width: int) -> None:
        """Raises PictureError unless the engine takes frames of that size."""
        try:
            check_size(height, width)
        except PictureError as error:
            raise PictureError(f"{self._source}: {error}") from None
