"""Materials: every surface is made from noise in metres, so that nothing tiles and nothing is plastic.

Patterns live in an object's own coordinates, shifted by a random number of each instance: wood follows the plank,
and no two chairs are stained alike.
"""

from __future__ import annotations

from typing import Any

import bpy

Colour = tuple[float, float, float]  # linear reflectance, 0...1


def node(tree: Any, kind: str, **values: Any) -> Any:
    """Adds a shader node: capitalised names are its inputs (a socket is linked), others its properties.

    `Factor_Float` and the like stand for inputs that have a blank in their name.
    """
    made = tree.nodes.new(kind)
    for name, value in values.items():
        if name[0].isupper():
            put(tree, made.inputs[name.replace("_", " ")], value)
        else:
            setattr(made, name, value)
    return made


def put(tree: Any, socket: Any, value: Any) -> None:
    """Links an output to the socket, or sets its value; a colour of three numbers is made opaque."""
    if isinstance(value, bpy.types.NodeSocket):
        tree.links.new(value, socket)
    elif socket.type == "RGBA" and len(value) == 3:
        socket.default_value = (*value, 1.0)
    else:
        socket.default_value = value


def blank(name: str) -> tuple[Any, Any, Any]:
    """A new material with a Principled surface: the material, its node tree, the Principled node."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    tree = made.node_tree
    return made, tree, tree.nodes["Principled BSDF"]


def coordinates(tree: Any, stretch: tuple[float, float, float] = (1, 1, 1), *, world: bool = False) -> Any:
    """Metres in the object, moved at random for each instance; `stretch` > 1 draws a pattern out along that axis."""
    if world:
        place = node(tree, "ShaderNodeNewGeometry").outputs["Position"]
    else:
        place = node(tree, "ShaderNodeTexCoord").outputs["Object"]
        shift = node(tree, "ShaderNodeMath", operation="MULTIPLY")
        tree.links.new(node(tree, "ShaderNodeObjectInfo").outputs["Random"], shift.inputs[0])
        shift.inputs[1].default_value = 97.0
        moved = node(tree, "ShaderNodeVectorMath", operation="ADD")
        tree.links.new(place, moved.inputs[0])
        tree.links.new(shift.outputs[0], moved.inputs[1])
        place = moved.outputs[0]
    return node(tree, "ShaderNodeMapping", Vector=place, Scale=tuple(1 / s for s in stretch)).outputs[0]


def noise(tree: Any, place: Any, size: float, *, octaves: float = 4, rough: float = 0.55, warp: float = 0.0) -> Any:
    """Fractal noise 0...1 about 0.5 with features of `size` metres."""
    made = node(tree, "ShaderNodeTexNoise", Vector=place, Scale=1 / size, Detail=octaves)
    made.inputs["Roughness"].default_value = rough
    made.inputs["Distortion"].default_value = warp
    return made.outputs[0]


def ramp(tree: Any, value: Any, *stops: tuple[float, Colour | float]) -> Any:
    """Colours (or greys) along a value: (position, colour) pairs in order."""
    made = node(tree, "ShaderNodeValToRGB", Fac=value)
    while len(made.color_ramp.elements) < len(stops):
        made.color_ramp.elements.new(1.0)
    for element, (position, colour) in zip(made.color_ramp.elements, stops, strict=True):
        element.position = position
        rgb = (colour,) * 3 if isinstance(colour, (int, float)) else colour
        element.color = (*rgb, 1.0)
    return made.outputs[0]


def mix(tree: Any, share: Any, first: Any, second: Any, blend: str = "MIX") -> Any:
    """Colour between two (sockets or colours); `blend` as Blender names it (MIX, MULTIPLY, OVERLAY, ADD)."""
    made = node(tree, "ShaderNodeMix", data_type="RGBA", blend_type=blend)
    for socket, value in ((made.inputs[0], share), (made.inputs[6], first), (made.inputs[7], second)):
        put(tree, socket, value)
    return made.outputs[2]


def bump(tree: Any, height: Any, depth: float, before: Any = None) -> Any:
    """A normal from a height of 0...1 that stands for `depth` metres."""
    made = node(tree, "ShaderNodeBump", Height=height, Distance=depth, Strength=1.0)
    if before is not None:
        tree.links.new(before, made.inputs["Normal"])
    return made.outputs[0]


def material(
    name: str,
    colour: Colour,
    *,
    second: Colour | None = None,
    size: float = 0.4,
    stretch: tuple[float, float, float] = (1, 1, 1),
    roughness: float = 0.6,
    worn: float = 0.12,
    relief: float = 0.0,
    relief_size: float = 0.02,
    metallic: float = 0.0,
    specular: float = 0.5,
    coat: float = 0.0,
    sheen: float = 0.0,
    world: bool = False,
) -> Any:
    """Anything opaque: two colours in noise of `size` metres, uneven roughness (+-`worn`) and a relief in metres."""
    made, tree, surface = blank(name)
    place = coordinates(tree, stretch, world=world)
    pattern = noise(tree, place, size)
    if second is None:
        second = (colour[0] * 0.72, colour[1] * 0.72, colour[2] * 0.72)
    put(tree, surface.inputs["Base Color"], ramp(tree, pattern, (0.3, second), (0.7, colour)))
    smudges = noise(tree, place, size * 0.37, rough=0.7)
    low, high = max(roughness - worn, 0.02), min(roughness + worn, 1.0)
    put(tree, surface.inputs["Roughness"], ramp(tree, smudges, (0.3, low), (0.7, high)))
    if relief:
        put(tree, surface.inputs["Normal"], bump(tree, noise(tree, place, relief_size, octaves=2), relief))
    surface.inputs["Metallic"].default_value = metallic
    surface.inputs["Specular IOR Level"].default_value = specular
    surface.inputs["Coat Weight"].default_value = coat
    surface.inputs["Sheen Weight"].default_value = sheen
    return made


def plaster(name: str, colour: Colour, *, relief: float = 0.0015) -> Any:
    """A painted wall: broad unevenness of the roller, and the roller's grain."""
    dark = (colour[0] * 0.93, colour[1] * 0.92, colour[2] * 0.90)
    return material(
        name, colour, second=dark, size=1.3, roughness=0.85, worn=0.08, relief=relief, relief_size=0.03, specular=0.3
    )


