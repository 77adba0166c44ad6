"""A video's frames in two halves that overlap: in order, bounded, the same pictures."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from cyclorama import Colour, Engine, Picture, Settings
from cyclorama_ffmpeg import encodings, rendering
from cyclorama_ffmpeg.behind import WAITING, Behind
from cyclorama_ffmpeg.encodings import Wish
from cyclorama_ffmpeg.stored import Stored, planes_of
from cyclorama_ffmpeg.video import Options, replace_background
from made import texture
from made_video import frame_times, write_video

SECONDS = 10  # after which a test gives up
CLOSE_MEAN, CLOSE_MOST = 0.5, 8  # levels of 255, between the file's planes and RGB


def test_work_is_done_in_order_in_another_thread_and_all_of_it() -> None:
    done: list[int] = []
    threads = set()

    def work(index: int) -> None:
        threads.add(threading.get_ident())
        done.append(index)

    with Behind() as behind:
        for index in range(50):
            behind.put(lambda index=index: work(index))
    assert done == list(range(50))
    assert threading.get_ident() not in threads
    assert len(threads) == 1


def test_no_more_than_a_few_pieces_wait() -> None:
    go, given = threading.Event(), threading.Semaphore(0)

    def fill(behind: Behind) -> None:
        for _ in range(WAITING + 5):
            behind.put(lambda: go.wait(SECONDS))
            given.release()

    with Behind() as behind:
        thread = threading.Thread(target=fill, args=(behind,))
        thread.start()
        for _ in range(WAITING + 1):  # one is under way
            assert given.acquire(timeout=SECONDS)
        assert not given.acquire(timeout=0.2)
        go.set()
        thread.join(SECONDS)
        assert not thread.is_alive()


def test_a_failure_reaches_the_caller_and_ends_the_work() -> None:
    done: list[int] = []

    def fail() -> None:
        raise ValueError("it broke")

    def work() -> None:
        with Behind() as behind:
            behind.put(lambda: done.append(1))
            behind.put(fail)
            for _ in range(WAITING + 5):
                behind.put(lambda: done.append(2))

    with pytest.raises(ValueError, match="it broke"):
        work()
    assert done == [1]


def test_the_last_pieces_failure_is_not_lost() -> None:
    def fail() -> None:
        raise ValueError("it broke")

    with pytest.raises(ValueError, match="it broke"), Behind() as behind:
        behind.put(fail)


def test_a_failing_caller_does_not_wait_for_what_was_not_begun() -> None:
    go, begun = threading.Event(), threading.Event()
    done: list[int] = []

    def slow() -> None:
        begun.set()
        go.wait(SECONDS)

    def work() -> None:
        with Behind() as behind:
            behind.put(slow)
            assert begun.wait(SECONDS)
            behind.put(lambda: done.append(1))
            threading.Timer(0.1, go.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert not done


def frames(path: Path) -> list[list[Any]]:
    """The planes of all frames."""
    with av.open(str(path)) as container:
        return [[plane.copy() for plane in planes_of(frame)] for frame in container.decode(video=0)]


def test_a_video_comes_out_in_its_planes_as_by_way_of_rgb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_video(tmp_path / "in.mp4", count=20, size=(320, 192))
    background = Picture(texture(192, 320, (120, 90, 160), 3))
    lossless = Options(wish=Wish(codec="ffv1"))
    kinds: list[bool] = []
    true = rendering.fits

    def noted(*arguments: Any) -> bool:
        kinds.append(true(*arguments))
        return kinds[-1]

    def written(name: str) -> tuple[Path, Path]:
        out, matte = tmp_path / f"{name}.mkv", tmp_path / f"{name}-matte.mkv"
        session = Engine("green-screen").session(Settings(background))
        replace_background(session, source, out, matte_target=matte, options=lossless)
        return out, matte

    monkeypatch.setattr(rendering, "fits", noted)
    ours = written("planes")
    assert kinds == [True] * 20, "they are worked on in their planes"
    monkeypatch.setattr(rendering, "fits", lambda *_: False)
    theirs = written("rgb")
    assert frame_times(ours[0]) == frame_times(theirs[0]) == frame_times(source)
    for one, other in zip(ours, theirs, strict=True):
        pairs = list(zip(frames(one), frames(other), strict=True))
        assert len(pairs) == 20
        for a, b in pairs:
            for x, y in zip(a, b, strict=True):
                difference = np.abs(x.astype(int) - y)
                assert difference.mean() < CLOSE_MEAN
                assert np.percentile(difference, 99) <= CLOSE_MOST
    assert np.ptp(frames(ours[1])[0][0]) > 200, "the matte has a subject and a room"


def test_the_first_half_may_be_ahead_of_the_second(tmp_path: Path) -> None:
    # A background that moves is asked for in order and by its own frame's time, however far ahead the network is.
    source = write_video(tmp_path / "in.mp4", count=6, size=(320, 192))
    session = Engine("green-screen").session(Settings(Colour(0, 0, 255), smoothing=0))
    encoding = encodings.choose(tmp_path / "out.mp4", encodings.Pictures(), transparent=False)
    with av.open(str(source)) as container:
        given = list(container.decode(video=0))
        stream = container.streams.video[0]
        renderer = rendering.Renderer(
            session, source, encoding, deep=False, aspect=stream.sample_aspect_ratio or 1, mattes=True
        )
        finishes = [renderer.begin(frame, frame.pts * frame.time_base) for frame in given]
        late = [finish() for finish in finishes]
        session.reset()
        at_once = [renderer.begin(frame, frame.pts * frame.time_base)() for frame in given]
    for one, other, frame in zip(late, at_once, given, strict=True):
        assert isinstance(one.picture, Stored)
        assert isinstance(other.picture, Stored)
        assert one.picture.frame.pts == frame.pts
        for a, b in zip(planes_of(one.picture.frame), planes_of(other.picture.frame), strict=True):
            assert (a == b).all()
        assert one.alpha is not None
        assert one.alpha.shape == (192, 320)
    assert cv2.absdiff(late[0].alpha, late[-1].alpha).max() > 0.5, "the subject moves"
