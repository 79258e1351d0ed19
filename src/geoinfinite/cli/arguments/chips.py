"""The arguments of the command ``chips``; importing it imports neither xarray nor torch."""

from __future__ import annotations

import argparse

from geoinfinite.cli.arguments.values import count, names


def add_chips(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    parser.set_defaults(run="geoinfinite.cli.chips:run")
    parser.add_argument("world", metavar="WORLD|STORE", help="a bundled world, a .toml file or a .zarr")
    parser.add_argument("--level", type=int, required=True, metavar="L", help="0 is the coarsest")
    parser.add_argument(
        "--out", required=True, metavar="FOLDER", help="where chips lie; an unfinished one goes on"
    )
    parser.add_argument(
        "--boxes",
        metavar="FILE",
        help="polygons with classes: chips lie about them (default: the boxes that the world is told; "
        "without any, chips are scattered)",
    )
    parser.add_argument("--column", metavar="NAME", help="attribute that holds classes (default: class)")
    parser.add_argument(
        "--classes", type=names, default=(), metavar="A,B", help="classes that are labelled, in this order"
    )
    parser.add_argument(
        "--least-visible",
        type=float,
        default=0.25,
        metavar="SHARE",
        help="of a box that lies in a chip, or it is no label of it (default: %(default)s)",
    )
    parser.add_argument(
        "--format", choices=("yolo-obb", "coco", "dota", "geoparquet"), help="how labels are written"
    )
    parser.add_argument(
        "--masks",
        type=names,
        default=(),
        metavar="A,B",
        help="classes that are burnt as masks, numbered from 1 in this order",
    )
    parser.add_argument(
        "--pairs", type=count, metavar="FACTOR", help="add the same ground so many times coarser"
    )
    parser.add_argument("--size", type=count, default=256, metavar="PX", help="(default: %(default)s)")
    parser.add_argument(
        "--count", type=count, metavar="N", help="how many (default: all boxes once; 1000 if scattered)"
    )
    parser.add_argument(
        "--bbox", type=float, nargs=4, metavar=("W", "S", "E", "N"), help="where chips may lie"
    )
    parser.add_argument("--crs", default="EPSG:4326", help="CRS of --bbox (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="draw another world at the same places")
    parser.add_argument(
        "--places-seed", type=int, default=0, metavar="N", help="take other places and splits"
    )
    parser.add_argument("--split", metavar="A/B/C", help="shares of train, val and test, such as 0.8/0.1/0.1")
    parser.add_argument(
        "--filter",
        action="append",
        choices=("brightness", "clipped", "contrast", "sharpness"),
        default=[],
        help="add a column that measures each chip; repeat it for others",
    )
    parser.add_argument("--picture", choices=("png", "tif"), help="(default: png where it holds all values)")
    parser.add_argument("--limit", type=count, metavar="N", help="draw so many now; the next run goes on")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
