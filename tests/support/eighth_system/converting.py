"""What the files of the made-up system become."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.models.converting.fitting import fitted
from geoinfinite.models.converting.parts import Part, Source
from geoinfinite.models.converting.pickles import read_tensors
from geoinfinite.models.diffusers.slot_table import slot_table
from geoinfinite.models.files import read_object
from geoinfinite.models.systems.conversion import Conversion
from geoinfinite.models.systems.protocol import ConvertSettings
from geoinfinite.told import Slot


def converted(path: Path, settings: ConvertSettings) -> Conversion:
    """Return what becomes of a folder of the made-up system."""
    weights, said = path / "eighth.pt", read_object(path / "eighth.json")
    source = Source(weights, read_tensors(weights))
    unet = Part("unet", said["net"], fitted(said["net"], source.take("net."), str))
    vae = Part("vae", said["coder"], fitted(said["coder"], source.take("coder."), str))
    place = Part("extra", None, source.take("", "place.weight", "place.bias"), "place")
    source.finish()
    return Conversion(
        (weights, path / "eighth.json"),
        (unet, vae, place),
        said["noise"],
        {"slots": slot_table([Slot("place", "location")]), "sampling": {"steps": 3, "solver": "ddim"}},
    )
