"""The folders that the recipe of `portrait` calls extra, made by `python -m cyclorama_training.extras`."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama.errors import MediaError
from cyclorama_ffmpeg.demonstration import photograph
from cyclorama_training import outfit_data
from cyclorama_training.extras import PHOTOGRAPHS, agreed_on, resource_files
from cyclorama_training.readers import PEOPLE, Source

Picture = NDArray[np.uint8]


def extras(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cyclorama_training.extras", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def noise(seed: int, height: int = 180, width: int = 240) -> Picture:
    """A picture that is alike at two sizes, and unlike that of another seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def pack(files: dict[str, bytes], flags: int = 0, version: int = 3) -> bytes:
    """Qt's resources in one folder, /gcompris/resource: each file as it is, or packed by zlib where flags say so."""
    names, places = b"", {}
    for name in ("gcompris", "resource", *files):
        places[name] = len(names)
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    rest = b"" if version == 1 else bytes(8)  # when it was changed
    nodes = struct.pack(">IHII", 0, 2, 1, 1) + rest
    nodes += struct.pack(">IHII", places["gcompris"], 2, 1, 2) + rest
    nodes += struct.pack(">IHII", places["resource"], 2, len(files), 3) + rest
    contents = b""
    for name, content in files.items():
        nodes += struct.pack(">IHHHI", places[name], flags, 0, 0, len(contents)) + rest
        packed = struct.pack(">I", len(content)) + zlib.compress(content) if flags & 1 else content
        contents += struct.pack(">I", len(packed)) + packed
    head = 20 if version < 3 else 24
    tree, data = head, head + len(nodes)
    start = b"qres" + struct.pack(">4I", version, tree, data, data + len(contents))
    return start + bytes(head - 20) + nodes + contents + names


@pytest.mark.parametrize("flags", [0, 1], ids=["plain", "zlib"])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_qt_resources_are_read(tmp_path: Path, flags: int, version: int) -> None:
    files = {"bär.txt": b"brown", "empty": b""}
    (tmp_path / "some.rcc").write_bytes(pack(files, flags, version))
    found = dict(resource_files(tmp_path / "some.rcc"))
    assert found == {"/gcompris/resource/bär.txt": b"brown", "/gcompris/resource/empty": b""}


def test_other_files_and_other_packing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.rcc").write_bytes(b"PK\3\4" + bytes(40))
    with pytest.raises(MediaError, match="expected a file of Qt's resources"):
        list(resource_files(tmp_path / "other.rcc"))
    (tmp_path / "new.rcc").write_bytes(pack({"a": b"a"}, flags=4))
    with pytest.raises(MediaError, match="Zstandard"):
        list(resource_files(tmp_path / "new.rcc"))


@pytest.mark.parametrize("kept", [22, 60, 120, 150])
def test_a_damaged_file_is_said(tmp_path: Path, kept: int) -> None:
    whole = pack({"camels.webp": bytes(1000), "bees.webp": bytes(1000)}, flags=1)
    (tmp_path / "erase.rcc").write_bytes(whole[:kept])
    with pytest.raises(MediaError, match=r"erase\.rcc: is damaged"):
        list(resource_files(tmp_path / "erase.rcc"))


