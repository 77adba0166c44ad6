"""Telling a file that was cut short before an hour is spent on it.

FFmpeg reads such a file to where it breaks off and calls that its end. The containers say how long they
should be: an interrupted copy or download shows in the first few bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from cyclorama.errors import MediaError

# Boxes of ISO/IEC 14496-12 that hold what cannot be done without; trailing rubbish of any other kind is harmless.
NEEDED_BOXES = {b"mdat", b"moov", b"moof"}
EBML, SEGMENT = 0x1A45DFA3, 0x18538067  # RFC 8794 and RFC 9559


def check_whole(path: Path) -> None:
    """Raises MediaError where a file's own headers say that it should be longer than it is.

    MP4, MOV, Matroska, WebM, AVI and WAV can tell; other files pass.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(12)
        file.seek(0)
        if start[4:8] in NEEDED_BOXES | {b"ftyp", b"free", b"wide", b"skip"}:
            wanted = _boxes_end(file, size)
        elif start[:4] == EBML.to_bytes(4, "big"):
            wanted = _segment_end(file)
        elif start[:4] == b"RIFF":
            wanted = 8 + int.from_bytes(start[4:8], "little")
        else:
            return
    if wanted > size:
        raise MediaError(
            f"{path}: the file is cut short: its headers speak of {wanted:,} bytes, {size:,} are there; "
            f"copy it again, or keep what there is with: ffmpeg -i {path.name} -c copy rescued.mkv"
        )


def _boxes_end(file: BinaryIO, size: int) -> int:
    """Where the last needed box of an MP4 ends."""
    position = end = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        if length < 8:  # 0: to the end of the file, whatever that is; the rest is no box
            break
        position += length
        if header[4:8] in NEEDED_BOXES:
            end = position
    return end


def _segment_end(file: BinaryIO) -> int:
    """Where a Matroska file's one segment ends; 0 where a live recording left that open."""
    _number(file, keep_marker=True)
    header = _number(file)
    file.seek(header or 0, 1)
    if _number(file, keep_marker=True) != SEGMENT:
        return 0
    length = _number(file)
    return 0 if length is None else file.tell() + length


def _number(file: BinaryIO, *, keep_marker: bool = False) -> int | None:
    """A variable-length integer of EBML; None where all bits are set, which means unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return 0
    length = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(length - 1), "big")
    if keep_marker:
        return value
    ones = (1 << 7 * length) - 1
    return None if value & ones == ones else value & ones
