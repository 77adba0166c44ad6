"""The plug-in in a real GIMP 3: every action on every kind of layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama import Engine, Settings
from cyclorama.composite import blurred_room, cover
from cyclorama.editing import scene_picture, still_scenes
from cyclorama.matting import FOR_STILLS
from gimp_host import Gimp3, needs_gimp
from made_gimp import (
    HEIGHT,
    OFFSETS,
    SEEN,
    SELECTION,
    WIDE_GAMMA,
    WIDTH,
    Float,
    Kind,
    Picture,
    case,
    kinds,
    over,
    picture_of,
    write_inputs,
)

pytestmark = [needs_gimp, pytest.mark.timeout(1500)]
pytest.importorskip("skimage", reason="the photograph comes with scikit-image")

SCRIPT = Path(__file__).parent / "made_gimp_images.py"
COLOURED = ["8-bit", "16-bit", "float-linear", "gray", "wide-gamut", "offset", "selection", "group"]
ALL = [*COLOURED, "indexed"]
BLURRED = ["8-bit", "16-bit", "gray", "indexed"]
SCENE, TITLE = "studio", "Grey studio"

HALF_LEVEL = {"uint8": 0.5 / 255, "uint16": 0.5 / 65535, "float32": 0.5 / 65535}  # rounding of masks and colours
FLOATING = 5e-6  # of GIMP's conversions between float and integer, and between light and stored values
COLOURS = {"uint8": 0.5 / 255, "uint16": 1.1 / 65535, "float32": 1.1 / 65535}
# Levels by which babl and LittleCMS may differ in what is sRGB of a wide gamut: they round at other steps.
ROUNDING = 1
GAMMA = 0.1 / 255  # of babl's, where a space has a curve of its own
AGREE = 0.03  # mean difference of the solved matte and the network's in a band
BLEND = 1.5 / 255  # GIMP blends in float, and the flattened image has 8 bits; two runs may differ by 1


Engines = dict[str, Engine]


@dataclass(frozen=True)
class Results:
    """All that GIMP answered; calls by the kind's name and the action's."""

    home: Path
    made: dict[str, Kind]
    answers: dict[str, list[dict[str, Any]]]

    def call(self, kind: str, action: str, number: int = -1) -> dict[str, Any]:
        return self.answers[f"{kind}/{action}"][number]

    def picture(self, kind: str, action: str, number: int = -1) -> Picture:
        return picture_of(self.home, self.call(kind, action, number)["image"])


def actions(kind: str) -> dict[str, list[dict[str, Any]]]:
    # The default network for stills takes eight looks; one kind of layer is enough for it.
    model = {} if kind == "8-bit" else {"model": "portrait"}
    cut = {"procedure": "cut-out-subject", "arguments": model}
    subject = ["Subject"]
    some = {"scene": {"background": "scene", "scene": SCENE}}
    if kind in BLURRED:
        some["blur"] = {"background": "blur"}
    white = {"procedure": "mask", "layer": "photo"}
    refine = {"procedure": "refine-edge", "arguments": {"method": "rerun", **model}}
    return {
        "cut-out-subject": [cut],
        "select-subject": [{"procedure": "select-subject", "arguments": model}],
        **{
            f"replace-{name}": [{"procedure": "replace-background", "arguments": {**model, **a}}]
            for name, a in some.items()
        },
        "refine-edge": [white, refine] if kind == "indexed" else [cut, {**refine, "layers": subject}],
    }


FAST = {"model": "portrait"}
BAND = (180, 20, 30, 60)  # x, y, width, height; beside the head, across its outline, painted grey
CLEAR = 30  # rows at the top of a layer that are transparent
# Cases beside the table: name, calls, and what of the image is different.
MORE: list[tuple[str, list[dict[str, Any]], dict[str, Any]]] = [
    (
        "a group itself",
        [{"procedure": "cut-out-subject", "layers": ["group"], "arguments": FAST}],
        {"group": True},
    ),
    (
        "hair",
        [
            {"procedure": "cut-out-subject", "arguments": {**FAST, "hair": True}},
            {"procedure": "select-subject", "layers": ["photo"], "arguments": {**FAST, "hair": True}},
        ],
        {},
    ),
    (
        "transparent",
        [{"procedure": "cut-out-subject", "arguments": FAST}],
        {"channels": 4, "file": "clear.raw"},
    ),
    (
        "a trimap",
        [
            {"procedure": "cut-out-subject", "arguments": FAST},
            {"procedure": "paint", "layer": "Subject", "rectangle": BAND, "value": 128},
            {"procedure": "refine-edge", "layers": ["Subject"], "arguments": FAST},
        ],
        {},
    ),
    (
        "a trimap drawn elsewhere",
        [
            {"procedure": "mask", "layer": "photo"},
            {"procedure": "refine-edge", "arguments": {**FAST, "trimap": "photo"}},
        ],
        {},
    ),
]


SUGGESTING = (
    "suggestions",
    [
        {"procedure": "suggest-background", "arguments": {**FAST, "count": 3}},
        {"procedure": "replace-background", "arguments": {**FAST, "background": "suggested"}},
    ],
    {},
)


def clear_top(rgb: NDArray[Any]) -> NDArray[np.uint8]:
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    alpha[:CLEAR] = 0
    return np.concatenate([rgb, alpha], 2)


@pytest.fixture(scope="module")
def results() -> Iterator[Results]:
    gimp = Gimp3("formats")
    try:
        made = kinds()
        write_inputs(gimp.home, made)
        cases = [
            {**case(name, kind, *calls), "name": f"{name}/{action}", "stem": f"{name}-{action}"}
            for name, kind in made.items()
            for action, calls in actions(name).items()
        ]
        cases += [
            {**case("8-bit", made["8-bit"], *calls), **more, "name": name, "stem": name}
            for name, calls, more in [*MORE, SUGGESTING]
        ]
        clear_top(made["8-bit"].pixels).tofile(gimp.home / "clear.raw")
        yield Results(gimp.home, made, gimp.batch(SCRIPT, {"cases": cases}, timeout=1400))
    finally:
        gimp.close()


@pytest.fixture(scope="module")
def engines() -> Engines:
    return {kind: Engine(FOR_STILLS if kind == "8-bit" else "portrait") for kind in ("8-bit", "others")}


def engine_of(engines: Engines, kind: str) -> Engine:
    return engines.get(kind, engines["others"])


def view_of(results: Results, name: str) -> NDArray[Any]:
    """What the engine is to see of a kind of layer: of a wide gamut GIMP's sRGB, which is to be LittleCMS's."""
    view = results.made[name].view
    assert view is not None
    if name != "wide-gamut":
        return view
    seen = results.picture(name, "cut-out-subject").layer("photo").srgb
    assert np.abs(seen.astype(int) - view).max() <= ROUNDING
    return seen


def expected_alpha(engines: Engines, results: Results, name: str, *, refine: bool = False) -> Float:
    """The engine's own alpha of the layer, (H, W); where the plug-in shows it a part alone, 0 elsewhere."""
    engine, settings = engine_of(engines, name), Settings(decontaminate=False, refine=refine)
    view = view_of(results, name)
    if name != "selection":
        return engine.matte(view, settings).alpha
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[SEEN] = engine.matte(np.ascontiguousarray(view[SEEN]), settings).alpha
    return alpha


