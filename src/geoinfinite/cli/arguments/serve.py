"""The arguments of the command ``serve``."""

from __future__ import annotations

import argparse

from geoinfinite.cli.arguments.values import count


def add_serve(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
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
