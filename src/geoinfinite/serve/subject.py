"""What is served: a world, whose levels are drawn, or a store, whose levels are read."""

from __future__ import annotations

import threading
import tomllib
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import xarray as xr
from numpy.typing import NDArray

from geoinfinite.engine import Resources, generate_many
from geoinfinite.plane.window import Window
from geoinfinite.provenance import version
from geoinfinite.serve.limits import Limits
from geoinfinite.serve.refusals import NotServed, Refused
from geoinfinite.stores.layout import read_header
from geoinfinite.stores.objects import open_objects
from geoinfinite.token import token
from geoinfinite.views.map_tiles import MapPyramid, read_window
from geoinfinite.world import World

RENDERING = 1
"""Version of how map tiles are rendered: raised by every change that changes a picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One image to show: the levels of a world with its seed, or those of a store."""

    name: str
    token: str
    """The token of its recipe."""
    version: str
    """Name of its pixels, of how they are rendered and by which version: the same name, the same picture."""
    seed: int
    pyramid: MapPyramid
    world: World | None
    """``None`` where levels are read from a store."""

    def draw(self, level: int, windows: Sequence[Window], resources: Resources) -> list[NDArray[Any]]:
        """Return the pixels of windows of a level."""
        if self.world is not None:
            return generate_many(self.world, level, windows, resources=resources)
        return [read_window(self.pyramid, level, window) for window in windows]


class Subject(ABC):
    """A world or a store that a server shows."""

    name: str
    kind: str

    @abstractmethod
    def shown(self, seed: int | None = None) -> Shown:
        """Return the image of a seed, by default of the subject's own; `Refused` for a seed it has not."""


class ServedWorld(Subject):
    """A world, with any seed."""

    kind = "world"

    def __init__(self, world: World, limits: Limits) -> None:
        self.name, self._world, self._limits = world.name, world, limits
        self._seeds: OrderedDict[int, Shown] = OrderedDict()
        self._lock = threading.Lock()

    def shown(self, seed: int | None = None) -> Shown:
        """Return the image of a seed; those that were used longest ago are let go of."""
        seed = self._world.seed if seed is None else seed
        with self._lock:
            found = self._seeds.get(seed)
            if found is None:
                found = self._seeds[seed] = self._of(seed)
            self._seeds.move_to_end(seed)
            while len(self._seeds) > self._limits.seeds:
                self._seeds.popitem(last=False)
            return found

    def _of(self, seed: int) -> Shown:
        world = self._world.replace(seed=seed)
        arrays = {level: world.array(level) for level in range(world.grid.levels)}
        pyramid = MapPyramid(arrays, stretch=self._limits.stretch)
        return Shown(self.name, world.token, _version(world.token, pyramid), seed, pyramid, world)


class ServedStore(Subject):
    """A store, which has one seed."""

    kind = "store"

    def __init__(self, path: str, limits: Limits, storage_options: Mapping[str, Any] | None = None) -> None:
        options = dict(storage_options or {}) or None
        header = read_header(open_objects(path, options))
        opened = partial(xr.open_dataset, path, engine="geoinfinite", storage_options=options)
        levels = [int(name) for name in header.shards if name.isdecimal()]
        arrays = {level: opened(level=level)["image"] for level in levels}
        self.name = path.rstrip("/").rpartition("/")[2]
        self._seed = int(tomllib.loads(header.recipe)["world"]["seed"])
        pyramid = MapPyramid(arrays, stretch=limits.stretch)
        named = _version(header.token, pyramid)
        self._shown = Shown(self.name, header.token, named, self._seed, pyramid, None)

    def shown(self, seed: int | None = None) -> Shown:
        """Return the store's levels."""
        if seed not in (None, self._seed):
            raise Refused(
                400, f"seed={seed} is not in this store, which holds seed {self._seed}; leave it out"
            )
        return self._shown


def _version(pixels: str, pyramid: MapPyramid) -> str:
    """Return the name of the pictures that are made of pixels with a token."""
    places = [[level, axes.origin, axes.step, axes.shape] for level, axes in pyramid.axes.items()]
    return token([RENDERING, version(), pixels, places, pyramid.stretch])


def open_subject(
    name: str, limits: Limits, *, seed: int | None = None, storage_options: Mapping[str, Any] | None = None
) -> Subject:
    """Return the world or the store of a name, a path or a URL; ``seed`` is that of a world.

    Raises `WorldError` and `StoreError` for what is neither.
    """
    path = Path(name).expanduser()
    if "://" in name or path.suffix == ".zarr" or path.is_dir():
        if seed is not None:
            raise NotServed(
                f"--seed={seed} is for worlds, and {name} is a store, which has one; leave it out"
            )
        return ServedStore(name if "://" in name else str(path), limits, storage_options)
    world = World.load(name)
    return ServedWorld(world if seed is None else world.replace(seed=seed), limits)
