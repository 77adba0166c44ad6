"""Reading people and rooms from every kind of files that a recipe can name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama.errors import MediaError, SettingError
from cyclorama_training import data, readers
from cyclorama_training.data import SPLITS, Person, Room
from cyclorama_training.readers import PEOPLE, ROOMS, Source
from cyclorama_training.recipe import Recipe
from made import texture
from made_people import RECIPE, figure, grey, photograph, skin, write, write_data
from made_video import write_video

NEAR = 3.0  # levels: rounding of two resizings
CODED = 14.0  # levels, mean: a lossy video codec on a texture


def people(root: Path, **table: object) -> list[Person]:
    """Everybody of both splits."""
    source = Source.parse(table, PEOPLE)
    return [p for split in SPLITS for p in PEOPLE[source.kind](source, root, split, 96)]


def rooms(root: Path, **table: object) -> list[Room]:
    source = Source.parse(table, ROOMS)
    return [r for split in SPLITS for r in ROOMS[source.kind](source, root, split, 96)]


def frames(pictures: list[NDArray[np.uint8]], layout: str) -> list[av.VideoFrame]:
    return [av.VideoFrame.from_ndarray(p, format=layout) for p in pictures]


def covered(person: Person) -> float:
    """Mean difference from a person's true colours where it covers all."""
    inside = person.alpha == 255
    true = skin(int(person.name.rsplit("/", 1)[-1]) if person.name[-1].isdigit() else 0)
    return float(np.abs(person.foreground[inside].astype(float) - true[inside]).mean())


def test_the_splits_share_nothing_and_do_not_move(tmp_path: Path) -> None:
    root = write_data(tmp_path)
    source = Source("folders", "people")
    names = {s: {p.name for p in readers.folders(source, root, s, 96)} for s in SPLITS}
    assert len(names["train"]) + len(names["validation"]) == 30
    assert not names["train"] & names["validation"]
    # Fixed by name for good: these two were looked up once.
    assert "portraits/001" in names["validation"]
    assert "portraits/002" in names["train"]
    counts = Counter(data.split_of(f"a/{i}", data.PEOPLE_HELD_BACK) for i in range(5000))
    assert 0.08 < counts["validation"] / 5000 < 0.12


def test_pictures_of_one_series_stay_together() -> None:
    assert data.series("stock-emotions-a-12") == data.series("stock-emotions-a-3")
    assert data.series("003") == "003"


def test_specks_and_haze_of_a_teacher_are_cleaned() -> None:
    alpha = np.full((40, 60), 5, np.uint8)  # haze
    alpha[10:20, 10:20] = 255
    alpha[30:34, 50:54] = 100  # a speck in which it was never sure
    cleaned = data.clean(alpha)
    assert cleaned[10:20, 10:20].min() == 255
    assert cleaned[30:34, 50:54].max() == 0
    assert cleaned[0, 0] == 0


