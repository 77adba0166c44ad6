"""Built-in backgrounds, rendered by this project (CC0)."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def paths() -> dict[str, Path]:
    """All built-in scenes: name -> picture file."""
    folder = Path(str(resources.files(__name__)))
    return {file.stem: file for file in sorted(folder.glob("*.jpg"))}