def selected() -> Float:
    x, y, width, height = SELECTION
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[y : y + height, x : x + width] = 1
    return mask


def tolerance(kind: Kind) -> float:
    return HALF_LEVEL[str(kind.pixels.dtype)] + FLOATING


@pytest.mark.parametrize("name", COLOURED)
def test_cut_out_gives_the_engines_own_alpha_as_the_mask(results: Results, engines: Engines, name: str) -> None:
    kind, picture = results.made[name], results.picture(name, "cut-out-subject")
    assert results.call(name, "cut-out-subject")["status"] == "success"
    subject, original = picture.layer("Subject"), picture.layer("photo")
    expected = expected_alpha(engines, results, name)
    if name == "selection":
        expected = expected * selected()
    assert expected.max() > 0.9, "there is a subject"
    assert subject.mask is not None
    assert np.abs(subject.mask - expected).max() <= tolerance(kind)
    assert subject.visible
    assert not original.visible
    assert original.mask is None
    assert picture.selected == ["Subject"]
    place = OFFSETS if name == "offset" else (0, 0)
    assert subject.offsets == original.offsets == place
    assert subject.group == original.group == ("group" if name == "group" else "")


@pytest.mark.parametrize("name", COLOURED)
def test_the_original_keeps_every_value(results: Results, name: str) -> None:
    kind = results.made[name]
    for action in actions(name):
        original = results.picture(name, action).layer("photo")
        exact = GAMMA if name == "wide-gamut" else FLOATING
        assert np.abs(original.pixels[..., :3] - kind.pixels / np.float32(kind.top)).max() <= exact


