"""Built-in backgrounds, rendered by this project (CC0)."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

FOLDER = Path(str(resources.files(__name__)))
CATALOGUE = FOLDER / "catalogue.toml"
"""What is known of each scene: whom it suits, its light, colours and horizon."""
STILL, CLIP = ".jpg", ".mp4"


def paths() -> dict[str, Path]:
    """All built-in scenes: name -> picture file, or the file of a clip that loops."""
    return {file.stem: file for file in sorted(FOLDER.iterdir()) if file.suffix in (STILL, CLIP)}
