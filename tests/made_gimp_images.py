"""Runs inside of GIMP: makes images, calls the plug-in's procedures on them, and writes down what became of them.

GIMP's Python has no NumPy: pixels are raw files, which `test_gimp.py` writes and reads. `TASK` holds the cases.
"""

import json
import os
import time
from pathlib import Path

import gi

gi.require_version("Babl", "0.1")
gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Babl, Gegl, Gimp, Gio  # noqa: E402

HOME = Path(TASK["home"])  # noqa: F821 - given by whoever runs this file
BASES = {"rgb": Gimp.ImageBaseType.RGB, "gray": Gimp.ImageBaseType.GRAY, "indexed": Gimp.ImageBaseType.RGB}


def own(name, drawable):
    """A babl format's name in a drawable's colour space."""
    return Babl.get_name(Babl.format_with_space(name, Babl.format_get_space(drawable.get_format())))


def make(case):
    """The image and the layer of a case."""
    height, width = case["size"]
    canvas_height, canvas_width = case.get("canvas", case["size"])
    base = BASES[case["base"]]
    image = Gimp.Image.new_with_precision(canvas_width, canvas_height, base, getattr(Gimp.Precision, case["precision"]))
    if "profile" in case:
        profile = (HOME / case["profile"]).read_bytes()
        image.set_color_profile(Gimp.ColorProfile.new_from_icc_profile(profile))
    alpha = case.get("channels", 3) == 4
    kinds = {
        (False, False): Gimp.ImageType.RGB_IMAGE,
        (False, True): Gimp.ImageType.RGBA_IMAGE,
        (True, False): Gimp.ImageType.GRAY_IMAGE,
        (True, True): Gimp.ImageType.GRAYA_IMAGE,
    }
    kind = kinds[(case["base"] == "gray", alpha)]
    layer = Gimp.Layer.new(image, "photo", width, height, kind, 100, Gimp.LayerMode.NORMAL)
    layer.set_offsets(*case.get("offsets", (0, 0)))
    name = f"R'G'B'{'A' if alpha else ''} {case['sample']}"
    data = (HOME / case["file"]).read_bytes()
    layer.get_buffer().set(Gegl.Rectangle.new(0, 0, width, height), own(name, layer), data)
    image.insert_layer(layer, None, 0)
    if case.get("group"):
        group = Gimp.GroupLayer.new(image, "group")
        image.insert_layer(group, None, 0)
        image.reorder_item(layer, group, 0)
    if case["base"] == "indexed":
        image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 64, False, False, "")
    if "selection" in case:
        image.select_rectangle(Gimp.ChannelOps.REPLACE, *case["selection"])
    return image


def layers_of(parent):
    """All layers, those of groups after their group."""
    for layer in parent:
        yield layer
        if layer.is_group_layer():
            yield from layers_of(layer.get_children())


def call(image, wish):
    """Runs a procedure; its status, its message and its seconds."""
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-cyclorama-" + wish["procedure"])
    config = procedure.create_config()
    config.set_property("image", image)
    by_name = {layer.get_name(): layer for layer in layers_of(image.get_layers())}
    config.set_core_object_array("drawables", [by_name[name] for name in wish.get("layers", ["photo"])])
    for name, value in wish.get("arguments", {}).items():
        if name == "picture":
            value = Gio.File.new_for_path(str(HOME / value))
        elif name == "colour":
            value = Gegl.Color.new(value)
        elif name == "trimap":
            value = by_name[value]
        config.set_property(name, value)
    start = time.perf_counter()
    result = procedure.run(config)
    seconds = time.perf_counter() - start
    error = Gimp.get_pdb().get_last_error()
    values = [result.index(index) for index in range(1, result.length())]
    status = result.index(0).value_nick
    done = {"status": status, "message": error, "seconds": seconds, "values": [list(v) for v in values]}
    if times := os.environ.get("CYCLORAMA_GIMP_TIMES"):
        done["stages"] = json.loads(Path(times).read_text())
    return done


def paint(image, wish):
    """Sets a rectangle of a layer's mask to one value, as a brush does."""
    by_name = {layer.get_name(): layer for layer in layers_of(image.get_layers())}
    mask = by_name[wish["layer"]].get_mask()
    x, y, width, height = wish["rectangle"]
    mask.get_buffer().set(Gegl.Rectangle.new(x, y, width, height), "Y u8", bytes([wish["value"]]) * (width * height))
    mask.update(x, y, width, height)


def add_mask(image, wish):
    """Gives a layer a white mask."""
    layer = next(each for each in layers_of(image.get_layers()) if each.get_name() == wish["layer"])
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.WHITE))


def set_engine(_image, wish):
    """Changes what the plug-in starts; None: its file is gone."""
    file = HOME / "profile/plug-ins/cyclorama-gimp/engine.json"
    file.unlink(missing_ok=True)
    if wish["command"] is not None:
        file.write_text(json.dumps({"command": wish["command"], "warm": wish.get("warm", True)}))


SET_UP = {"paint": paint, "mask": add_mask, "engine": set_engine}


def dump(drawable, name, stem):
    """Writes a whole drawable in a format of babl's and returns the file's name."""
    area = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    (HOME / stem).write_bytes(drawable.get_buffer().get(area, 1.0, name, Gegl.AbyssPolicy.NONE))
    return stem


def describe(image, stem):
    """All that is to be seen of an image."""
    layers = []
    for index, layer in enumerate(layers_of(image.get_layers())):
        mask = layer.get_mask()
        parent = layer.get_parent()
        layers.append(
            {
                "name": layer.get_name(),
                "group": parent.get_name() if parent else "",
                "visible": layer.get_visible(),
                "offsets": layer.get_offsets()[1:],
                "size": [layer.get_height(), layer.get_width()],
                "pixels": dump(layer, own("R'G'B'A float", layer), f"{stem}-{index}.pixels"),
                "mask": dump(mask, "Y float", f"{stem}-{index}.mask") if mask else "",
                "srgb": dump(layer, "R'G'B' u8", f"{stem}-{index}.srgb"),
            }
        )
    selection = dump(image.get_selection(), "Y float", f"{stem}.selection")
    flat = image.duplicate()
    flat.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, flat.get_width(), flat.get_height())
    merged = flat.flatten()
    shown = dump(merged, own("R'G'B'A float", merged), f"{stem}.shown")
    selected = [layer.get_name() for layer in image.get_selected_layers()]
    size = [image.get_height(), image.get_width()]
    flat.delete()
    return {"layers": layers, "selection": selection, "shown": shown, "size": size, "selected": selected}


def main():
    answers = {}
    for case in TASK["cases"]:  # noqa: F821
        image = make(case)
        calls = []
        for number, wish in enumerate(case["calls"]):
            if wish["procedure"] in SET_UP:
                SET_UP[wish["procedure"]](image, wish)
                continue
            done = call(image, wish)
            done["image"] = describe(image, f"{case['stem']}-{number}") if case.get("describe", True) else None
            calls.append(done)
        answers[case["name"]] = calls
        image.delete()
    (HOME / "answer.part").write_text(json.dumps(answers))
    (HOME / "answer.part").rename(HOME / "answer.json")


main()
