"""The arguments of the command ``stac``."""

from __future__ import annotations

import argparse


def add_stac(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    parser.set_defaults(run="geoinfinite.cli.stac:run")
    parser.add_argument(
        "files",
        nargs="+",
        metavar="STORE|FILE",
        help="a .zarr or .tif that render wrote, and other files of the same window",
    )
    parser.add_argument("--out", metavar="ITEM", help="the JSON to write (default: beside the first, .json)")
    parser.add_argument(
        "--href", metavar="URL", help="folder in which readers will find the files (default: where they are)"
    )
    parser.add_argument(
        "--datetime", metavar="T", help="date and time that the pixels stand for (default: that of the item)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing item")