def test_the_list_of_mattes_is_sorted_and_understood_line_by_line() -> None:
    listed = data.verdicts()
    assert set(listed.values()) == {"partial", "wrong"}
    assert list(listed) == sorted(listed)
    text = (Path(data.__file__).parent / "mattes.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) == len(listed)


def test_what_is_listed_as_wrong_is_left_out_and_what_is_partial_is_not_shown_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(data, "verdicts", lambda: {"a b/1": "wrong", "a b/2": "partial"})
    found = [data.person(f"a b/{i}", photograph(i), grey(figure())) for i in range(1, 4)]
    assert [p and p.whole for p in found] == [None, False, True]
    assert data.VERDICT.findall("# a wrong\na b/1 wrong  # why\nc/2  partial\n") == [
        ("a b/1", "wrong"),
        ("c/2", "partial"),
    ]


def test_pairs_are_read_with_mattes_and_their_old_background_is_taken_out(tmp_path: Path) -> None:
    for index in range(3):
        write(tmp_path / f"set/images/{index}.jpg", photograph(index))
        write(tmp_path / f"set/alpha/{index}.png", grey(figure()))
    write(tmp_path / "set/images/without.jpg", photograph(9))
    found = people(tmp_path, kind="pairs", path="set/images", mattes="set/alpha")
    assert sorted(p.name for p in found) == ["set/0", "set/1", "set/2"]
    one = next(p for p in found if p.name == "set/1")
    assert one.whole
    fringe = (one.alpha > 60) & (one.alpha < 200)
    before, after = (np.abs(x[fringe].astype(float) - skin(1)[fringe]).mean() for x in (one.picture, one.foreground))
    assert after < 0.5 * before


def test_masks_of_any_colours_are_full_alpha(tmp_path: Path) -> None:
    write(tmp_path / "images/0.png", photograph(0))
    label = np.zeros((80, 64, 3), np.uint8)
    label[figure() > 0.5] = (0, 0, 128)  # as palettes of labels are
    write(tmp_path / "labels/0.png", label)
    (found,) = people(tmp_path, kind="pairs", path="images", masks="labels", name="davis")
    assert found.name == "davis/0"
    assert found.alpha[30, 32] == 255
    assert found.alpha[0, 0] == 0


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_cut_outs_keep_their_colours_and_what_is_transparent_does_not_shine_in(tmp_path: Path, depth: type) -> None:
    rgba = np.dstack([skin(0), grey(figure())])
    rgba[rgba[..., 3] == 0] = (0, 255, 0, 0)  # an editor's rubbish under full transparency
    large = np.repeat(np.repeat(rgba, 4, 0), 4, 1)
    write(tmp_path / "cut/0.png", large if depth == np.uint8 else large.astype(np.uint16) * 257)
    (found,) = people(tmp_path, kind="cutouts", path="cut")
    assert not found.whole
    assert found.alpha.shape == (96, 77)
    shown = found.alpha > 0
    expected = data.fit(np.repeat(np.repeat(skin(0), 4, 0), 4, 1), 96)
    assert np.abs(found.foreground[shown].astype(float) - expected[shown]).mean() < NEAR
    around = (found.alpha == 0) & (np.roll(found.alpha, 3, 1) > 0)
    assert found.foreground[around][:, 0].min() > 100  # of the person's colours, not green


def test_a_cut_out_without_alpha_is_said(tmp_path: Path) -> None:
    write(tmp_path / "cut/0.png", photograph(0))
    with pytest.raises(MediaError, match="expected a cut-out with an alpha channel"):
        people(tmp_path, kind="cutouts", path="cut")


def write_pair_of_videos(folder: Path, stem: str, count: int = 9, *, matte: str, mattes: int | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / matte).parent.mkdir(parents=True, exist_ok=True)
    options = {"crf": "10"}
    shown = frames([photograph(i) for i in range(count)], "rgb24")
    write_video(folder / f"{stem}.mp4", frames=shown, size=(64, 80), options=options)
    alphas = frames([np.repeat(grey(figure())[..., None], 3, 2)] * (mattes or count), "rgb24")
    write_video(folder / matte, frames=alphas, size=(64, 80), options=options)


@pytest.mark.parametrize("beside", [True, False])
def test_videos_with_matte_videos_are_thinned_and_belong_to_one_split(tmp_path: Path, beside: bool) -> None:
    for stem in ("talk", "walk"):
        matte = f"{stem}-matte.mp4" if beside else f"../mattes/{stem}.mp4"
        write_pair_of_videos(tmp_path / "film", stem, matte=matte)
    table = {} if beside else {"mattes": "mattes"}
    found = people(tmp_path, kind="video", path="film", every=4, **table)
    names = sorted(p.name for p in found)
    assert names == [f"film/{stem}/{i:05}" for stem in ("talk", "walk") for i in (0, 4, 8)]
    one = next(p for p in found if p.name == "film/talk/00004")
    assert one.whole
    assert abs(float(one.alpha.mean()) - float(grey(figure()).mean())) < NEAR
    assert covered(one) < CODED
    for split in SPLITS:  # all frames of a video or none
        part = list(readers.video(Source("video", "film", name="film", every=4, **table), tmp_path, split, 96))
        assert len(part) % 3 == 0


@pytest.mark.parametrize(
    ("suffix", "codec", "pixel_format"),
    [(".mov", "prores_ks", "yuva444p10le"), (".webm", "libvpx-vp9", "yuva420p"), (".mkv", "ffv1", "bgra")],
)
def test_videos_with_an_alpha_channel_need_no_matte_beside(
    tmp_path: Path, suffix: str, codec: str, pixel_format: str
) -> None:
    (tmp_path / "film").mkdir()
    rgba = [np.dstack([skin(i), grey(figure())]) for i in range(3)]
    path = tmp_path / f"film/clip{suffix}"
    write_video(path, frames=frames(rgba, "rgba"), size=(64, 80), codec=codec, pixel_format=pixel_format)
    found = people(tmp_path, kind="video", path="film", every=1)
    assert len(found) == 3
    assert abs(float(found[1].alpha.mean()) - float(grey(figure()).mean())) < NEAR
    assert covered(found[1]) < CODED
    assert not found[1].whole


def test_a_video_without_alpha_and_a_matte_of_another_length_are_said(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    write_video(tmp_path / "plain/talk.mp4")
    with pytest.raises(MediaError, match=r"expected an alpha channel, or a matte talk-matte"):
        people(tmp_path, kind="video", path="plain")
    write_pair_of_videos(tmp_path / "short", "talk", matte="talk-matte.mp4", mattes=5)
    with pytest.raises(MediaError, match="expected as many frames"):
        people(tmp_path, kind="video", path="short", every=2)


def test_rooms_are_read_from_pictures_and_from_videos(tmp_path: Path) -> None:
    write(tmp_path / "stills/coco128_1.jpg", texture(72, 96, (90, 90, 90), 1))
    write(tmp_path / "stills/other.webp", texture(72, 192, (90, 90, 90), 2))
    found = {r.name: r for r in rooms(tmp_path, kind="pictures", path="stills", weight=2.0)}
    assert {name: r.weight for name, r in found.items()} == {"coco128_1": 5.0, "other": 2.0}
    assert found["other"].picture.shape == (36, 96, 3)
    (tmp_path / "clips").mkdir()
    write_video(tmp_path / "clips/waves.mp4", count=12)
    moving = rooms(tmp_path, kind="video", path="clips", every=5)
    assert [r.name for r in moving] == ["waves/00000", "waves/00005", "waves/00010"]
    assert sum(r.weight for r in moving) == pytest.approx(1.0)


def test_rooms_in_which_people_are_seen_are_left_out(tmp_path: Path) -> None:
    assert len(data.peopled()) == 5
    for name in ("openvidu19_bg-7", "openvidu19_bg-8"):
        write(tmp_path / f"stills/{name}.jpg", texture(72, 96, (90, 90, 90), 1))
    assert [r.name for r in rooms(tmp_path, kind="pictures", path="stills")] == ["openvidu19_bg-8"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"kind": "tapes", "path": "a"}, "expected kind = 'folders' or 'pairs' or 'cutouts' or 'video', got 'tapes'"),
        ({"kind": "pairs"}, "pairs: expected path"),
        ({"kind": "pairs", "path": "a"}, "a: expected mattes or masks"),
        ({"kind": "cutouts", "path": "a", "every": 2}, "cutouts: expected path and any of"),
        ({"kind": "video", "path": "a", "every": 0}, "expected every = 1 or more"),
    ],
)
def test_a_senseless_source_is_said(table: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Source.parse(table, PEOPLE)


def test_a_recipe_names_its_sources_and_how_often_each_is_drawn(tmp_path: Path) -> None:
    root = write_data(tmp_path)
    for index in range(40):
        write(root / f"cut/{index}.png", np.dstack([skin(index), grey(figure())]))
    tables = '[[people]]\nkind = "cutouts"\npath = "cut"\nweight = 0.72\n[[rooms]]\nkind = "pictures"\npath = "rooms"\n'
    (root / "mixed.toml").write_text(RECIPE.replace('rooms = "rooms"\n', "") + tables)
    composer = Recipe.read(root / "mixed.toml").composer(root, "train")
    drawn: Counter[str] = Counter()
    for person, chance in zip(composer.people, composer.weights, strict=True):
        drawn[person.name.split("/")[0]] += chance
    assert drawn["cut"] == pytest.approx(0.72 / (0.72 + data.SOURCE_WEIGHT["portraits"]))
    # A cut-out has no picture of its own to show.
    assert composer.whole_weights is not None
    assert not composer.whole_weights[[p.name.startswith("cut/") for p in composer.people]].any()
    assert len(composer.rooms) == len(Recipe.read(root / "recipe.toml").composer(root, "train").rooms)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("seed = 3\n", ""), "seed"),
        (("seed = 3", "sed = 3"), "sed"),
        (("[train]", "[trian]"), "'train' is missing"),
        (('precision = "float32"', "precision = "), "expected a recipe"),
        (("seed = 3", 'seed = 3\nmetric = "beauty"'), "metric: expected any of"),
    ],
)
def test_a_recipe_that_cannot_be_understood_is_said_in_a_line(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE.replace(*change))
    with pytest.raises(SettingError, match=message) as caught:
        Recipe.read(tmp_path / "recipe.toml")
    assert "\n" not in str(caught.value)


