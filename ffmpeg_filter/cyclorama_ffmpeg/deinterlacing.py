"""Interlaced frames made whole, one for one.

Half of an interlaced frame's lines were taken a moment after the other half: where something moves, its edge
is a comb, which no matte can follow. So frames that say they are interlaced are deinterlaced unless the user
wants otherwise; frames that do not say so pass as they are, in the same file too.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import av.filter


class Deinterlacer:
    """FFmpeg's bwdif over a stream of frames; the times stay what they were.

    The filter starts with the first interlaced frame: without one, frames pass untouched and undelayed.
    """

    def __init__(self) -> None:
        self._graph: av.filter.Graph | None = None
        self._base = Fraction(1)
        self.used = False

    def __call__(self, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        """The frames that are done after this one; None: that was the last."""
        if self._graph is None:
            if frame is None:
                return
            if not frame.interlaced_frame or frame.time_base is None:
                yield frame
                return
            self._graph = self._configured(frame)
            self.used = True
        self._graph.push(frame)
        while True:
            try:
                done = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(done, av.VideoFrame)
            # bwdif counts in half ticks, since it could make two frames out of one.
            if done.pts is not None and done.time_base is not None:
                done.pts = round(done.pts * done.time_base / self._base)
                done.duration = round(done.duration * done.time_base / self._base)
                done.time_base = self._base
            yield done

    def _configured(self, frame: av.VideoFrame) -> av.filter.Graph:
        assert frame.time_base is not None
        self._base = frame.time_base
        graph = av.filter.Graph()
        options = {
            "video_size": f"{frame.width}x{frame.height}",
            "pix_fmt": frame.format.name,
            "time_base": f"{self._base.numerator}/{self._base.denominator}",
            "colorspace": str(int(frame.colorspace)),
            "range": str(int(frame.color_range)),
        }
        source = graph.add("buffer", ":".join(f"{key}={value}" for key, value in options.items()))
        deinterlace = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
        sink = graph.add("buffersink")
        source.link_to(deinterlace)
        deinterlace.link_to(sink)
        graph.configure()
        return graph
