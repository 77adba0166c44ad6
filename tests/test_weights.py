from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cyclorama import weights
from cyclorama.errors import ModelError

LARGEST = 20_000_000  # bytes


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the local address that serves it."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


@pytest.mark.parametrize("name", sorted(weights.manifest()))
def test_what_ships_is_what_the_manifest_says(name: str) -> None:
    path = weights.path(name)
    assert weights.sha256(path) == weights.manifest()[name].sha256
    assert path.stat().st_size <= LARGEST


@pytest.mark.parametrize("name", sorted(weights.manifest()))
def test_every_model_has_a_card(name: str) -> None:
    card = Path(weights.path(name)).with_suffix(".md").read_text("utf-8")
    for heading in ("Data", "Recipe", "Figures", "Known failures", "Licence"):
        assert f"## {heading}" in card


def entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **values: str) -> None:
    full = {"file": "nothing.onnx", "sha256": "0" * 64, "url": "", "summary": "", **values}
    monkeypatch.setattr(weights, "manifest", lambda: {"made": weights.Entry(**full)})
    monkeypatch.setenv("CYCLORAMA_CACHE", str(tmp_path / "cache"))


def test_missing_weights_without_an_address_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    entry(monkeypatch, tmp_path)
    with pytest.raises(ModelError, match="missing: reinstall"):
        weights.path("made")


def test_a_download_is_verified_and_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: tuple[Path, str]
) -> None:
    folder, address = server
    (folder / "made.onnx").write_bytes(b"the weights" * 1000)
    digest = hashlib.sha256(b"the weights" * 1000).hexdigest()
    entry(monkeypatch, tmp_path, file="made.onnx", sha256=digest, url=f"{address}/made.onnx")
    path = weights.path("made")
    assert path.read_bytes() == b"the weights" * 1000
    (folder / "made.onnx").unlink()
    assert weights.path("made") == path, "the second time needs no network"


def test_a_damaged_download_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: tuple[Path, str]
) -> None:
    folder, address = server
    (folder / "made.onnx").write_bytes(b"an error page")
    entry(monkeypatch, tmp_path, file="made.onnx", sha256="1" * 64, url=f"{address}/made.onnx")
    with pytest.raises(ModelError, match=f"expected SHA-256 {'1' * 64}"):
        weights.path("made")
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_address_that_does_not_answer_says_where_to_put_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: tuple[Path, str]
) -> None:
    _, address = server
    entry(monkeypatch, tmp_path, file="made.onnx", url=f"{address}/not-there.onnx")
    with pytest.raises(ModelError, match=r"cannot be downloaded .* put the file at .*made\.onnx by hand"):
        weights.path("made")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_damaged_file_in_the_cache_is_fetched_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: tuple[Path, str]
) -> None:
    folder, address = server
    (folder / "made.onnx").write_bytes(b"good")
    entry(
        monkeypatch, tmp_path, file="made.onnx", sha256=hashlib.sha256(b"good").hexdigest(), url=f"{address}/made.onnx"
    )
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "made.onnx").write_bytes(b"half of it")
    assert weights.path("made").read_bytes() == b"good"
