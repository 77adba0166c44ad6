"""The system's ffmpeg command as a second way to encode: for encoders that PyAV's FFmpeg lacks.

Pictures go to it through a pipe, uncompressed in NUT with their exact times, and their packets come back the
same way. Everything else of the file stays here.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

import av

from cyclorama.errors import OutputError
from cyclorama_ffmpeg.nut_formats import NUT_FORMATS

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from cyclorama_ffmpeg.reading import Packet

ANSWER_SECONDS = 20
ENCODER = re.compile(r"^ V\S{5} (\w\S*) +(.*)$", re.MULTILINE)
STORED_AS = re.compile(r"\(codec (\S+)\)")
LAYOUTS = re.compile(r"Supported pixel formats: (.*)")
OPTION = re.compile(r"^ +-(\S+) +<", re.MULTILINE)
# Layouts that stand for memory of a graphics card: device of FFmpeg's that pictures are sent to.
DEVICES = {"vaapi": "vaapi", "vulkan": "vulkan"}
ON_CARDS = ("yuv420p", "yuv420p10le")  # handed over for those
LAST_WORDS = 3  # lines


@dataclass(frozen=True, slots=True)
class SystemEncoder:
    """A video encoder of the system's ffmpeg.

    Attributes:
        command: the program.
        stored_as: FFmpeg's name of what it makes.
        pixel_formats: FFmpeg's names of the layouts that it can be given.
        options: names of its settings.
        device: kind of graphics card whose memory it reads; empty: none.
    """

    name: str
    command: str
    stored_as: str
    pixel_formats: tuple[str, ...]
    options: frozenset[str]
    device: str = ""


@cache
def version() -> str:
    """Of the system's ffmpeg; empty where there is none that answers."""
    command = shutil.which("ffmpeg")
    found = re.match(r"ffmpeg version (\S+)", _answer(command, "-version")) if command else None
    return found[1] if found else ""


@cache
def find(name: str) -> SystemEncoder | None:
    """The encoder of that name, if the system's ffmpeg has one."""
    command = shutil.which("ffmpeg")
    listed = dict(ENCODER.findall(_answer(command, "-encoders"))) if command else {}
    if command is None or name not in listed:
        return None
    about = _answer(command, "-h", f"encoder={name}")
    found, stored_as = LAYOUTS.search(about), STORED_AS.search(listed[name])
    layouts = found[1].split() if found else list(NUT_FORMATS)
    device = "" if set(layouts) & set(NUT_FORMATS) else next((DEVICES[each] for each in layouts if each in DEVICES), "")
    given = ON_CARDS if device else tuple(each for each in layouts if each in NUT_FORMATS)
    codec = stored_as[1] if stored_as else name
    return SystemEncoder(name, command, codec, given, frozenset(OPTION.findall(about)), device)


def sentence() -> str:
    """What the system's ffmpeg adds to PyAV's, for people."""
    command = shutil.which("ffmpeg")
    if command is None or not version():
        return "no ffmpeg command found; --codec has the encoders of PyAV's FFmpeg"
    names = [name for name, _ in ENCODER.findall(_answer(command, "-encoders")) if name not in av.codecs_available]
    own = ", ".join(sorted(names)) or "none"
    return f"ffmpeg {version()}: encoders for --codec that PyAV's FFmpeg lacks: {own}"


