"""The JSON files of the kinds of network that draw what a parent lacks, checked without torch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.architecture import check_architecture
from geoinfinite.models.files import CONFIG, SIDECAR, read_object
from geoinfinite.models.schema import ListOf, Number, OneOf, Rule, Text, Whole, check_values

KIND = "earth-residual-flow"
"""A diffusers `UNet2DModel` that a solver asks several times."""
DETAIL_KIND = "earth-detail"
"""A `DetailNetwork`, which draws in one evaluation."""
BOX = 5
"""Side in parent pixels of the neighbourhood whose mean the parent's own detail lacks."""
BANDS = 3

_POSITIVE = Number(0, 1e6, positive=True)
RULES: dict[str, Rule] = {
    "format": OneOf((1,)),
    "kind": OneOf((KIND, DETAIL_KIND)),
    "bands": ListOf(Text(), BANDS, BANDS),
    "factor": Whole(1, 64),
    "margin": Whole(2 * (BOX // 2), 1024),
    "unshuffle": Whole(1, 16),
    "multiple": Whole(1, 4096),
    "gain": _POSITIVE,
    "floor": _POSITIVE,
    "log_scale_mean": Number(-1e6, 1e6),
    "log_scale_std": _POSITIVE,
}
"""Keys of the sidecar that pixels depend on; others are for people."""


@dataclass(frozen=True, slots=True)
class EarthSettings:
    """The constants that belong to a set of weights, kept beside them in `geoinfinite.json`."""

    factor: int = 4
    """How many child pixels one parent pixel spans, along each axis."""
    margin: int = 6
    """Parent pixels that the parent's window has beyond the tile, on each side (at least 4)."""
    unshuffle: int = 2
    """Side of the pixel blocks that are folded into channels before the network."""
    multiple: int = 16
    """A tile's side is a multiple of this."""
    gain: float = 1.0
    """Residual scale per unit of the parent's local contrast, fitted on the training data."""
    floor: float = 0.01
    """Residual scale where the parent is flat; 0.01 is 1.3 of 255."""
    log_scale_mean: float = 0.0
    """Mean of log(scale) over the training data, to standardise that feature."""
    log_scale_std: float = 1.0
    """Standard deviation of log(scale) over the training data."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value, rule = getattr(self, field.name), RULES[field.name]
            if not rule.allows(value):
                raise ModelError(f"{field.name}={value!r} must be {rule.says}; take that of the training")


def read_settings(directory: Path) -> EarthSettings:
    """Return the constants in the sidecar of a network's folder; raise `ModelError` if it is damaged."""
    path = directory / SIDECAR
    found = check_values(path, read_object(path), RULES, needed=tuple(RULES))
    return EarthSettings(**{field.name: found[field.name] for field in fields(EarthSettings)})


def read_config(directory: Path, settings: EarthSettings) -> dict[str, Any]:
    """Return the architecture of a network's folder; raise `ModelError` if it does not fit the settings."""
    path = directory / CONFIG
    config = check_architecture(path, {"_class_name": "UNet2DModel"} | read_object(path), ("UNet2DModel",))
    folded = settings.unshuffle**2
    for key, wanted in (
        ("in_channels", (2 * BANDS + BANDS + 1) * folded),
        ("out_channels", BANDS * folded),
        ("class_embed_type", "timestep"),
    ):
        if config.get(key) != wanted:
            raise ModelError(
                f"{path}: {key}={config.get(key)!r} must be {wanted!r} for unshuffle={settings.unshuffle} in "
                f"{SIDECAR}; copy the whole checkpoint again"
            )
    blocks = len(config.get("down_block_types", "1234"))
    if settings.multiple % (settings.unshuffle * 2 ** (blocks - 1)) or settings.multiple % settings.factor:
        raise ModelError(
            f"{directory / SIDECAR}: multiple={settings.multiple} must be a multiple of unshuffle times "
            f"2**{blocks - 1} and of factor={settings.factor}; copy the whole checkpoint again"
        )
    return config