def test_photographs_large_enough_become_rooms(tmp_path: Path) -> None:
    large, small = (cv2.imencode(".webp", noise(1, side, side))[1].tobytes() for side in (200, 90))
    for stem in PHOTOGRAPHS:
        (tmp_path / f"{stem}.rcc").write_bytes(pack({"Main.qml": b"drawn"}))
    (tmp_path / "erase.rcc").write_bytes(pack({"camels.webp": large, "icon.webp": small, "Erase.qml": b"x"}))
    (tmp_path / "clickgame.rcc").write_bytes(pack({"sea1.webp": large, "f00.webp": large}))
    ran = extras("animals", tmp_path, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == f"{tmp_path}/animals: 2 files\n"
    assert {path.name for path in (tmp_path / "animals").iterdir()} == {"erase_camels.png", "clickgame_sea1.png"}


def test_stamps_are_cut_outs_of_true_things(tmp_path: Path) -> None:
    rgba = np.dstack([noise(2, 200, 160), np.full((200, 160), 255, np.uint8)])
    stamps = {
        "animals/dogs/dog.png": rgba,
        "animals/birds/cartoon/tux.png": rgba,
        "food/nut.png": rgba[:60, :60],
        "plants/tree.png": rgba[..., :3],
        "people/somebody.png": rgba,
    }
    for name, picture in stamps.items():
        (tmp_path / "stamps" / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "stamps" / name), picture)
    ran = extras("things", tmp_path, tmp_path / "stamps")
    assert ran.returncode == 0, ran.stderr
    assert [path.name for path in (tmp_path / "things").iterdir()] == ["animals_dogs_dog.png"]


def test_what_is_wrong_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    missing = extras("scenes", tmp_path / "none")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)
    assert "no such folder" in missing.stderr
    assert "nothing of use" in extras("things", tmp_path, tmp_path).stderr
    assert list(tmp_path.iterdir()) == []
    assert extras("scenes", tmp_path).returncode == 0
    before = sorted((tmp_path / "scenes").iterdir())
    again = extras("scenes", tmp_path)
    assert again.returncode == 1
    assert "exists" in again.stderr
    assert sorted((tmp_path / "scenes").iterdir()) == before


def test_people_are_kept_where_two_networks_agree(tmp_path: Path) -> None:
    seeds = range(40)
    (tmp_path / "casual").mkdir()
    for seed in seeds:
        cv2.imwrite(str(tmp_path / "casual" / f"ccp_{seed}.png"), noise(seed))
    known = tmp_path / "known.png"
    cv2.imwrite(str(known), noise(3, 360, 480))  # ccp_3, at another size

    def half(_rgb: Picture) -> NDArray[np.float32]:
        alpha = np.zeros((180, 240), np.float32)
        alpha[:, 120:] = 1
        return alpha

    found = {name: (source, matte) for source, name, _, matte in agreed_on(tmp_path, [known], half, half)}
    measured_with = {f"casual_ccp_{seed}" for seed in seeds if outfit_data.split_of(f"ccp_{seed}") == "test"}
    assert measured_with
    assert "casual_ccp_3" not in found
    assert 20 < len(found) < 40 - len(measured_with)  # one name in ten is held back besides
    assert not measured_with & found.keys()
    assert {source for source, _ in found.values()} == {"street"}
    assert all((matte == half(matte) * 255).all() for _, matte in found.values())
    everything, soft = (lambda rgb: half(rgb) * 0 + 1), (lambda rgb: half(rgb) * np.float32(0.5))
    assert list(agreed_on(tmp_path, [], half, lambda rgb: np.roll(half(rgb), 30, 1))) == []
    assert list(agreed_on(tmp_path, [], everything, everything)) == []
    assert list(agreed_on(tmp_path, [], soft, soft)) == []


def test_the_shipped_network_finds_people_that_the_recipe_reads(tmp_path: Path) -> None:
    pytest.importorskip("skimage", reason="the photograph comes with scikit-image")
    pictures = tmp_path / "pictures" / "workwear"
    pictures.mkdir(parents=True)
    portrait = np.ascontiguousarray(photograph()[:384])
    cv2.imwrite(str(pictures / "pilot.png"), cv2.cvtColor(portrait, cv2.COLOR_RGB2BGR))
    cv2.imwrite(str(pictures / "wall.png"), noise(5))
    ran = extras("more", tmp_path, tmp_path / "pictures")
    assert ran.returncode == 0, ran.stderr
    people = list(PEOPLE["folders"](Source("folders", "more", name="more"), tmp_path, "train", 512))
    assert [person.name for person in people] == ["leisure/workwear_pilot"]
    assert (people[0].picture == portrait).all()
    assert 0.2 < people[0].alpha.mean() / 255 < 0.7
