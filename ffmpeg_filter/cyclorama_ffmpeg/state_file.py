"""A stream's state on disk: plain values and arrays, nothing that could be run on the way back."""

from __future__ import annotations

import json
import os
from dataclasses import fields, is_dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cyclorama.harmonize import Fit
from cyclorama.subject import Person, Track
from cyclorama.temporal import Memory

KINDS = {kind.__name__: kind for kind in (Memory, Track, Person, Fit)}
TREE = "tree"  # the entry beside the arrays


def save(path: Path, state: object) -> None:
    """Writes a value made of None, numbers, text, fractions, lists, tuples, mappings, arrays and `KINDS`.

    The file appears whole or not at all.

    Raises:
        TypeError: there is something else in it.
    """
    arrays: dict[str, NDArray[Any]] = {}
    tree = json.dumps(_packed(state, arrays))
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, **{TREE: np.array(tree), **arrays})  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def load(path: Path) -> Any:
    """What `save` wrote."""
    with np.load(path, allow_pickle=False) as file:
        return _unpacked(json.loads(str(file[TREE])), dict(file))


def _packed(value: object, arrays: dict[str, NDArray[Any]]) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Fraction):
        return {"fraction": [value.numerator, value.denominator]}
    if isinstance(value, np.ndarray | np.generic):
        name = f"array{len(arrays)}"
        arrays[name] = np.asarray(value)
        return {"array": name}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_packed(each, arrays) for each in value]}
    if isinstance(value, dict):
        return {"dict": [[_packed(key, arrays), _packed(each, arrays)] for key, each in value.items()]}
    if is_dataclass(value) and type(value).__name__ in KINDS:
        inside = {each.name: getattr(value, each.name) for each in fields(value)}
        return {type(value).__name__: _packed(inside, arrays)}
    raise TypeError(f"a stream's state holds {type(value).__name__}, which has no place in a file")


def _unpacked(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, inside),) = value.items()
    if kind == "fraction":
        return Fraction(*inside)
    if kind == "array":
        return arrays[inside][()]  # a number where it was one
    if kind == "dict":
        return {_unpacked(key, arrays): _unpacked(each, arrays) for key, each in inside}
    if kind in KINDS:
        return KINDS[kind](**_unpacked(inside, arrays))
    return {"list": list, "tuple": tuple}[kind](_unpacked(each, arrays) for each in inside)
