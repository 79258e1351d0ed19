"""The arguments of every command; importing it imports neither xarray nor torch."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any

from geoinfinite.cli.chips_arguments import add_chips
from geoinfinite.cli.values import count

EXAMPLE = """\
example:
  geoinfinite render earth --level 3 --bbox 7.0 45.8 7.6 46.2 --out alps.png

WORLD is the name of a bundled world (earth, analytic) or a .toml file; docs/worlds.md lists its keys.
Exit codes: 0 done, 1 failed, 2 usage, 3 store not sound, 4 no store there, 5 output exists,
128 + signal when interrupted. docs/command-line.md describes them, and the keys of --json.
"""
_NEGATIVE_NUMBER = re.compile(r"-(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|-inf|-nan", re.IGNORECASE)


class _Version(argparse.Action):
    """Looks the version up when it is asked for: files that were never installed have none."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        # Looking through the installed packages takes longer than everything else that --help does.
        from importlib.metadata import PackageNotFoundError, version

        try:
            parser.exit(message=f"geoinfinite {version('geoinfinite')}\n")
        except PackageNotFoundError:
            parser.exit(message="geoinfinite, not installed\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of a command; end the process on ``--help`` and on usage errors."""
    # argparse takes -1e1 and -.5 for options, unless they begin with a space.
    return build_parser().parse_args(
        [f" {word}" if _NEGATIVE_NUMBER.fullmatch(word) else word for word in arguments]
    )


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; the namespace has ``run``, the ``module:function`` that does the command."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--debug", action="store_true", help="show the traceback of an error")
    stored = argparse.ArgumentParser(add_help=False)
    stored.add_argument(
        "--storage-options",
        action="append",
        type=_setting,
        default=[],
        metavar="KEY=VALUE",
        help="a setting of s3://, gs:// or az://, such as endpoint=URL; repeat it for others; "
        "they may also come from the environment",
    )
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="print one JSON document")
    parser = argparse.ArgumentParser(
        prog="geoinfinite",
        description="Draw any part of a synthetic Earth, at any of its levels.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    render = commands.add_parser(
        "render", parents=[shared, stored], help="draw a place and write it: Zarr, GeoTIFF, PNG, map tiles"
    )
    render.set_defaults(run="geoinfinite.cli.render:render")
    _add_place(render, bbox_required=True)
    _add_output(render)
    _add_running(render)

    zoom = commands.add_parser(
        "zoom", parents=[shared, stored], help="draw a raster file finer than it is, and write it"
    )
    zoom.set_defaults(run="geoinfinite.cli.zoom:run")
    zoom.add_argument("raster", metavar="RASTER", help="a georeferenced GeoTIFF (also a COG), PNG or JPEG")
    zoom.add_argument(
        "--factor",
        type=int,
        required=True,
        metavar="F",
        help="how many times finer: a power of the model's, 4 for the bundled one",
    )
    _add_part(zoom, bbox_required=False, instead="the whole raster")
    zoom.add_argument(
        "--model",
        default="bundled:earth-small",
        metavar="REF",
        help="what draws: a model that is told a coarser level (default: %(default)s)",
    )
    _add_output(zoom)
    _add_running(zoom)

    plan = commands.add_parser(
        "plan", parents=[shared, as_json], help="say what a place would cost, without drawing it"
    )
    plan.set_defaults(run="geoinfinite.cli.plan:run")
    _add_place(plan, bbox_required=False)
    plan.add_argument(
        "--measure",
        action="store_true",
        help="time one batch and say what the evaluations take on this machine",
    )

    verify = commands.add_parser(
        "verify", parents=[shared, as_json, stored], help="check every shard of a Zarr store"
    )
    verify.set_defaults(run="geoinfinite.cli.verify:run")
    verify.add_argument("store", metavar="STORE", help="a .zarr that render wrote: a path or URL")

    resume = commands.add_parser(
        "resume", parents=[shared, stored], help="draw the shards that a Zarr store lacks or that are damaged"
    )
    resume.set_defaults(run="geoinfinite.cli.render:resume")
    resume.add_argument("store", metavar="STORE", help="a .zarr that render began: a path or URL")
    _add_running(resume)

    info = commands.add_parser("info", parents=[shared, as_json, stored], help="describe a world or a store")
    info.set_defaults(run="geoinfinite.cli.info:run")
    info.add_argument("subject", metavar="WORLD|STORE", help="a bundled world, a .toml file or a .zarr")

    stac = commands.add_parser(
        "stac", parents=[shared, stored], help="write a STAC item that describes stores and files"
    )
    stac.set_defaults(run="geoinfinite.cli.stac:run")
    stac.add_argument(
        "files",
        nargs="+",
        metavar="STORE|FILE",
        help="a .zarr or .tif that render wrote, and other files of the same window",
    )
    stac.add_argument("--out", metavar="ITEM", help="the JSON to write (default: beside the first, .json)")
    stac.add_argument(
        "--href", metavar="URL", help="folder in which readers will find the files (default: where they are)"
    )
    stac.add_argument(
        "--datetime", metavar="T", help="date and time that the pixels stand for (default: that of the item)"
    )
    stac.add_argument("--overwrite", action="store_true", help="replace an existing item")

    _add_serve(
        commands.add_parser("serve", parents=[shared, stored], help="show a world or a store on a map")
    )

    new = commands.add_parser("new", parents=[shared], help="write a world file that fits a model")
    new.set_defaults(run="geoinfinite.cli.new:run")
    new.add_argument("ref", metavar="REF", help="bundled:NAME, analytic:NAME or the folder of a checkpoint")
    new.add_argument("--out", required=True, metavar="PATH", help="the world file to write, a .toml")
    new.add_argument(
        "--bbox", type=float, nargs=4, metavar=("W", "S", "E", "N"), help="what the world covers, in degrees"
    )
    new.add_argument("--crs", help="CRS of the world's pixels (default: the UTM zone of the place)")
    new.add_argument("--resolution", type=float, metavar="R", help="units of that CRS per pixel")
    new.add_argument("--root", metavar="RASTER", help="level 0, for a model that draws on a parent")
    new.add_argument("--prompt", metavar="TEXT", help="what a model with words is told everywhere")
    new.add_argument(
        "--raster",
        action="append",
        type=_slot,
        default=[],
        metavar="SLOT=FILE",
        help="a raster that a model is told, such as hint=osm.tif; repeat it for others",
    )
    new.add_argument(
        "--condition",
        action="append",
        nargs="+",
        default=[],
        metavar=("KIND[:SLOT]", "KEY=VALUE"),
        help="anything else that steers it, with the keys of [[condition]]: boxes:boxes source=ships.gpkg "
        "column=class; repeat it for others",
    )
    new.add_argument("--name", help="name of the world (default: that of the file)")
    new.add_argument("--seed", type=int, help="seed of the world (default: 0)")
    new.add_argument("--overwrite", action="store_true", help="replace an existing file")

    add_chips(commands.add_parser("chips", parents=[shared], help="draw labelled pictures, for training"))

    models = commands.add_parser("models", help="list models, describe one, or convert a published one")
    actions = models.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = actions.add_parser(
        "list", parents=[shared, as_json], help="list the models that need no download"
    )
    listing.set_defaults(run="geoinfinite.cli.models:list_models")
    inspect = actions.add_parser(
        "inspect", parents=[shared, as_json], help="describe a model and check its files"
    )
    inspect.set_defaults(run="geoinfinite.cli.models:inspect_model")
    inspect.add_argument(
        "ref", metavar="REF", help="bundled:NAME, analytic:NAME, or a checkpoint: a folder or a file"
    )
    _add_convert(
        actions.add_parser(
            "convert", parents=[shared], help="make a folder of safetensors of a published checkpoint"
        )
    )
    return parser


