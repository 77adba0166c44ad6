"""Pictures of few colours, for GIF."""

from __future__ import annotations

import av
import av.filter
import numpy as np
from numpy.typing import NDArray

OPAQUE = 128  # of 255, from which alpha counts as whole; GIF knows nothing between


def few_colours(pixels: NDArray[np.uint8]) -> av.VideoFrame:
    """A frame pal8 with the 256 colours that suit this picture, uint8 (H, W, 3 or 4), best; dithered.

    Each picture has a palette of its own: one for all would need the whole film in memory.
    """
    height, width, components = pixels.shape
    layout = "rgba" if components == 4 else "rgb24"
    graph = av.filter.Graph()
    source = graph.add("buffer", f"video_size={width}x{height}:pix_fmt={layout}:time_base=1/1000")
    split = graph.add("split")
    generate = graph.add("palettegen", f"stats_mode=single:reserve_transparent={int(components == 4)}")
    use = graph.add("paletteuse", f"new=1:alpha_threshold={OPAQUE}:dither=sierra2_4a")
    sink = graph.add("buffersink")
    source.link_to(split)
    split.link_to(generate, 0, 0)
    split.link_to(use, 1, 0)
    generate.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    frame = av.VideoFrame.from_ndarray(pixels, format=layout)
    frame.pts = 0
    graph.push(frame)
    graph.push(None)
    done = graph.pull()
    assert isinstance(done, av.VideoFrame)
    return done