def concrete(name: str, colour: Colour = (0.36, 0.35, 0.33), *, roughness: float = 0.75) -> Any:
    """Cast concrete: clouds, stains and pores."""
    made, tree, surface = blank(name)
    place = coordinates(tree)
    clouds = ramp(tree, noise(tree, place, 1.1, octaves=6, rough=0.62), (0.25, 0.62), (0.75, 1.15))
    stains = ramp(tree, noise(tree, place, 0.35, warp=1.5), (0.35, 0.75), (0.55, 1.0))
    put(
        tree,
        surface.inputs["Base Color"],
        mix(tree, 1.0, mix(tree, 1.0, colour, clouds, "MULTIPLY"), stains, "MULTIPLY"),
    )
    put(tree, surface.inputs["Roughness"], ramp(tree, clouds, (0.0, roughness - 0.15), (1.0, roughness + 0.1)))
    put(tree, surface.inputs["Normal"], bump(tree, noise(tree, place, 0.012, octaves=2), 0.002))
    return made


def wood(
    name: str, colour: Colour, dark: Colour, *, along: str = "x", roughness: float = 0.45, plank: float = 0.0
) -> Any:
    """Wood with its fibres `along` an axis; `plank` > 0: floor boards of that width (m) lying in the xy plane."""
    made, tree, surface = blank(name)
    stretch = {"x": (14.0, 1, 1), "y": (1, 14.0, 1), "z": (1, 1, 14.0)}[along]
    place = coordinates(tree, stretch)
    shade: Any = 1.0
    gap: Any = None
    if plank:
        lay = node(tree, "ShaderNodeMapping", Vector=coordinates(tree))
        lay.inputs["Rotation"].default_value[2] = 0.0 if along == "x" else 1.5707963
        boards = node(
            tree,
            "ShaderNodeTexBrick",
            Vector=lay.outputs[0],
            Scale=1.0,
            Color1=(0, 0, 0),
            Color2=(1, 1, 1),
            Mortar=(0.5, 0.5, 0.5),
            offset=0.37,
        )
        for key, value in {"Mortar Size": 0.0015, "Brick Width": plank * 11, "Row Height": plank}.items():
            boards.inputs[key].default_value = value
        shade = ramp(tree, boards.outputs["Color"], (0.0, 0.72), (1.0, 1.12))
        gap = boards.outputs["Fac"]
        # Each board is cut from another place of the tree.
        jump = node(tree, "ShaderNodeVectorMath", operation="SCALE", Scale=31.0)
        tree.links.new(boards.outputs["Color"], jump.inputs[0])
        moved = node(tree, "ShaderNodeVectorMath", operation="ADD")
        tree.links.new(place, moved.inputs[0])
        tree.links.new(jump.outputs[0], moved.inputs[1])
        place = moved.outputs[0]
    rings = noise(tree, place, 0.06, octaves=5, rough=0.6, warp=1.2)
    fibres = noise(tree, place, 0.004, octaves=3, rough=0.7)
    base = mix(
        tree, 0.35, ramp(tree, rings, (0.32, dark), (0.62, colour)), ramp(tree, fibres, (0.3, dark), (0.7, colour))
    )
    if plank:
        base = mix(tree, 1.0, base, shade, "MULTIPLY")
        base = mix(tree, gap, base, (dark[0] * 0.2, dark[1] * 0.2, dark[2] * 0.2))
    put(tree, surface.inputs["Base Color"], base)
    put(tree, surface.inputs["Roughness"], ramp(tree, rings, (0.2, roughness + 0.12), (0.8, roughness - 0.08)))
    put(tree, surface.inputs["Normal"], bump(tree, fibres, 0.0006))
    return made


