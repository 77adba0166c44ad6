"""Runs inside of a GIMP with a window: opens a picture, and keeps writing down what became of it."""

import json
import time
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, Gio  # noqa: E402

HOME = Path(TASK["home"])  # noqa: F821 - given by whoever runs this file

image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(HOME / TASK["picture"])))  # noqa: F821
image.clean_all()
Gimp.Display.new(image)
while image.is_valid():
    layers = [
        {"name": layer.get_name(), "visible": layer.get_visible(), "mask": layer.get_mask() is not None}
        for layer in image.get_layers()
    ]
    state = {"layers": layers, "selected": not Gimp.Selection.is_empty(image), "dirty": image.is_dirty()}
    (HOME / "state.part").write_text(json.dumps(state))
    (HOME / "state.part").rename(HOME / "state.json")
    time.sleep(0.2)
