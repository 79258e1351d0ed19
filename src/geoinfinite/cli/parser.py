"""The arguments of every command; importing it imports neither xarray nor torch."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any

from geoinfinite.cli.arguments.chips import add_chips
from geoinfinite.cli.arguments.convert import add_convert
from geoinfinite.cli.arguments.drawing import add_plan, add_render, add_resume, add_zoom
from geoinfinite.cli.arguments.new import add_new
from geoinfinite.cli.arguments.serve import add_serve
from geoinfinite.cli.arguments.stac import add_stac
from geoinfinite.cli.arguments.values import setting

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
        type=setting,
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
    add_render(render)

    zoom = commands.add_parser(
        "zoom", parents=[shared, stored], help="draw a raster file finer than it is, and write it"
    )
    add_zoom(zoom)

    plan = commands.add_parser(
        "plan", parents=[shared, as_json], help="say what a place would cost, without drawing it"
    )
    add_plan(plan)

    verify = commands.add_parser(
        "verify", parents=[shared, as_json, stored], help="check every shard of a Zarr store"
    )
    verify.set_defaults(run="geoinfinite.cli.verify:run")
    verify.add_argument("store", metavar="STORE", help="a .zarr that render wrote: a path or URL")

    resume = commands.add_parser(
        "resume", parents=[shared, stored], help="draw the shards that a Zarr store lacks or that are damaged"
    )
    add_resume(resume)

    info = commands.add_parser("info", parents=[shared, as_json, stored], help="describe a world or a store")
    info.set_defaults(run="geoinfinite.cli.info:run")
    info.add_argument("subject", metavar="WORLD|STORE", help="a bundled world, a .toml file or a .zarr")

    stac = commands.add_parser(
        "stac", parents=[shared, stored], help="write a STAC item that describes stores and files"
    )
    add_stac(stac)

    add_serve(commands.add_parser("serve", parents=[shared, stored], help="show a world or a store on a map"))

    new = commands.add_parser("new", parents=[shared], help="write a world file that fits a model")
    add_new(new)

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
    add_convert(
        actions.add_parser(
            "convert", parents=[shared], help="make a folder of safetensors of a published checkpoint"
        )
    )
    return parser