def test_a_missing_folder_and_two_sources_of_one_name_are_said(tmp_path: Path) -> None:
    root = write_data(tmp_path, count=2)
    (root / "a.toml").write_text(RECIPE.replace('"rooms"', '"halls"'))
    with pytest.raises(SettingError, match="halls: no such folder"):
        Recipe.read(root / "a.toml").composer(root, "train")
    twice = '[[people]]\nkind = "cutouts"\npath = "cut/a"\n[[people]]\nkind = "cutouts"\npath = "cut/b"\n'
    (root / "b.toml").write_text(RECIPE + twice)
    with pytest.raises(SettingError, match="expected a name of its own for each, got people, cut, cut"):
        Recipe.read(root / "b.toml")


def test_what_is_extra_serves_training_alone_and_may_be_missing(tmp_path: Path) -> None:
    root = write_data(tmp_path)
    tables = (
        '[[rooms]]\nkind = "pictures"\npath = "zoo"\nextra = true\n'
        '[[things]]\nkind = "cutouts"\npath = "dogs"\nextra = true\n'
        '[[people]]\nkind = "folders"\npath = "more"\nextra = true\n'
    )
    (root / "extra.toml").write_text(RECIPE + tables)
    recipe = Recipe.read(root / "extra.toml")
    plain = recipe.composer(root, "train")
    assert not plain.things
    for index in range(20):
        write(root / f"zoo/{index}.png", texture(72, 96, (90, 120, 60), index))
        write(root / f"dogs/{index}.png", np.dstack([skin(index), grey(figure())]))
        write(root / f"more/beach/images/{index}.png", photograph(index))
        write(root / f"more/beach/mattes/{index}.png", grey(figure()))
    training, validation = recipe.composer(root, "train"), recipe.composer(root, "validation")
    assert len(plain.rooms) < len(training.rooms)
    assert {p.name.split("/")[0] for p in training.people} == {"portraits", "beach"}
    assert {p.name.split("/")[0] for p in (*plain.people, *validation.people)} == {"portraits"}
    assert all(thing.name.startswith("dogs/") for thing in training.things)
    assert training.things
    assert not validation.things
    assert all(room.name.startswith("room_") for room in validation.rooms)
