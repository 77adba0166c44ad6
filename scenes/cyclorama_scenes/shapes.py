"""Meshes in metres (x right, y away from the camera, z up), and many of a kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import ArrayLike, NDArray

Point = tuple[float, float, float]


def mesh(name: str, vertices: ArrayLike, faces: Any, material: Any = None, *, smooth: bool = False) -> Any:
    """An object from (N, 3) vertices and lists of their indices (an (M, 3) or (M, 4) array will do)."""
    data = bpy.data.meshes.new(name)
    points = np.asarray(vertices, np.float32)
    data.vertices.add(len(points))
    data.vertices.foreach_set("co", points.ravel())
    sizes = [len(face) for face in faces]
    data.loops.add(sum(sizes))
    data.loops.foreach_set(
        "vertex_index", np.concatenate([np.ravel(face) for face in faces]).astype(np.int32) if sum(sizes) else []
    )
    data.polygons.add(len(sizes))
    data.polygons.foreach_set("loop_start", np.cumsum([0, *sizes[:-1]], dtype=np.int32) if sizes else [])
    if smooth:
        data.shade_smooth()
    data.update()
    return place(name, data, material)


def place(name: str, data: Any, material: Any = None) -> Any:
    """Puts mesh data into the scene as an object."""
    made = bpy.data.objects.new(name, data)
    if material is not None:
        data.materials.append(material)
    bpy.context.scene.collection.objects.link(made)
    return made


def moved(made: Any, at: Point, turn: Point = (0, 0, 0)) -> Any:
    """Places an object: `turn` in degrees about x, y, z."""
    made.location = at
    made.rotation_euler = tuple(np.radians(turn))
    return made


def copy(original: Any, at: Point, turn: Point = (0, 0, 0), scale: float = 1.0) -> Any:
    """Another of the same mesh: costs nothing but its place."""
    made = bpy.data.objects.new(original.name, original.data)
    bpy.context.scene.collection.objects.link(made)
    made.scale = (scale,) * 3
    return moved(made, at, turn)


def grid(name: str, x: NDArray[Any], y: NDArray[Any], z: NDArray[Any], material: Any = None) -> Any:
    """A smooth sheet through three (R, C) arrays of coordinates."""
    rows, columns = x.shape
    index = np.arange(rows * columns).reshape(rows, columns)
    corners = (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1])
    faces = np.stack([c.ravel() for c in corners], axis=1)
    return mesh(name, np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1), faces, material, smooth=True)


def box(size: Point, at: Point, material: Any, *, turn: Point = (0, 0, 0), bevel: float = 0.004) -> Any:
    """A box of `size` about its middle `at`, with edges that catch the light (`bevel`, m; 0: sharp)."""
    half = np.array(size) / 2
    corners = [(sx, sy, sz) for sz in (-1, 1) for sy in (-1, 1) for sx in (-1, 1)]
    sides = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    made = moved(mesh("box", np.array(corners) * half, sides, material), at, turn)
    if bevel:
        round_edges(made, bevel)
    return made


def round_edges(made: Any, width: float, segments: int = 2) -> None:
    """Bevels the sharp edges."""
    change = made.modifiers.new("bevel", "BEVEL")
    change.width = width
    change.segments = segments
    change.limit_method = "ANGLE"
    change.harden_normals = False


def plane(size: tuple[float, float], at: Point, material: Any, *, turn: Point = (0, 0, 0)) -> Any:
    """A rectangle that faces up until it is turned."""
    x, y = size[0] / 2, size[1] / 2
    return moved(mesh("plane", [(-x, -y, 0), (x, -y, 0), (x, y, 0), (-x, y, 0)], [(0, 1, 2, 3)], material), at, turn)


def lathe(
    profile: Sequence[tuple[float, float]], at: Point, material: Any, *, turn: Point = (0, 0, 0), sides: int = 40
) -> Any:
    """Turns a profile of (radius, height) pairs about the upright axis: vases, lamps, poles, discs."""
    radius, height = np.array(profile, float).T
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    x, y = radius[:, None] * np.cos(angle), radius[:, None] * np.sin(angle)
    return moved(grid("lathe", x, y, np.broadcast_to(height[:, None], x.shape), material), at, turn)


def cylinder(
    radius: float, height: float, at: Point, material: Any, *, turn: Point = (0, 0, 0), sides: int = 32
) -> Any:
    """A cylinder about its middle `at`, with caps and a narrow bevel."""
    edge = min(radius * 0.15, 0.004)
    low, high = -height / 2, height / 2
    profile = [
        (0, low),
        (radius - edge, low),
        (radius, low + edge),
        (radius, high - edge),
        (radius - edge, high),
        (0, high),
    ]
    made = lathe(profile, at, material, turn=turn, sides=sides)
    made.data.set_sharp_from_angle(angle=0.6)
    return made


def tube(path: ArrayLike, radius: float | ArrayLike, material: Any, *, sides: int = 10) -> Any:
    """A round bar along (N, 3) points; one radius, or one a point."""
    points = np.asarray(path, float)
    radii = np.broadcast_to(np.asarray(radius, float), (len(points),))
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    aside = np.cross(along, (0.13, 0.31, 0.94))
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    third = np.cross(along, aside)
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    ring = np.cos(angle)[None, :, None] * aside[:, None] + np.sin(angle)[None, :, None] * third[:, None]
    skin = points[:, None] + radii[:, None, None] * ring
    return grid("tube", skin[..., 0], skin[..., 1], skin[..., 2], material)


def scatter(
    originals: Sequence[Any],
    points: ArrayLike,
    *,
    seed: int,
    turn: ArrayLike | None = None,
    scale: ArrayLike | float = 1.0,
) -> Any:
    """Instances of the originals (chosen at random, themselves hidden) on (N, 3) points: grass, seats, a crowd.

    Args:
        turn: (N, 3) Euler angles in radians; without it a random turn about the upright axis.
        scale: one, or one a point.
    """
    at = np.asarray(points, np.float32)
    random = np.random.default_rng(seed)
    if turn is None:
        turn = np.column_stack([np.zeros((len(at), 2)), random.uniform(0, 2 * np.pi, len(at))])
    kinds = bpy.data.collections.new("kinds")
    for original in originals:
        for owner in original.users_collection:
            owner.objects.unlink(original)
        kinds.objects.link(original)
    data = bpy.data.meshes.new("points")
    data.vertices.add(len(at))
    data.vertices.foreach_set("co", at.ravel())
    for name, kind, values in (
        ("turn", "FLOAT_VECTOR", np.asarray(turn, np.float32)),
        ("size", "FLOAT", np.broadcast_to(np.asarray(scale, np.float32), (len(at),))),
        ("kind", "INT", random.integers(0, len(originals), len(at), dtype=np.int32)),
    ):
        attribute = data.attributes.new(name, kind, "POINT")
        attribute.data.foreach_set(
            "vector" if kind == "FLOAT_VECTOR" else "value", np.ascontiguousarray(values).ravel()
        )
    made = place("scatter", data)
    made.modifiers.new("instances", "NODES").node_group = _instancer(kinds)
    return made


def _instancer(kinds: Any) -> Any:
    tree = bpy.data.node_groups.new("instancer", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    source, sink = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    collection = tree.nodes.new("GeometryNodeCollectionInfo")
    collection.inputs["Collection"].default_value = kinds
    collection.inputs["Separate Children"].default_value = True
    collection.inputs["Reset Children"].default_value = True
    points = tree.nodes.new("GeometryNodeInstanceOnPoints")
    points.inputs["Pick Instance"].default_value = True
    tree.links.new(source.outputs[0], points.inputs["Points"])
    tree.links.new(collection.outputs[0], points.inputs["Instance"])
    for name, kind, target in (
        ("kind", "INT", "Instance Index"),
        ("turn", "FLOAT_VECTOR", "Rotation"),
        ("size", "FLOAT", "Scale"),
    ):
        attribute = tree.nodes.new("GeometryNodeInputNamedAttribute")
        attribute.data_type = kind
        attribute.inputs["Name"].default_value = name
        output = attribute.outputs[0]
        if name == "turn":
            euler = tree.nodes.new("FunctionNodeEulerToRotation")
            tree.links.new(output, euler.inputs[0])
            output = euler.outputs[0]
        tree.links.new(output, points.inputs[target])
    tree.links.new(points.outputs[0], sink.inputs[0])
    return tree


def attribute(made: Any, name: str, values: ArrayLike) -> None:
    """A number a vertex that a material can read (`surfaces.attribute`)."""
    stored = made.data.attributes.new(name, "FLOAT", "POINT")
    stored.data.foreach_set("value", np.asarray(values, np.float32).ravel())


def joined(parts: Sequence[Any]) -> Any:
    """Several objects as one, with their materials."""
    with bpy.context.temp_override(active_object=parts[0], selected_editable_objects=list(parts)):
        bpy.ops.object.join()
    return parts[0]


def sphere(radius: float, at: Point, material: Any, *, sides: int = 40) -> Any:
    """A sphere about its middle."""
    turn = np.linspace(-np.pi / 2, np.pi / 2, sides // 2)
    return lathe(np.column_stack([radius * np.cos(turn), radius * np.sin(turn)]).tolist(), at, material, sides=sides)
