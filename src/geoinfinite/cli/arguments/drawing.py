"""The arguments of the commands that draw a place: which one, where it is written, and what runs."""

from __future__ import annotations

import argparse

from geoinfinite.cli.arguments.values import count, part


def add_render(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``render`` to its parser."""
    parser.set_defaults(run="geoinfinite.cli.render:render")
    _add_place(parser, bbox_required=True)
    _add_output(parser)
    _add_running(parser)


def add_zoom(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``zoom`` to its parser."""
    parser.set_defaults(run="geoinfinite.cli.zoom:run")
    parser.add_argument("raster", metavar="RASTER", help="a georeferenced GeoTIFF (also a COG), PNG or JPEG")
    parser.add_argument(
        "--factor",
        type=int,
        required=True,
        metavar="F",
        help="how many times finer: a power of the model's, 4 for the bundled one",
    )
    _add_part(parser, bbox_required=False, instead="the whole raster")
    parser.add_argument(
        "--model",
        default="bundled:earth-small",
        metavar="REF",
        help="what draws: a model that is told a coarser level (default: %(default)s)",
    )
    _add_output(parser)
    _add_running(parser)


def add_plan(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``plan`` to its parser."""
    parser.set_defaults(run="geoinfinite.cli.plan:run")
    _add_place(parser, bbox_required=False)
    parser.add_argument(
        "--measure",
        action="store_true",
        help="time one batch and say what the evaluations take on this machine",
    )


def add_resume(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``resume`` to its parser."""
    parser.set_defaults(run="geoinfinite.cli.render:resume")
    parser.add_argument("store", metavar="STORE", help="a .zarr that render began: a path or URL")
    _add_running(parser)


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
        type=part,
        default=(1, 1),
        metavar="I/N",
        help="draw the I-th of N parts of a .zarr, for job arrays: parts may run at the same time",
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