def _add_convert(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run="geoinfinite.cli.convert:run")
    parser.add_argument("source", metavar="SRC", help="a folder or file as its authors publish it")
    parser.add_argument("destination", metavar="DST", help="the folder to write")
    parser.add_argument(
        "--base", metavar="FOLDER", help="a folder with what SRC lacks: vae, text_encoder, tokenizer ..."
    )
    parser.add_argument(
        "--weights",
        choices=("published", "raw", "ema"),
        default="published",
        help="those that its authors sample with, the raw ones, or their average (default: %(default)s)",
    )
    parser.add_argument(
        "--gsd", type=float, metavar="M", help="ground sample distance of the finest level, in metres"
    )
    parser.add_argument("--boxes", type=int, metavar="N", help="boxes that a tile is told at most")
    parser.add_argument("--overwrite", action="store_true", help="replace DST if it is a converted model")


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run="geoinfinite.cli.serve:run")
    parser.add_argument("subject", metavar="WORLD|STORE", help="a bundled world, a .toml file or a .zarr")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8765, help="port, 0 for any that is free (default: %(default)s)"
    )
    parser.add_argument(
        "--workers", type=count, default=2, metavar="N", help="threads that draw (default: 2)"
    )
    parser.add_argument("--seed", type=int, help="another seed of a world to begin with")
    parser.add_argument(
        "--cache", metavar="FOLDER", help="where map tiles are kept (default: ~/.cache/geoinfinite/map-tiles)"
    )
    parser.add_argument(
        "--cache-mb", type=int, default=1024, metavar="MB", help="its size, 0 to keep none (default: 1024)"
    )
    parser.add_argument("--open", action="store_true", help="open the map in the browser of this machine")


