"""The arguments of the command ``models convert``."""

from __future__ import annotations

import argparse


def add_convert(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
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
