"""The commands that only look: ``plan``, ``verify``, ``info``, ``models``."""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path

from geoinfinite.cli.place import place_of
from geoinfinite.cli.show import completeness, duration, length, print_facts, print_table
from geoinfinite.diffusion.model import ModelFacts
from geoinfinite.models.reference import ANALYTIC, SIDECAR, ModelReference, from_pretrained
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.samplers.tiled import TiledSampler
from geoinfinite.stores import layout
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.verification import verify as verify_store
from geoinfinite.stores.writing import local_path


def plan(options: argparse.Namespace) -> int:
    """Print what a place would cost."""
    planned = plan_window(*place_of(options))
    print(planned)
    if options.measure:
        seconds = planned.measure()
        print(
            f"{seconds * 1000:.3g} ms per evaluation here: "
            f"{duration(planned.estimate(seconds))} in the network"
        )
    return 0


def verify(options: argparse.Namespace) -> int:
    """Read every shard of a store; print what is wrong, and succeed if nothing is."""
    report = verify_store(options.store)
    print(report)
    return 0 if report.ok else 1


def info(options: argparse.Namespace) -> int:
    """Describe a world or a store."""
    path = local_path(options.subject)
    if path.is_dir() or path.suffix == ".zarr":
        return _info_store(path)
    world = worldfile.load(options.subject, Recipe)
    _describe_world(world)
    return 0


def _sampler(sampler: TiledSampler) -> str:
    return (
        f"{sampler.preset}, {sampler.solver} {sampler.steps} steps, tiles of {sampler.tile} px "
        f"every {sampler.stride} px"
    )


def _describe_world(world: Recipe) -> None:
    grid = world.grid
    print_facts(
        f"world {world.name!r}",
        [
            ("token", world.token),
            ("seed", str(world.seed)),
            ("values", f"{world.bands} bands, {world.dtype}"),
            ("grid", f"{_short(grid.crs)}, factor {grid.factor}{', once round the Earth' * grid.periodic}"),
            ("root", world.root.source),
            ("model", f"{world.model.ref}, {world.model.dtype}, on {world.numerics.device}"),
            ("sampler", _sampler(world.sampler)),
            *((f"level {s.level} sampler", _sampler(s.sampler)) for s in world.levels if s.sampler),
            *((f"level {s.level} model", f"{s.model.ref}, {s.model.dtype}") for s in world.levels if s.model),
        ],
    )
    levels, first = range(grid.levels), "model" if world.root.generated else "root"
    shapes = [grid.shape_at(level) for level in levels]
    print_table(
        ("level", "ground sample distance", "rows", "columns", "from"),
        [
            (str(level), length(grid.gsd_m(level)), f"{rows:,}", f"{columns:,}", "model" if level else first)
            for level, (rows, columns) in zip(levels, shapes, strict=True)
        ],
    )


def _short(crs: str) -> str:
    """Return an authority code as it is, and of WKT no more than its name."""
    return crs if len(crs) < 40 else crs.split('"')[1]


def _info_store(path: Path) -> int:
    objects = open_objects(path)
    header = layout.read_header(objects)
    done, shards = completeness(objects)
    state = "complete" if done == shards else f"resume with: geoinfinite resume {path}"
    window = header.window
    print_facts(
        str(path),
        [
            ("token", header.token),
            ("shards", f"{done:,} of {shards:,} written; {state}"),
            ("level", f"{header.level}, with {', '.join(header.shards)} in the store"),
            ("window", f"rows {window.y0}..{window.y1}, columns {window.x0}..{window.x1}"),
            (
                "numerics",
                ", ".join(f"{key} {value}" for key, value in header.numerics.items() if key != "simd"),
            ),
            ("software", ", ".join(f"{key} {value}" for key, value in header.software.items())),
        ],
    )
    print(f"recipe\n{header.recipe.rstrip()}")
    return 0


def list_models(options: argparse.Namespace) -> int:
    """Print the models that need no download."""
    bundled = sorted(Path(str(files("geoinfinite") / "data")).glob(f"*/{SIDECAR}"))
    for ref in (*(f"bundled:{sidecar.parent.name}" for sidecar in bundled), *ANALYTIC):
        print(ref)
    return 0


def _state(facts: ModelFacts) -> str:
    if facts.latent == 1:
        return "pixels"
    return (
        f"latents of {facts.channels} channels, {facts.latent} px a side; decoded with a halo of "
        f"{facts.halo} px"
    )


def inspect_model(options: argparse.Namespace) -> int:
    """Check the files of a model and print what a world must know of it."""
    reference: ModelReference = from_pretrained(options.ref)
    facts = reference.facts()
    print_facts(
        reference.ref,
        [
            ("digest", reference.digest()),
            ("bands", "any number" if facts.bands is None else str(facts.bands)),
            ("parent", "needed" if facts.conditioned else "not needed: can draw a generated root"),
            ("factor", "any" if facts.factor is None else str(facts.factor)),
            ("margin", f"{facts.margin} parent pixels"),
            ("tiles", f"multiples of {facts.multiple} px"),
            ("state", _state(facts)),
            ("files", str(reference.directory or "none: closed form")),
        ],
    )
    return 0