def _add_place(parser: argparse.ArgumentParser, *, bbox_required: bool) -> None:
    parser.add_argument("world", metavar="WORLD", help="a bundled world or a .toml file")
    parser.add_argument("--level", type=int, required=True, metavar="L", help="0 is the coarsest")
    _add_part(parser, bbox_required=bbox_required, instead="the whole level")
    parser.add_argument(
        "--align",
        type=int,
        default=0,
        metavar="N",
        help="widen --bbox to whole pixels of the level N coarser: a .zarr then lists it and those between",
    )


def _add_part(parser: argparse.ArgumentParser, *, bbox_required: bool, instead: str) -> None:
    parser.add_argument(
        "--bbox",
        type=float,
        nargs=4,
        required=bbox_required,
        metavar=("W", "S", "E", "N"),
        help="west south east north; west > east crosses the antimeridian"
        + ("" if bbox_required else f"; without it: {instead}"),
    )
    parser.add_argument("--crs", default="EPSG:4326", help="CRS of --bbox (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="draw another world from the same root")


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out",
        action="append",
        required=True,
        metavar="PATH",
        help="what to write: .zarr (a path or URL; resumes), .tif (COG), .png, or map tiles as .pmtiles or "
        ".mbtiles; repeat it to write several, drawn once",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    parser.add_argument(
        "--preset",
        choices=("default", "gdal"),
        default="default",
        help="how a .zarr keeps its pixels: default (shards of Zarr 3), or gdal, for GDAL before 3.13, QGIS "
        "and rasterio (plain chunks of Zarr 2)",
    )
    _add_map_tiles(parser)


def _add_map_tiles(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("map tiles, in .pmtiles and .mbtiles")
    group.add_argument("--min-zoom", type=int, metavar="Z", help="coarsest zoom (default: the window in one)")
    group.add_argument("--max-zoom", type=int, metavar="Z", help="finest zoom (default: that of the level)")
    group.add_argument("--tile-size", type=int, choices=(256, 512), help="pixels a side (default: 256)")
    group.add_argument("--tile-format", choices=("png", "webp", "jpeg"), help="of map tiles (default: png)")


def _add_running(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        type=count,
        metavar="N",
        help="threads that draw shards (default: one per core, at most 4)",
    )
    where.add_argument("--scheduler", metavar="ADDRESS", help="a dask.distributed scheduler, tcp://HOST:PORT")
    parser.add_argument(
        "--part",
        type=_part,
        default=(1, 1),
        metavar="I/N",
        help="draw the I-th of N parts of a .zarr, for job arrays: parts may run at the same time",
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def _slot(text: str) -> tuple[str, str]:
    slot, equals, path = text.partition("=")
    if not slot or not equals or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not SLOT=FILE, such as hint=osm.tif")
    return slot, path


def _part(text: str) -> tuple[int, int]:
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N with 1 <= I <= N, such as 2/5")
    return int(index), int(count)
