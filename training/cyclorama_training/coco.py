"""COCO's annotations, without its tools: polygons are filled by OpenCV, run lengths decoded here.

Source: https://cocodataset.org/#format-data, and `maskApi.c` of its tools for the compressed run lengths.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cyclorama.errors import MediaError
from cyclorama_training.data import Image

PERSON = "person"  # name of the category


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with people.

    Attributes:
        file: its name.
        people: annotations, COCO's own dictionaries; crowds are one each, with `iscrowd` 1.
    """

    file: str
    height: int
    width: int
    people: tuple[Mapping[str, Any], ...]

    def fits(self, people: tuple[int, int], covered: tuple[float, float]) -> bool:
        """Whether there are as many people as asked for, no crowd, and they cover as large a share."""
        if any(each.get("iscrowd") for each in self.people) or not people[0] <= len(self.people) <= people[1]:
            return False
        return covered[0] <= float((self.masks().max(0) > 0).mean()) <= covered[1]

    def masks(self) -> Image:
        """uint8 (N, H, W) of 0 and 255, a mask for each annotation."""
        return np.stack([mask(each["segmentation"], self.height, self.width) for each in self.people])


def read(path: Path) -> Iterator[Picture]:
    """The pictures of an annotation file that people are in, by name.

    Raises:
        MediaError: it is none.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
        wanted = {each["id"] for each in values["categories"] if each["name"] == PERSON}
        people: dict[int, list[Mapping[str, Any]]] = {}
        for each in values["annotations"]:
            if each["category_id"] in wanted:
                people.setdefault(each["image_id"], []).append(each)
        images = sorted((i for i in values["images"] if i["id"] in people), key=lambda i: i["file_name"])
        found = [Picture(i["file_name"], i["height"], i["width"], tuple(people[i["id"]])) for i in images]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MediaError(f"{path}: expected a file of COCO's annotations ({error!r})") from error
    yield from found


def mask(segmentation: Any, height: int, width: int) -> Image:
    """uint8 (H, W) of 0 and 255, from polygons, run lengths or compressed run lengths."""
    if isinstance(segmentation, Mapping):
        counts = segmentation["counts"]
        return from_runs(decompressed(counts) if isinstance(counts, str) else counts, height, width)
    painted = np.zeros((height, width), np.uint8)
    for polygon in segmentation:  # one by one: together they would cancel each other where they meet
        # COCO counts from a pixel's corner, OpenCV from its middle.
        points = np.rint(np.asarray(polygon, np.float64).reshape(-1, 2) - 0.5).astype(np.int32)
        cv2.fillPoly(painted, [points], 255)
    return painted


def from_runs(counts: Sequence[int], height: int, width: int) -> Image:
    """Run lengths, outside and inside in turns, down the columns."""
    values = np.tile(np.array([0, 255], np.uint8), -(-len(counts) // 2))[: len(counts)]
    return np.ascontiguousarray(np.repeat(values, counts).reshape(width, height).T)


def decompressed(text: str) -> list[int]:
    """Run lengths from COCO's text: five bits a letter, lowest first; from the third on, the change from two before."""
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:  # negative: the sign's bit goes on to the left
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    return counts
