"""From a model's name to a verified file: present and of the right hash, or downloaded whole, or an error."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from cyclorama import toml
from cyclorama.errors import ModelError

TIMEOUT = 30.0  # seconds without a byte
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the manifest.

    Attributes:
        file: name inside the package `cyclorama_weights`, or in the cache folder.
        sha256: of the file, in hexadecimal.
        url: where it can be had again; "" where only the package brings it.
        summary: one line for `cyclorama models`.
    """

    file: str
    sha256: str
    url: str
    summary: str


def manifest() -> Mapping[str, Entry]:
    """All models that have weights, by name."""
    text = resources.files("cyclorama_weights").joinpath("manifest.toml").read_text("utf-8")
    return {name: Entry(**{"url": "", **values}) for name, values in toml.loads(text).items()}


def cache_folder() -> Path:
    """Where downloads are kept: CYCLORAMA_CACHE, or the platform's folder for such things."""
    if named := os.environ.get("CYCLORAMA_CACHE"):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "cyclorama"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/cyclorama"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cyclorama"


def path(name: str) -> Path:
    """The verified weights file of a model.

    Raises:
        ModelError: the name is not in the manifest; or the file is missing or damaged and cannot be
            downloaded, or what was downloaded is not it.
    """
    entries = manifest()
    if name not in entries:
        raise ModelError(f"expected a model with weights ({', '.join(sorted(entries))}); got {name!r}")
    entry = entries[name]
    packaged = Path(str(resources.files("cyclorama_weights").joinpath(entry.file)))
    cached = cache_folder() / entry.file
    for candidate in (packaged, cached):
        if candidate.is_file() and sha256(candidate) == entry.sha256:
            return candidate
    if not entry.url:
        state = "damaged (its SHA-256 is not the manifest's)" if packaged.is_file() else "missing"
        raise ModelError(f"{packaged}: these weights are {state}: reinstall cyclorama")
    download(entry.url, cached, entry.sha256)
    return cached


def sha256(file: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def download(url: str, target: Path, expected: str) -> None:
    """Fetches a file beside its place, verifies it, and only then moves it there.

    Raises:
        ModelError: the address cannot be read, or the SHA-256 is not `expected`. The target is untouched.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file, urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            while chunk := answer.read(CHUNK):
                file.write(chunk)
        found = sha256(temporary)
        if found != expected:
            raise ModelError(
                f"{url}: expected SHA-256 {expected}, got {found}: the download is damaged or changed; try again"
            )
        os.replace(temporary, target)
    except OSError as error:
        raise ModelError(
            f"{url}: cannot be downloaded ({error}): check the network, or put the file at {target} by hand"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
