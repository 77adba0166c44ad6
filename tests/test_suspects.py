"""Doubtful mattes: people away from the matte, mattes of something else, and the list and sheets of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama_training import data, entry, suspects
from cyclorama_training.data import Person
from made_people import figure, person, write_data


def shifted(pixels: int) -> NDArray[np.float32]:
    return np.roll(figure(), pixels, 1)


def test_what_is_found_away_from_the_matte_makes_it_partial() -> None:
    somebody = person()
    assert not suspects.judge(somebody, figure()).partial
    # Its own edge, a little off, is nobody else.
    near = suspects.judge(somebody, shifted(6))
    assert near.away == 0
    assert near.iou < 1
    other = figure()
    other[:10, 50:] = 1
    found = suspects.judge(somebody, other)
    assert found.partial
    assert found.away == pytest.approx(10 * 14 / figure().size, rel=0.3)


def test_the_doubtful_ones_come_worst_first_and_the_good_ones_not_at_all() -> None:
    people = [person(i, name=f"set/{i}") for i in range(4)]
    answers = dict(zip((p.picture.tobytes() for p in people), (0, 30, 4, 12), strict=True))

    def predict(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        return shifted(answers[rgb.tobytes()])

    found = suspects.suspects(people, predict)
    assert [s.name for s in found] == ["set/1", "set/3", "set/2"]
    text = suspects.listing(found)
    listed = data.VERDICT.findall(text)
    assert listed == [(s.name, "partial") for s in sorted(found, key=lambda s: s.name) if s.partial]
    assert text.index("# wrong? set/1") < text.index("# wrong? set/3")
    (page,) = suspects.pages(found)
    assert page.shape[1] > 3 * 3 * 100  # three of them, three views each


def test_the_command_writes_the_list_and_the_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_data(tmp_path, count=12)
    everybody = suspects.everybody

    def one_is_wrong(*arguments: object) -> list[Person]:
        people = list(everybody(*arguments))  # type: ignore[arg-type]
        assert len(people) == 12  # both splits
        wrong = np.zeros_like(people[3].alpha)
        wrong[:12, :12] = 255
        return [replace(p, alpha=wrong) if i == 3 else p for i, p in enumerate(people)]

    monkeypatch.setattr(entry, "everybody", one_is_wrong)
    with (root / "recipe.toml").open("a") as file:  # who is not there is not asked for
        file.write('[[people]]\nkind = "folders"\npath = "more"\nextra = true\n')
    # A colour-difference keyer takes nothing of these pictures away: it finds everything everywhere.
    written = entry.suspects(str(root / "recipe.toml"), root, tmp_path / "list.txt", model="green-screen")
    assert written[0].name == "list.txt"
    assert written[1].name == "list-01.png"
    assert "wrong? portraits/" in written[0].read_text()
    assert cv2.imread(str(written[1])) is not None
