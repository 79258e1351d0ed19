"""The arguments of the command ``new``."""

from __future__ import annotations

import argparse

from geoinfinite.cli.arguments.values import slot


def add_new(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    parser.set_defaults(run="geoinfinite.cli.new:run")
    parser.add_argument(
        "ref", metavar="REF", help="bundled:NAME, analytic:NAME or the folder of a checkpoint"
    )
    parser.add_argument("--out", required=True, metavar="PATH", help="the world file to write, a .toml")
    parser.add_argument(
        "--bbox", type=float, nargs=4, metavar=("W", "S", "E", "N"), help="what the world covers, in degrees"
    )
    parser.add_argument("--crs", help="CRS of the world's pixels (default: the UTM zone of the place)")
    parser.add_argument("--resolution", type=float, metavar="R", help="units of that CRS per pixel")
    parser.add_argument("--root", metavar="RASTER", help="level 0, for a model that draws on a parent")
    parser.add_argument("--prompt", metavar="TEXT", help="what a model with words is told everywhere")
    parser.add_argument(
        "--raster",
        action="append",
        type=slot,
        default=[],
        metavar="SLOT=FILE",
        help="a raster that a model is told, such as hint=osm.tif; repeat it for others",
    )
    parser.add_argument(
        "--condition",
        action="append",
        nargs="+",
        default=[],
        metavar=("KIND[:SLOT]", "KEY=VALUE"),
        help="anything else that steers it, with the keys of [[condition]]: boxes:boxes source=ships.gpkg "
        "column=class; repeat it for others",
    )
    parser.add_argument("--name", help="name of the world (default: that of the file)")
    parser.add_argument("--seed", type=int, help="seed of the world (default: 0)")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
