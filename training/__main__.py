"""Train "earth-small" from a pack: `python -m training --pack PACK --out RUN --minutes 300`.

The same command resumes a run that was stopped (SIGTERM saves first): everything is in RUN/checkpoint.pt.
RUN/log.jsonl has one line per 50 steps, RUN/snapshot is a loadable network with the averaged weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from training.run import Plan, Run


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, required=True, help="folder that `training.imagery` wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--minutes", type=float, required=True, help="time of the whole run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=1, help="factor on the examples of a batch; 8 on CUDA")
    parser.add_argument("--workers", type=int, default=0, help="processes that make examples; 12 on CUDA")
    parser.add_argument("--start", type=Path, help="folder of a network to go on with")
    found = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=found, help=f"default: {found}")
    torch.backends.cudnn.benchmark = True
    Run(Plan(**vars(parser.parse_args()))).train()


if __name__ == "__main__":
    main()
