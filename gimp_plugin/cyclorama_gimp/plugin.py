"""What GIMP sees: the procedures with their menu entries, and how one of them is run."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gi

gi.require_version("Babl", "0.1")
gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Gegl, Gimp, Gio, GLib, GObject  # noqa: E402 - versions first

from cyclorama_gimp import actions, arguments  # noqa: E402
from cyclorama_gimp.actions import Wish  # noqa: E402
from cyclorama_gimp.connection import EngineError, scene_titles  # noqa: E402
from cyclorama_gimp.progress import Progress  # noqa: E402
from cyclorama_gimp.stack import Refusal  # noqa: E402
from cyclorama_gimp.suggestions import Suggestion  # noqa: E402
from cyclorama_gimp.translation import _  # noqa: E402

MENU = "<Image>/Filters/Cyclorama"
ICON = Path(__file__).parent / "cyclorama.svg"
PREFIX = "plug-in-cyclorama-"
FIXED = ("image", "drawables", "run-mode")  # arguments that every procedure has from GIMP


Act = Callable[[Any, "list[Any]", Wish, Progress], "list[Suggestion] | None"]


@dataclass(frozen=True)
class Entry:
    """One menu entry and procedure.

    Attributes:
        label: in the menu; "..." at its end says that a dialog comes.
        blurb: one line of help.
        help: what it does, in full.
        add: adds its own arguments.
        act: does it; where it returns suggestions, the user chooses one of them.
    """

    label: str
    blurb: str
    help: str
    add: tuple[Callable[[Any], None], ...]
    act: Act

    def asks(self, procedure: Any) -> bool:
        """Whether a dialog for the arguments comes first."""
        return procedure.find_argument("background") is not None


def _add_background(procedure: Any) -> None:
    try:
        scenes = scene_titles()
    except EngineError:  # a plug-in without them still has pictures and colours
        scenes = {"": _("None")}
    arguments.add_background(procedure, scenes)


COMMON = (arguments.add_hair, arguments.add_decontaminate, arguments.add_light, arguments.add_model)
ENTRIES = {
    "replace-background": Entry(
        _("_Replace Background..."),
        _("Put a scene, picture, colour or blur behind the people in a layer"),
        _(
            "Adds the subject as a new layer with an editable mask and cleaned edge colours, and the background as a "
            "layer of its own under it. The original layer is hidden, never changed. With a selection the background "
            "is replaced inside of it alone."
        ),
        (_add_background, *COMMON),
        actions.replace_background,
    ),
    "suggest-background": Entry(
        _("S_uggest Background..."),
        _("Show backgrounds that go with what the people in a layer wear, to choose from"),
        _(
            "Looks at the clothes and the light of the people in a layer, and shows them before the scenes that fit "
            "best, each with the reason. The chosen one is put behind them as Replace Background does. "
            "Non-interactively it changes nothing and returns the scenes' names."
        ),
        (arguments.add_count, *COMMON),
        actions.suggest_background,
    ),
    "cut-out-subject": Entry(
        _("_Cut Out Subject"),
        _("Put the people in a layer on a new layer with a mask"),
        _(
            "Adds the subject as a new layer with an editable mask and cleaned edge colours. The original layer is "
            "hidden, never changed. With a selection the subject is looked for inside of it alone."
        ),
        COMMON,
        actions.cut_out_subject,
    ),
    "select-subject": Entry(
        _("_Select Subject"),
        _("Select the people in a layer"),
        _("Makes a soft selection of the subject. With a selection the subject is looked for inside of it alone."),
        (arguments.add_hair, arguments.add_model),
        actions.select_subject,
    ),
    "refine-edge": Entry(
        _("Refine _Edge"),
        _("Make the mask of a cut-out better"),
        _(
            "With a selection: looks at the selected part again, closer, and makes the mask anew there. Without one: "
            "solves the parts of the layer's mask that are grey; paint grey over an edge, white over what is surely "
            "the subject and black over what surely is not. A layer or channel can be given as the trimap instead."
        ),
        (arguments.add_method, arguments.add_decontaminate, arguments.add_model),
        actions.refine_edge,
    ),
}


class Cyclorama(Gimp.PlugIn):
    """The plug-in."""

    def do_query_procedures(self) -> list[str]:
        return [PREFIX + name for name in ENTRIES]

    def do_set_i18n(self, _name: str) -> bool:
        return False  # the words come translated, by Python's gettext

    def do_create_procedure(self, name: str) -> Any:
        # GIMP does so for a plug-in that runs, and not for one that is asked who it is; without it the first
        # colour ends the process.
        Gegl.init(None)
        entry = ENTRIES[name.removeprefix(PREFIX)]
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, entry)
        procedure.set_image_types("*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        procedure.set_menu_label(entry.label)
        procedure.add_menu_path(MENU)
        procedure.set_icon_file(Gio.File.new_for_path(str(ICON)))
        procedure.set_documentation(entry.blurb, entry.help, name)
        procedure.set_attribution("The Cyclorama developers", "The Cyclorama developers, AGPL-3.0-or-later", "2026")
        for add in entry.add:
            add(procedure)
        return procedure


def run(procedure: Any, mode: Any, image: Any, drawables: list[Any], config: Any, entry: Entry) -> Any:
    """Runs one procedure; whatever goes wrong becomes one plain sentence that GIMP shows."""
    interactive = mode == Gimp.RunMode.INTERACTIVE
    try:
        if interactive and entry.asks(procedure):
            from cyclorama_gimp import dialogs  # GTK needs a display

            if not dialogs.ask(procedure, config):
                return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
        wish = {
            spec.name.replace("-", "_"): config.get_property(spec.name)
            for spec in procedure.get_arguments()
            if spec.name not in FIXED
        }
        found = _act(entry.label, entry.act, image, drawables, wish)
        if found and interactive:
            from cyclorama_gimp import dialogs

            chosen = dialogs.choose(found)
            if chosen is None:
                return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
            wish = {**wish, "background": "scene", "scene": chosen.scene}
            _act(entry.label, actions.replace_background, image, drawables, wish)
    except (Refusal, EngineError) as error:
        return _failure(procedure, str(error))
    except MemoryError:
        words = _("There is not enough memory for this layer: close other programs or scale it down.")
        return _failure(procedure, words)
    except Exception as error:  # noqa: BLE001 - GIMP swallows exceptions, and the user would see nothing at all
        traceback.print_exc()
        words = _("This is a fault in Cyclorama; please report it: {error}")
        return _failure(procedure, words.format(error=f"{type(error).__name__}: {error}"))
    Gimp.displays_flush()
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, GLib.Error())
    if found:
        _put(values, 1, [each.scene for each in found])
        _put(values, 2, [each.reason for each in found])
    return values


def _act(label: str, act: Act, image: Any, drawables: list[Any], wish: Wish) -> list[Suggestion] | None:
    progress = Progress(label.replace("_", "").removesuffix("..."))
    try:
        return act(image, list(drawables), wish, progress)
    finally:
        progress.end()


def _put(values: Any, index: int, words: list[str]) -> None:
    """Sets a return value that is a list of words."""
    values.remove(index)
    values.insert(index, GObject.Value(GObject.TYPE_STRV, words))


def _failure(procedure: Any, message: str) -> Any:
    return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, GLib.Error(message))


def main() -> None:
    Gimp.main(Cyclorama.__gtype__, sys.argv)
