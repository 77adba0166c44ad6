"""The dialogs, where there is a window to show them in."""

from __future__ import annotations

from typing import Any

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("GimpUi", "3.0")
from gi.repository import GdkPixbuf, Gimp, GimpUi, GLib, GObject, Gtk  # noqa: E402 - versions first

from cyclorama_gimp.suggestions import Suggestion  # noqa: E402
from cyclorama_gimp.translation import _  # noqa: E402

# Which argument matters for which background; the others are greyed out.
BELONGS_TO = {"scene": "scene", "picture": "picture", "colour": "colour", "blur-radius": "blur"}


def ask(procedure: Any, config: Any) -> bool:
    """Shows a procedure's arguments, as they were the last time; False where the user cancelled."""
    GimpUi.init("cyclorama")
    dialog = GimpUi.ProcedureDialog.new(procedure, config, procedure.get_menu_label().replace("_", ""))
    dialog.fill(None)
    if config.find_property("background") is not None:
        for argument, background in BELONGS_TO.items():
            values = Gimp.ValueArray.new(1)
            values.append(GObject.Value(str, background))
            dialog.set_sensitive_if_in(argument, config, "background", values, True)
    answered: bool = dialog.run()
    dialog.destroy()
    return answered


def choose(suggestions: list[Suggestion]) -> Suggestion | None:
    """Shows the suggestions with pictures and reasons; None where the user cancelled."""
    GimpUi.init("cyclorama")
    dialog = GimpUi.Dialog(title=_("Suggested Backgrounds"), role="cyclorama-suggestions")
    dialog.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
    dialog.add_button(_("_Replace Background"), Gtk.ResponseType.OK)
    dialog.set_default_response(Gtk.ResponseType.OK)
    rows = Gtk.ListBox()
    rows.set_activate_on_single_click(False)
    for suggestion in suggestions:
        rows.add(_row(suggestion))
    rows.select_row(rows.get_row_at_index(0))
    rows.connect("row-activated", lambda *_arguments: dialog.response(Gtk.ResponseType.OK))
    window = Gtk.ScrolledWindow()
    window.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
    window.set_min_content_height(min(640, 40 + len(suggestions) * (suggestions[0].height + 16)))
    window.add(rows)
    dialog.get_content_area().pack_start(window, True, True, 0)
    dialog.show_all()
    chosen = suggestions[rows.get_selected_row().get_index()] if dialog.run() == Gtk.ResponseType.OK else None
    dialog.destroy()
    return chosen


def _row(suggestion: Suggestion) -> Any:
    """One suggestion: its picture, its title and why."""
    box = Gtk.Box(orientation=Gtk.Orientation.HORIZONTAL, spacing=12, margin=6)
    data, width, height = GLib.Bytes.new(suggestion.thumbnail), suggestion.width, suggestion.height
    pixbuf = GdkPixbuf.Pixbuf.new_from_bytes(data, GdkPixbuf.Colorspace.RGB, False, 8, width, height, width * 3)
    box.pack_start(Gtk.Image.new_from_pixbuf(pixbuf), False, False, 0)
    title, reason = GLib.markup_escape_text(suggestion.title), GLib.markup_escape_text(suggestion.reason)
    label = Gtk.Label(xalign=0, wrap=True, width_chars=34, max_width_chars=40)
    label.set_markup(f"<b>{title}</b>\n{reason}")
    box.pack_start(label, True, True, 0)
    return box
