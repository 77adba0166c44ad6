"""Who may import whom: types and errors below pure modules, engine above them, front ends on top."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# fmt: off
PURE = {
    "band", "closed_form", "colour", "composite", "foreground", "harmonize", "instances", "look", "planes", "refine",
    "subject", "suggest", "temporal", "trimap", "working_space",
}
# fmt: on
# Module or package -> modules of this project that it may import, besides its own package's lower ones.
BASE = {"cyclorama.types", "cyclorama.errors"}
PURE_MODULES = {f"cyclorama.{name}" for name in PURE}
ENGINE = (
    BASE
    | PURE_MODULES
    | {"cyclorama.matting", "cyclorama.outfit", "cyclorama.refiner", "cyclorama.weights", "cyclorama.toml"}
)
SUGGESTING = {"cyclorama.catalogue", "cyclorama.suggesting"}
PUBLIC = (
    ENGINE
    | SUGGESTING
    | {"cyclorama", "cyclorama.memory", "cyclorama.engine", "cyclorama.matting.onnx", "cyclorama_scenes"}
)
ALLOWED = {
    "cyclorama.errors": set(),
    "cyclorama.toml": set(),
    "cyclorama.wire": set(),
    "cyclorama.ring": set(),
    "cyclorama.memory": set(),
    "cyclorama.types": {"cyclorama.errors"},
    **dict.fromkeys(PURE_MODULES, BASE | PURE_MODULES),
    "cyclorama.weights": BASE | {"cyclorama", "cyclorama.toml"},
    "cyclorama.matting": BASE
    | {
        "cyclorama.band",
        "cyclorama",
        "cyclorama.weights",
        "cyclorama.matting",
        "cyclorama.matting.onnx",
        "cyclorama.matting.onnx_file",
        "cyclorama.matting.nearer",
        "cyclorama.matting.panel",
        "cyclorama.matting.regions",
    },
    "cyclorama.outfit": BASE
    | {"cyclorama", "cyclorama.matting", "cyclorama.matting.onnx", "cyclorama.matting.portrait", "cyclorama.weights"},
    "cyclorama.refiner": BASE | PURE_MODULES | {"cyclorama", "cyclorama.matting.onnx", "cyclorama.weights"},
    "cyclorama.engine": ENGINE | {"cyclorama"},
    "cyclorama.catalogue": BASE | {"cyclorama", "cyclorama.look", "cyclorama.toml", "cyclorama.weights"},
    "cyclorama.suggesting": ENGINE | {"cyclorama.engine"},
    "cyclorama": BASE | {"cyclorama.engine"},
    "cyclorama.messages": BASE,
    "cyclorama.layers": ENGINE | {"cyclorama.engine"},
    "cyclorama.editing": ENGINE
    | SUGGESTING
    | {"cyclorama.engine", "cyclorama.layers", "cyclorama.messages", "cyclorama"},
    "cyclorama.listening": set(),
    "cyclorama.worker": PUBLIC | {"cyclorama.wire", "cyclorama.messages", "cyclorama.editing", "cyclorama.listening"},
    "cyclorama.live": PUBLIC | {"cyclorama.ring"},
    # The plug-in's own files, under the names that they have in OBS.
    "cyclorama_obs": {"cyclorama_host", "cyclorama_libs", "cyclorama_ring"},
    "cyclorama_scenes": {"cyclorama_scenes"},
    "cyclorama_weights": set(),
    # Its hosts bring a Python without NumPy.
    "cyclorama_gimp": {"cyclorama_gimp", "cyclorama.wire"},
    # Training reads video as the command does, and shows pictures on the same sheets.
    "cyclorama_training": PUBLIC
    | {"cyclorama.matting.onnx_file", "cyclorama.matting.portrait"}
    | {"cyclorama_training", "cyclorama_ffmpeg.frames", "cyclorama_ffmpeg.sheet"},
    "cyclorama_ffmpeg": PUBLIC | {"cyclorama_ffmpeg", "cyclorama_training"},
}
# Imported when a command or a backend is used, not at the top of a module.
HEAVY = {"torch", "onnxruntime", "bpy", "skimage", "cyclorama_training"}


def sources() -> list[tuple[str, Path]]:
    found = []
    for root in ("core", "ffmpeg_filter", "gimp_plugin", "obs_plugin", "training", "weights", "scenes"):
        for path in sorted((ROOT / root).rglob("*.py")):
            parts = path.relative_to(ROOT / root).with_suffix("").parts
            found.append((".".join(p for p in parts if p != "__init__"), path))
    return found


def ours(name: str) -> bool:
    return name.split(".")[0].startswith("cyclorama")


def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, whether at the top level) of every import."""
    tree = ast.parse(path.read_text("utf-8"))
    top = set(tree.body)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.module, node in top))
    return found


def rule(module: str) -> set[str]:
    while module not in ALLOWED:
        module = module.rpartition(".")[0]
    return ALLOWED[module]


def allowed(target: str, rules: set[str]) -> bool:
    if target in rules:
        return True
    package = target.split(".")[0]
    return package != "cyclorama" and package in rules


@pytest.mark.parametrize(("module", "path"), sources(), ids=lambda v: v if isinstance(v, str) else "")
def test_a_module_imports_only_what_lies_below_it(module: str, path: Path) -> None:
    wrong = [name for name, _ in imports(path) if ours(name) and not allowed(name, rule(module))]
    assert not wrong


@pytest.mark.parametrize(("module", "path"), sources(), ids=lambda v: v if isinstance(v, str) else "")
def test_heavy_packages_are_imported_where_they_are_used(module: str, path: Path) -> None:
    if module.startswith(("cyclorama_training", "cyclorama_scenes.")):
        return  # the training package and the scenes' scripts are themselves loaded when they are used
    assert not [name for name, top in imports(path) if top and name.split(".")[0] in HEAVY]


def test_the_wire_needs_the_standard_library_alone() -> None:
    path = ROOT / "core/cyclorama/wire.py"
    assert {name.split(".")[0] for name, _ in imports(path)} <= set(sys.stdlib_module_names)


def test_the_wire_is_valid_for_python_3_8() -> None:
    ast.parse((ROOT / "core/cyclorama/wire.py").read_text("utf-8"), feature_version=(3, 8))


def test_no_source_file_outgrows_its_reason_to_change() -> None:
    long = {str(path): n for _, path in sources() if (n := len(path.read_text("utf-8").splitlines())) > 420}
    assert not long