def _answer(command: str, *arguments: str) -> str:
    try:
        return subprocess.run(
            [command, "-hide_banner", *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWER_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


class Child:
    """One encoder at work in the system's ffmpeg.

    One picture is encoded for a trial when it is made: that says what its packets will be, and whether it works
    at all. The real work begins with the first picture of `encode`.

    Args:
        options: for its command line.
        first: a frame like those that will come; its tags hold for all.
        aspect: width to height of a pixel.

    Attributes:
        template: a stream like the one that its packets are of.

    Raises:
        OutputError: it does not work.
    """

    def __init__(
        self,
        encoder: SystemEncoder,
        options: Mapping[str, str],
        first: av.VideoFrame,
        time_base: Fraction,
        aspect: Fraction,
    ) -> None:
        self._encoder, self._base = encoder, time_base
        self._arguments = _command_line(encoder, options, first, time_base, aspect)
        self._trial = self._tried(first)
        self.template: VideoStream = self._trial.streams.video[0]
        self._process: subprocess.Popen[bytes] | None = None
        self._feed: Feed
        self._errors: Any
        self._reader: threading.Thread
        self._ready: deque[Packet] = deque()
        self._durations: dict[int, int] = {}  # of the pictures under way, by their times: NUT tells none
        self._failure: Exception | None = None

    def encode(self, frame: av.VideoFrame | None) -> Iterator[Packet]:
        """The packets that have come back by now; None: all that are still to come.

        Raises:
            OutputError: the program ended before its work did.
        """
        if self._process is None:
            if frame is None:
                return
            self._start(frame)
        try:
            if frame is None:
                self._feed.close()
            else:
                self._durations[frame.pts or 0] = frame.duration
                self._feed.put(frame)
        except (OSError, av.FFmpegError):
            raise self._ended_early() from None
        if frame is None:
            self._reader.join()
            assert self._process is not None
            if self._process.wait() or self._failure is not None:
                raise self._ended_early()
        while self._ready:
            yield self._ready.popleft()

    def close(self) -> None:
        """Ends the program, wherever it is."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            with suppress(OSError, av.FFmpegError):
                self._feed.close()
            self._reader.join()
            self._errors.close()
            self._process = None
        self._trial.close()

    def _tried(self, first: av.VideoFrame) -> InputContainer:
        given = io.BytesIO()
        feed = Feed(given, first, self._base)
        feed.put(first)
        feed.close()
        made = subprocess.run(self._arguments, input=given.getvalue(), capture_output=True, check=False)
        try:
            if made.returncode == 0:
                return av.open(io.BytesIO(made.stdout), "r", format="nut")
        except av.FFmpegError:
            pass  # it says nothing that the program did not say better
        raise OutputError(self._refusal("does not work here", made.stderr))

    def _start(self, first: av.VideoFrame) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`; a pipe that nobody reads fills up
        self._process = subprocess.Popen(
            self._arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,  # packets are read as they come
            start_new_session=True,  # Ctrl-C is for this process, which ends that one
        )
        assert self._process.stdin is not None
        self._reader = threading.Thread(target=self._read, name="packets", daemon=True)
        self._reader.start()
        self._feed = Feed(io.BufferedWriter(self._process.stdin), first, self._base)  # type: ignore[arg-type]

    def _read(self) -> None:
        """Takes the packets as they come, in a thread of its own, so that neither program waits for the other."""
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            with av.open(self._process.stdout, "r", format="nut") as container:
                stream = container.streams.video[0]
                if stream.codec_context.extradata != self.template.codec_context.extradata:
                    raise OutputError(self._refusal("works otherwise than in its trial", b""))
                packets: Iterator[Any] = container.demux(stream)
                for packet in self._in_time(packets):
                    self._ready.append(packet)
        except Exception as error:  # noqa: BLE001 - told by the other thread
            self._failure = error
            shutil.copyfileobj(self._process.stdout, _Nowhere())

    def _in_time(self, packets: Iterable[Packet]) -> Iterator[Packet]:
        """Packets with their times in the source's ticks."""
        early: list[Packet] = []  # with B-frames the first decoding times are not told: they lie before all others
        for packet in packets:
            if not packet.size:
                continue
            scale = packet.time_base / self._base
            packet.pts, packet.dts = (None if t is None else round(t * scale) for t in (packet.pts, packet.dts))
            packet.time_base = self._base
            packet.duration = self._durations.pop(packet.pts or 0, 0)
            early.append(packet)
            if packet.dts is not None:
                yield from _from_first(early)
                early = []
        yield from _from_first(early)

    def _ended_early(self) -> OutputError:
        assert self._process is not None
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(ANSWER_SECONDS)
        self._errors.seek(0)
        return OutputError(self._refusal("ended before its work did", self._errors.read()))

    def _refusal(self, what: str, errors: bytes) -> str:
        lines = [line.strip() for line in errors.decode("utf-8", "replace").splitlines() if line.strip()]
        words = "; ".join(lines[:LAST_WORDS]) or "it says nothing about why"
        return f"{self._encoder.name} of the system's ffmpeg {what}: {words}; choose another with --codec"


def _from_first(packets: Sequence[Packet]) -> Sequence[Packet]:
    """Gives decoding times to packets without, of which the last one may have one."""
    following = min((packet.pts or 0 for packet in packets), default=0)  # where the film has a few pictures alone
    for packet in reversed(packets):
        if packet.dts is None:
            packet.dts = following - max(1, packet.duration or 0)
        following = packet.dts
    return packets


class Feed:
    """Uncompressed pictures on their way to the program."""

    def __init__(self, file: io.BytesIO | io.BufferedWriter, like: av.VideoFrame, time_base: Fraction) -> None:
        self._file = file
        self._container = av.open(file, "w", format="nut", options={"write_index": "0", "flush_packets": "1"})
        self._pictures: Any = self._container.add_stream("rawvideo")
        self._pictures.width, self._pictures.height = like.width, like.height
        self._pictures.pix_fmt = like.format.name
        self._pictures.codec_context.time_base = time_base
        self._closed = False

    def put(self, frame: av.VideoFrame) -> None:
        self._container.mux(self._pictures.encode(frame))
        self._file.flush()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._container.close()
            if isinstance(self._file, io.BufferedWriter):
                self._file.close()


class _Nowhere:
    """Takes what nobody wants, so that a program that writes it can end."""

    def write(self, data: bytes) -> int:
        return len(data)


def _command_line(
    encoder: SystemEncoder, options: Mapping[str, str], first: av.VideoFrame, time_base: Fraction, aspect: Fraction
) -> Sequence[str]:
    # NUT does not tell these.
    tags = {
        "range": int(first.color_range),
        "colorspace": int(first.colorspace),
        "color_primaries": int(first.color_primaries),
        "color_trc": int(first.color_trc),
    }
    filters = [
        "setparams=" + ":".join(f"{name}={value}" for name, value in tags.items()),
        f"setsar={aspect.numerator}/{aspect.denominator}",
    ]
    device = []
    if encoder.device:
        device = ["-init_hw_device", f"{encoder.device}=card", "-filter_hw_device", "card"]
        filters += [f"format={'nv12' if first.format.name == ON_CARDS[0] else 'p010le'}", "hwupload"]
    settings = [word for name, value in options.items() for word in (f"-{name}", value)]
    ticks = f"{time_base.numerator}:{time_base.denominator}"
    return [
        *(encoder.command, "-hide_banner", "-nostdin", "-v", "error", *device, "-copyts", "-f", "nut", "-i", "pipe:0"),
        *("-map", "0:v:0", "-vf", ",".join(filters), "-c:v", encoder.name, *settings),
        # Every picture with its own time, not a steady rate.
        *("-fps_mode", "passthrough", "-enc_time_base", ticks, "-avoid_negative_ts", "disabled"),
        *("-flush_packets", "1", "-f", "nut", "pipe:1"),
    ]