@pytest.mark.parametrize("name", COLOURED)
def test_the_subject_has_the_engines_colours_and_no_value_is_clipped(
    results: Results, engines: Engines, name: str
) -> None:
    kind, subject = results.made[name], results.picture(name, "cut-out-subject").layer("Subject")
    assert subject.mask is not None
    sure = (subject.mask == 1) if name != "selection" else (selected() == 0)
    pixels = subject.pixels[..., :3]
    exact = GAMMA if name == "wide-gamut" else FLOATING
    assert np.abs(pixels - kind.pixels / np.float32(kind.top))[sure].max() <= exact
    if name in ("wide-gamut", "selection", "offset"):
        return  # another picture, or another part of it, was estimated than the whole
    foreground = engine_of(engines, name).matte(kind.view).foreground  # type: ignore[arg-type]
    assert foreground is not None
    edge = (subject.mask > 0) & (subject.mask < 1)
    difference = np.abs(pixels - foreground / np.float32(np.iinfo(foreground.dtype).max))[
        edge & (kind.pixels <= kind.top).all(2)
    ]
    assert difference.max() <= COLOURS[str(kind.pixels.dtype)] + FLOATING + (1 / 255 if name == "gray" else 0)


def test_colours_outside_of_srgb_and_above_white_stay(results: Results) -> None:
    wide = results.picture("wide-gamut", "replace-scene")
    assert np.abs(wide.layer("Subject").pixels[160, 160, :3] * 255 - (250, 5, 5)).max() < 0.1
    lamps = results.picture("float-linear", "replace-scene").layer("Subject").pixels[102:108, 152:158, :3]
    assert lamps.min() > 1.4


@pytest.mark.parametrize("name", COLOURED)
def test_replace_puts_the_scene_behind_and_gimp_shows_the_numpy_composite(results: Results, name: str) -> None:
    picture = results.picture(name, "replace-scene")
    subject, background, original = picture.layers[-3:]
    assert [layer.name for layer in (subject, background, original)] == ["Subject", TITLE, "photo"]
    assert subject.mask is not None
    assert background.offsets == original.offsets
    assert not original.visible
    if name == "selection":  # outside of it the picture stays
        assert (subject.mask[selected() == 0] == 1).all()
    scene = cover(scene_picture(SCENE), HEIGHT, WIDTH) / np.float32(255)
    if name not in ("gray", "wide-gamut"):
        assert np.abs(background.pixels[..., :3] - scene).max() <= HALF_LEVEL["uint8"]
    gamma = WIDE_GAMMA if name == "wide-gamut" else None
    composite = over(subject.pixels[..., :3], subject.mask, background.pixels[..., :3], gamma)
    shown = picture.shown
    if name == "offset":
        x, y = OFFSETS
        composite, shown = composite[: shown.shape[0] - y, -x : -x + shown.shape[1]], shown[y:]
    assert np.abs(shown - composite).max() <= BLEND * max(1, composite.max())


@pytest.mark.parametrize("name", BLURRED[:3])
def test_the_blurred_room_is_the_engines_own(results: Results, engines: Engines, name: str) -> None:
    kind, picture = results.made[name], results.picture(name, "replace-blur")
    room = picture.layer("Blurred room").pixels[..., :3]
    own = blurred_room(kind.pixels, engine_of(engines, name).matte(kind.pixels).alpha, None)
    assert np.abs(room - own / np.float32(kind.top)).max() <= HALF_LEVEL[str(kind.pixels.dtype)] + FLOATING


@pytest.mark.parametrize("name", ALL)
def test_select_subject_selects_what_the_engine_finds(results: Results, engines: Engines, name: str) -> None:
    kind, picture = results.made[name], results.picture(name, "select-subject")
    assert results.call(name, "select-subject")["status"] == "success"
    assert [layer.name for layer in picture.layers] == ["photo"]
    assert picture.selected == ["photo"]
    if kind.view is None:
        assert 0.1 < picture.selection.mean() < 0.9
        return
    expected = expected_alpha(engines, results, name)
    if name == "selection":
        expected = expected * selected()
    if name == "offset":
        x, y = OFFSETS
        height, width = picture.selection.shape
        there = np.zeros((height, width), np.float32)
        there[y:] = expected[: height - y, -x : -x + width]
        expected = there
    assert np.abs(picture.selection - expected).max() <= max(tolerance(kind), HALF_LEVEL["uint8"])


