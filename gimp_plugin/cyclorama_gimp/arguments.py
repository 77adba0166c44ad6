"""The procedures' arguments: their names, meanings and defaults, once for dialogs and for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gi.repository import Gegl, Gimp, GObject

from cyclorama_gimp.translation import _

MODELS = {
    "portrait-best": _("Best for people"),
    "portrait": _("Faster"),
    "portrait-fast": _("Fastest, coarser"),
    "green-screen": _("Green screen (no network)"),
}
LIGHTS = {"srgb": _("As editors and players mix (hair)"), "linear": _("As a lens mixes (blur of focus or motion)")}
METHODS = {
    "auto": _("Selection: look again. None: solve the mask's grey"),
    "rerun": _("Look again, closer, for single hairs"),
    "trimap": _("Solve the grey of the mask (white is subject, black is not)"),
}
BACKGROUNDS = {
    "suggested": _("Suggested by the clothes and the light"),
    "scene": _("Built-in scene"),
    "picture": _("Picture file"),
    "colour": _("Colour"),
    "blur": _("The room, blurred"),
    "none": _("Nothing"),
}
LARGEST_BLUR = 500.0  # pixels; the engine's limit
READ_WRITE = GObject.ParamFlags.READWRITE


def add_model(procedure: Any) -> None:
    _choice(procedure, "model", _("Mo_del"), _("Which network or keyer finds the subject"), MODELS)


def add_decontaminate(procedure: Any) -> None:
    blurb = _("Remove the old background's colour from hair and edges")
    procedure.add_boolean_argument("decontaminate", _("Clean _edge colours"), blurb, True, READ_WRITE)


def add_hair(procedure: Any) -> None:
    blurb = _("Look at the edge again for single hairs; takes some seconds more")
    procedure.add_boolean_argument("hair", _("Draw sin_gle hairs"), blurb, False, READ_WRITE)


def add_light(procedure: Any) -> None:
    _choice(procedure, "light", _("Mi_xing at the edge"), _("How the edge mixes with what is behind"), LIGHTS)


def add_background(procedure: Any, scenes: Mapping[str, str]) -> None:
    blurb = _("What goes behind the subject")
    _choice(procedure, "background", _("_Background"), blurb, BACKGROUNDS)
    _choice(procedure, "scene", _("Sce_ne"), _("Name of the built-in scene"), scenes)
    blurb = _("Picture file, scaled to cover the layer")
    action = Gimp.FileChooserAction.OPEN
    procedure.add_file_argument("picture", _("_Picture"), blurb, action, True, None, READ_WRITE)
    green = Gegl.Color.new("#00b140")
    procedure.add_color_argument("colour", _("Colo_ur"), _("Colour behind the subject"), False, green, READ_WRITE)
    blurb = _("Standard deviation of the blur in pixels; 0: 2 % of the longer side")
    procedure.add_double_argument("blur-radius", _("Blur rad_ius"), blurb, 0.0, LARGEST_BLUR, 0.0, READ_WRITE)


def add_count(procedure: Any) -> None:
    procedure.add_int_argument("count", _("Co_unt"), _("How many scenes are suggested"), 1, 20, 6, READ_WRITE)
    procedure.add_string_array_return_value("scenes", "scenes", _("Names of the scenes, the best first"), READ_WRITE)
    procedure.add_string_array_return_value("reasons", "reasons", _("Why each of them fits"), READ_WRITE)


def add_method(procedure: Any) -> None:
    _choice(procedure, "method", _("Me_thod"), _("How the edge is refined"), METHODS)
    blurb = _("Trimap in place of the mask: a layer or channel, white subject, black background, grey unknown")
    procedure.add_drawable_argument("trimap", _("Trima_p"), blurb, True, READ_WRITE)


def _choice(procedure: Any, name: str, label: str, blurb: str, values: Mapping[str, str]) -> None:
    """A choice whose first value is the default."""
    choice = Gimp.Choice.new()
    for number, (value, words) in enumerate(values.items()):
        choice.add(value, number, words, "")
    procedure.add_choice_argument(name, label, blurb, choice, next(iter(values)), READ_WRITE)