def fabric(name: str, colour: Colour, *, thread: float = 0.002, folds: float = 0.0) -> Any:
    """Woven cloth: two crossed waves of threads under stains, with a soft sheen; `folds`: metres of slack relief."""
    made, tree, surface = blank(name)
    place = coordinates(tree)
    dark = (colour[0] * 0.6, colour[1] * 0.6, colour[2] * 0.6)
    put(
        tree,
        surface.inputs["Base Color"],
        ramp(tree, noise(tree, place, 0.15, octaves=5, rough=0.7), (0.25, dark), (0.7, colour)),
    )
    weave = noise(tree, place, thread * 2, octaves=2)
    normal = bump(tree, weave, thread * 0.5)
    if folds:
        normal = bump(tree, noise(tree, place, 0.25, octaves=3, warp=0.8), folds, normal)
    put(tree, surface.inputs["Normal"], normal)
    surface.inputs["Roughness"].default_value = 0.9
    surface.inputs["Sheen Weight"].default_value = 0.35
    return made


def metal(name: str, colour: Colour = (0.55, 0.55, 0.56), *, roughness: float = 0.3) -> Any:
    """Bare or brushed metal with fingerprints."""
    return material(name, colour, size=0.15, roughness=roughness, worn=0.1, metallic=1.0)


def glass(name: str, tint: Colour = (0.96, 0.98, 0.97), *, mirror: float = 0.06) -> Any:
    """A thin pane: light goes straight through it (no caustics to wait for), a share of it is mirrored."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    tree = made.node_tree
    tree.nodes.remove(tree.nodes["Principled BSDF"])
    through = node(tree, "ShaderNodeBsdfTransparent", Color=tint)
    shine = node(tree, "ShaderNodeBsdfGlossy", Roughness=0.0)
    facing = node(tree, "ShaderNodeLayerWeight", Blend=0.15)
    share = node(tree, "ShaderNodeMath", operation="MULTIPLY_ADD")
    tree.links.new(facing.outputs["Fresnel"], share.inputs[0])
    share.inputs[1].default_value = 0.7
    share.inputs[2].default_value = mirror
    both = node(tree, "ShaderNodeMixShader", Fac=share.outputs[0])
    tree.links.new(through.outputs[0], both.inputs[1])
    tree.links.new(shine.outputs[0], both.inputs[2])
    tree.links.new(both.outputs[0], tree.nodes["Material Output"].inputs["Surface"])
    return made


def glowing(name: str, colour: Colour, strength: float, *, lights: bool = True) -> Any:
    """A light that is seen: radiance `colour` x `strength`, W/(m2 sr).

    Args:
        lights: False where a `rendering.area` does the lighting: many small lamps are slow to sample.
    """
    made, tree, surface = blank(name)
    put(tree, surface.inputs["Base Color"], (0.0, 0.0, 0.0))
    put(tree, surface.inputs["Emission Color"], colour)
    surface.inputs["Emission Strength"].default_value = strength
    if not lights:
        made.cycles.emission_sampling = "NONE"
    return made


def attribute(tree: Any, name: str) -> Any:
    """The value that `shapes.attribute` put on the vertices."""
    return node(tree, "ShaderNodeAttribute", attribute_name=name).outputs["Fac"]


def arithmetic(tree: Any, operation: str, *values: Any) -> Any:
    """One of Blender's Math operations on sockets or numbers."""
    made = node(tree, "ShaderNodeMath", operation=operation)
    for socket, value in zip(made.inputs, values, strict=False):
        put(tree, socket, value)
    return made.outputs[0]


def span(tree: Any, value: Any, low: float, high: float, to: tuple[float, float] = (0.0, 1.0)) -> Any:
    """Maps low...high to `to`, smoothly, and holds it beyond."""
    made = node(tree, "ShaderNodeMapRange", Value=value, From_Min=low, From_Max=high, To_Min=to[0], To_Max=to[1])
    made.interpolation_type = "SMOOTHSTEP"
    return made.outputs[0]


def hazed(made: Any, colour: Colour, distance: float) -> Any:
    """Air between the camera and the surface: half is lost in `distance` x 0.7 metres, `colour` comes instead."""
    made.cycles.emission_sampling = "NONE"  # air is no lamp
    tree = made.node_tree
    output = tree.nodes["Material Output"]
    surface = output.inputs["Surface"].links[0].from_socket
    far = node(tree, "ShaderNodeCameraData").outputs["View Distance"]
    left = arithmetic(tree, "EXPONENT", arithmetic(tree, "MULTIPLY", far, -1 / distance))
    air = node(tree, "ShaderNodeEmission", Color=colour)
    both = node(tree, "ShaderNodeMixShader", Fac=left)
    tree.links.new(air.outputs[0], both.inputs[1])
    tree.links.new(surface, both.inputs[2])
    tree.links.new(both.outputs[0], output.inputs["Surface"])
    return made