@pytest.mark.parametrize("name", ALL)
def test_refining_again_is_the_engines_alpha_in_the_selection_and_the_old_mask_elsewhere(
    results: Results, engines: Engines, name: str
) -> None:
    kind, picture = results.made[name], results.picture(name, "refine-edge")
    assert results.call(name, "refine-edge")["status"] == "success"
    layer = picture.layer("photo" if name == "indexed" else "Subject")
    assert layer.mask is not None
    if kind.view is None:
        assert 0.1 < layer.mask.mean() < 0.9
        return
    expected = expected_alpha(engines, results, name, refine=True)
    if name == "selection":
        before = results.picture(name, "refine-edge", 0).layer("Subject").mask
        assert before is not None
        expected = np.where(selected() > 0, expected, before)
    assert np.abs(layer.mask - expected).max() <= tolerance(kind)
    known = np.abs(layer.pixels[..., :3] - kind.pixels / np.float32(kind.top))[layer.mask == 1]
    assert known.max() <= HALF_LEVEL[str(kind.pixels.dtype)]


@pytest.mark.parametrize("action", ["cut-out-subject", "replace-scene", "replace-blur"])
def test_a_palette_is_refused_with_what_to_do_and_nothing_changes(results: Results, action: str) -> None:
    call, picture = results.call("indexed", action), results.picture("indexed", action)
    assert call["status"] == "execution-error"
    assert call["message"] == "This image has a palette of few colours. Choose Image > Mode > RGB first."
    assert [(layer.name, layer.visible) for layer in picture.layers] == [("photo", True)]


def more(results: Results, name: str, number: int = -1) -> Picture:
    call = results.answers[name][number]
    assert call["status"] == "success", call["message"]
    return picture_of(results.home, call["image"])


def test_a_group_is_cut_out_as_it_looks_above_itself(results: Results, engines: Engines) -> None:
    picture = more(results, "a group itself")
    subject = picture.layers[0]
    assert (subject.name, subject.group) == ("Subject", "")
    assert subject.mask is not None
    expected = engines["others"].matte(results.made["8-bit"].pixels).alpha
    assert np.abs(subject.mask - expected).max() <= HALF_LEVEL["uint8"] + FLOATING
    sure = subject.mask == 1
    assert np.abs(subject.pixels[..., :3] * 255 - results.made["8-bit"].pixels)[sure].max() <= 255 * FLOATING


def test_hair_is_looked_for_where_it_is_wanted(results: Results, engines: Engines) -> None:
    plain, expected = (
        engines["others"].matte(results.made["8-bit"].pixels, Settings(decontaminate=False, refine=refine)).alpha
        for refine in (False, True)
    )
    assert np.abs(expected - plain).max() > 0.5, "it is another"
    mask = more(results, "hair", 0).layer("Subject").mask
    assert mask is not None
    assert np.abs(mask - expected).max() <= HALF_LEVEL["uint8"]
    assert np.abs(more(results, "hair").selection - expected).max() <= HALF_LEVEL["uint8"]


def test_transparent_parts_stay_transparent(results: Results) -> None:
    subject = more(results, "transparent").layer("Subject")
    assert (subject.pixels[:CLEAR, :, 3] == 0).all()
    assert (subject.pixels[CLEAR:, :, 3] == 1).all()


def test_painted_grey_is_solved_and_what_was_sure_stays(results: Results) -> None:
    before, after = (more(results, "a trimap", number).layer("Subject").mask for number in (0, 1))
    assert before is not None
    assert after is not None
    x, y, width, height = BAND
    band = (slice(y, y + height), slice(x, x + width))
    outside = np.ones_like(before, bool)
    outside[band] = False
    assert (after[outside & (before == 0)] == 0).all()
    assert (after[outside & (before == 1)] == 1).all()
    # Hair before a wall: the solver and the network agree about most of it.
    assert np.abs(after[band] - before[band]).mean() < AGREE


def test_a_trimap_may_be_another_layer(results: Results) -> None:
    mask = more(results, "a trimap drawn elsewhere").layer("photo").mask
    dark = results.made["8-bit"].pixels.max(2) <= 5
    assert mask is not None
    assert (mask[dark] == 0).all()


def test_suggestions_change_nothing_and_the_first_is_what_replace_takes(results: Results) -> None:
    suggested, replaced = results.answers["suggestions"]
    assert suggested["status"] == replaced["status"] == "success"
    scenes, reasons = suggested["values"]
    assert len(scenes) == len(reasons) == 3
    assert all(reasons)
    assert [layer.name for layer in picture_of(results.home, suggested["image"]).layers] == ["photo"]
    titles = {scene.name: scene.title for scene in still_scenes().values()}
    names = [layer.name for layer in picture_of(results.home, replaced["image"]).layers]
    assert names == ["Subject", titles[scenes[0]], "photo"]
