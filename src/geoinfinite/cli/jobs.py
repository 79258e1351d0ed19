"""The surroundings of a job: Dask's scheduler, the signals, the progress."""

from __future__ import annotations

import argparse
import contextlib
import glob
import shlex
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

import dask

from geoinfinite.cli.store import completeness
from geoinfinite.errors import GeoInfiniteError
from geoinfinite.progress import Progress, Silent, progress_on
from geoinfinite.stores.layout import is_begun
from geoinfinite.stores.objects import Objects


@contextlib.contextmanager
def job(options: argparse.Namespace, store: Objects, pictures: Sequence[Path] = ()) -> Iterator[None]:
    """Run a job where the options say; when a signal ends it, say how far it is and how to go on."""
    # Storage options may hold credentials, which belong into no log.
    same = " the same --storage-options" if options.storage_options else ""
    part = "" if options.part[1] == 1 else f" --part {options.part[0]}/{options.part[1]}"
    resume = f"resume with{same}: geoinfinite resume {shlex.quote(store.url)}{part}"
    again = f"kept in {store.url}; run the same command again to go on with them"
    hint = f"the shards drawn are {again}" if pictures else resume

    def tidy() -> None:
        # Those of the store are removed by the next job on it.
        for picture in pictures:
            for partial in picture.parent.glob(f".{glob.escape(picture.name)}.*.partial"):
                partial.unlink()

    with options.signals.during(hint, tidy), _scheduler(options):
        try:
            yield
        except KeyboardInterrupt as interrupt:
            word = str(interrupt) or "interrupted"
            if not is_begun(store):
                raise KeyboardInterrupt(f"{word} before anything was written") from interrupt
            done, shards = completeness(store)
            far = f"{word}: {done:,} of {shards:,} shards"
            raise KeyboardInterrupt(f"{far} are {again}" if pictures else f"{far}; {resume}") from interrupt


@contextlib.contextmanager
def _scheduler(options: argparse.Namespace) -> Iterator[None]:
    """Run Dask's tasks where the options say."""
    if options.scheduler is None:
        threads = {"scheduler": "threads", "num_workers": options.workers}
        with dask.config.set({} if options.workers is None else threads):
            yield
        return
    try:
        client = import_module("distributed").Client(options.scheduler)
    except ImportError as error:
        raise GeoInfiniteError(
            "--scheduler needs dask.distributed; install it: pip install 'geoinfinite[distributed]'"
        ) from error
    except (OSError, ValueError) as error:
        raise GeoInfiniteError(
            f"--scheduler={options.scheduler}: {error}; start one with 'dask scheduler' and "
            "'dask worker ADDRESS', or leave it out to use threads"
        ) from error
    with client:
        yield


def progress_of(options: argparse.Namespace, counted: str = "tiles") -> Progress:
    """Return the progress that the options ask for; ``counted`` is what it counts."""
    return Silent() if options.quiet else progress_on(sys.stderr, counted)


def tell(options: argparse.Namespace, text: str) -> None:
    """Print a line, unless the options ask for quiet."""
    if not options.quiet:
        print(text, flush=True)
