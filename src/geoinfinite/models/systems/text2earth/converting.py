"""Text2Earth's published folder, with what it lacks taken from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.fitting import fitted
from geoinfinite.models.converting.folders import read_folder
from geoinfinite.models.converting.parts import Part
from geoinfinite.models.diffusers.architecture import check_architecture
from geoinfinite.models.diffusers.folder import SCHEDULER
from geoinfinite.models.diffusers.slot_table import slot_table
from geoinfinite.models.diffusers.told_facts import CONDITIONED, slots_of
from geoinfinite.models.files import CONFIG, read_object
from geoinfinite.models.schema import shortened
from geoinfinite.models.systems.conversion import WORDS, Conversion, from_base
from geoinfinite.models.systems.network_folder import files_of
from geoinfinite.models.systems.protocol import ConvertSettings

SAMPLING = {"steps": 50, "guidance": 4.0}
SOLVER = "EulerDiscreteScheduler"
"""The class as which its authors read the scheduler file, whatever class that names."""
LARGEST_SIDE = 32
"""Of a state: the pictures of the training have 256 pixels a side."""
LATENT = 8
"""Pixels along each side of a latent pixel."""
COPIED = "vae", *WORDS


def converted(path: Path, settings: ConvertSettings) -> Conversion:
    """Return what becomes of a folder of Text2Earth; what it holds itself comes before what the base has."""
    config, tensors = read_folder(path / "unet")
    where = path / "unet" / CONFIG
    stock = check_architecture(where, config, (CONDITIONED,))
    _check(where, stock)
    stock["sample_size"] = _side(stock)
    conversion = Conversion(
        files_of(path / "unet"),
        (Part("unet", stock, fitted(stock, tensors, str)),),
        None,
        {"slots": slot_table(slots_of(stock, (), LATENT, False)), "sampling": SAMPLING},
        {name: path / name for name in COPIED if (path / name).exists()},
    )
    conversion = from_base(conversion, settings, "vae", "text")
    scheduler = _scheduler(path, settings)
    if scheduler is None:
        return replace(conversion, lacks=(*conversion.lacks, "scheduler"))
    # Their pipeline reads the file as another class than it names: the noise of training stays.
    said = read_object(scheduler)
    if "Flow" in str(said.get("_class_name")):
        raise ModelError(
            f"{scheduler}: _class_name={shortened(said['_class_name'])} is of networks that predict a flow, "
            "and Text2Earth's predicts noise; take the scheduler of the Stable Diffusion that it began with"
        )
    kept = {key: value for key, value in said.items() if not key.startswith("_")}
    return replace(conversion, scheduler={"_class_name": SOLVER, **kept})


def _check(where: Path, config: Mapping[str, Any]) -> None:
    """Raise `ModelError` for the network of its pipeline that fills holes, which sees a mask besides."""
    into, out = config.get("in_channels", 4), config.get("out_channels", 4)
    if into != out:
        raise ModelError(
            f"{where}: in_channels={into} is not the {out} of its state, as that of Text2Earth-inpainting; "
            "take Text2Earth itself, and keep pixels by a condition of kind known"
        )


def _side(config: Mapping[str, Any]) -> int:
    """Return the side of a state of its training; ``sample_size`` may be left from a network before it."""
    size = config.get("sample_size") or LARGEST_SIDE
    return min(max(size) if isinstance(size, list) else int(size), LARGEST_SIDE)


def _scheduler(path: Path, settings: ConvertSettings) -> Path | None:
    places = (path, *(() if settings.base is None else (settings.base,)))
    files = [folder / SCHEDULER for place in places for folder in (place / "scheduler", place)]
    return next((file for file in files if file.is_file()), None)
