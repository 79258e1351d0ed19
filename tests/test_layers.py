"""The layers: a file imports from lower ones or from its own folder, and heavy libraries stay at the edge."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import geoinfinite

SOURCE = Path(geoinfinite.__file__).parent
LAYERS = (
    "errors token file_memo provenance progress html_tables ignored_warnings",
    "plane told",
    "diffusion rasters",
    "tiling samplers evaluation",
    "models conditions",
    "recipe",
    "engine",
    "arrays",
    "views",
    "world",
    "editing",
    "stores",
    "serve chips",
    "cli testing",
)
FOLDERS = {
    "models": "analytic networks onnx diffusers earth converting systems",
    "stores": "objects pools jobs files",
    "cli": "arguments",
}
"""The folders within a room; each imports only those before it."""
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names.split()}
HEAVY = "torch", "diffusers", "safetensors"
HEAVY_FILES = (
    "chips/dataset.py",
    "evaluation/orthophotos.py",
    "evaluation/sentinel.py",
    "models/converting/average.py",
    "models/converting/control.py",
    "models/converting/first_stage.py",
    "models/converting/fitting.py",
    "models/converting/parts.py",
    "models/converting/pickles.py",
    "models/converting/plain_unet.py",
    "models/converting/schedule.py",
    "models/converting/text.py",
    "models/converting/unet.py",
    "models/converting/writing.py",
    "models/device_noise.py",
    "models/diffusers/autoencoder.py",
    "models/diffusers/controls.py",
    "models/diffusers/frozen_norm.py",
    "models/diffusers/inputs.py",
    "models/diffusers/local_attention.py",
    "models/diffusers/said.py",
    "models/diffusers/stock.py",
    "models/diffusers/text_encoder.py",
    "models/diffusers/tiles.py",
    "models/diffusers/weights.py",
    "models/earth/calibration.py",
    "models/earth/colours.py",
    "models/earth/detail.py",
    "models/earth/detail_tiles.py",
    "models/earth/network.py",
    "models/earth/shores.py",
    "models/earth/stray.py",
    "models/earth/tiles.py",
    "models/networks/box_encoder.py",
    "models/networks/control3d.py",
    "models/networks/layout_attention.py",
    "models/networks/layout_mask.py",
    "models/networks/loading.py",
    "models/networks/location_chain.py",
    "models/networks/metadata_embedder.py",
    "models/networks/patch_embedder.py",
    "models/networks/satclip.py",
    "models/networks/summarizer.py",
    "models/onnx/graph.py",
    "models/onnx/network.py",
    "models/systems/aerogen/classes.py",
    "models/systems/aerogen/inputs.py",
    "models/systems/diffusionsat/inputs.py",
    "models/systems/geosynth/inputs.py",
    "models/systems/large_image_diffusion/inputs.py",
    "models/systems/small_networks.py",
    "models/systems/zoomldm/inputs.py",
    "models/threads.py",
)


def files() -> dict[str, ast.Module]:
    """Every file of the package but its public face, by path."""
    paths = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")
    return {path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text()) for path in paths}


NAMED = re.compile(r"geoinfinite(\.[a-z_]+)+(:\w+)?")
"""A module, or something in it, by its name in a string."""


def statements(tree: ast.AST) -> Iterator[str]:
    """Modules imported by statements."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def imports(tree: ast.AST) -> Iterator[str]:
    """Modules that are imported, also those whose name stands in a string to be imported later."""
    yield from statements(tree)
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            found = NAMED.fullmatch(node.value)
            # The name of a file of ours is no module.
            if found and not node.value.endswith((".toml", ".json")):
                yield node.value.partition(":")[0]


def inner_imports(tree: ast.AST) -> Iterator[str]:
    """Modules imported by statements inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from statements(node)


def piece(path: str) -> str:
    """The module or folder of the package that a file belongs to."""
    return path.partition("/")[0].removesuffix(".py")


def own(names: Iterator[str]) -> set[str]:
    """The pieces of geoinfinite among imported modules; the group of entry points is none."""
    modules = (name for name in names if name != "geoinfinite.systems")
    return {name.split(".")[1] for name in modules if name.startswith("geoinfinite.")}


def test_every_piece_has_a_layer() -> None:
    assert {piece(path) for path in files()} <= set(RANK)


def test_files_import_only_from_lower_layers_or_their_own() -> None:
    upward = [
        f"{path} imports {name}"
        for path, tree in files().items()
        for name in own(imports(tree)) - {piece(path)}
        if RANK[name] > RANK[piece(path)] or RANK[name] == RANK[piece(path)]
    ]
    assert upward == []


def test_folders_within_a_room_import_only_earlier_ones() -> None:
    found: dict[str, set[str]] = {}
    for path, tree in files().items():
        room, *inner = path.split("/")[:-1] or [""]
        if not inner:
            continue
        found.setdefault(room, set()).add(inner[0])
        order = FOLDERS[room].split()
        for name in imports(tree):
            other = name.removeprefix("geoinfinite.").split(".")
            if other[0] == room and len(other) > 1 and other[1] in order:
                assert order.index(other[1]) <= order.index(inner[0]), f"{path} imports {name}"
    assert found == {room: set(order.split()) for room, order in FOLDERS.items()}


def test_pieces_have_no_cycle() -> None:
    needs: dict[str, set[str]] = {}
    for path, tree in files().items():
        needs.setdefault(piece(path), set()).update(own(imports(tree)) - {piece(path)})
    TopologicalSorter(needs).prepare()


def test_functions_import_nothing_of_our_own() -> None:
    inside = {path: own(inner_imports(tree)) for path, tree in files().items()}
    assert {path: names for path, names in inside.items() if names} == {}


def test_torch_and_diffusers_stay_at_the_edge() -> None:
    heavy = [
        path for path, tree in files().items() if {name.split(".")[0] for name in imports(tree)} & {*HEAVY}
    ]
    assert set(heavy) <= set(HEAVY_FILES)


def test_only_the_command_line_prints() -> None:
    printing = [
        path
        for path, tree in files().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert [path for path in printing if piece(path) != "cli"] == []


def test_filters_of_warnings_which_belong_to_the_process_are_changed_under_one_lock() -> None:
    changing = [path for path, tree in files().items() if "catch_warnings" in ast.dump(tree)]
    assert changing == ["ignored_warnings.py"]
