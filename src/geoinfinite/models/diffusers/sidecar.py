"""The ``geoinfinite.json`` beside a checkpoint of diffusers: what diffusers has no place for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.told_facts import CONDITIONED
from geoinfinite.models.files import SIDECAR, read_object
from geoinfinite.models.schema import (
    FLAG,
    Anything,
    ListOf,
    Number,
    OneOf,
    Rule,
    Text,
    Whole,
    check_values,
    optional,
    shortened,
)

ENLARGERS = {"bicubic": 2, "bilinear": 1, "nearest": 0}
"""Ways to enlarge the parent, with the parent pixels that each looks beyond its own."""
PARENTS = PIXELS, CODES = "pixels", "codes"
"""What a network is told of its parent: the pixels, or what the autoencoder makes of them when enlarged."""
RULES: dict[str, Rule] = {
    "format": OneOf((1,)),
    "kind": Text(),
    "about": Anything(),
    "bands": optional(ListOf(Text(), 1, 4096)),
    "gsd": Anything(),
    "enlarge": OneOf(tuple(ENLARGERS)),
    "parent": OneOf(PARENTS),
    "image_span": ListOf(Number(-1e6, 1e6), 2, 2),
    "scaling_factor": Number(0, 1e6, positive=True),
    "factor": Whole(1, 1024),
    "margin": Whole(0, 1024),
    "multiple": Whole(1, 65_536),
    "halo": Whole(0, 65_536),
    "truncate": FLAG,
    "system": Text(60),
    "slots": Anything(),
    "sampling": Anything(),
    "timestep_offset": Whole(-1, 1),
    "options": Anything(),
    "source": Anything(),
}
"""Keys of a sidecar of this kind."""
SAMPLING: dict[str, Rule] = {
    "preset": OneOf(("independent", "multidiffusion")),
    "solver": Text(60),
    "eta": Number(0, 1),
    "steps": Whole(1, 1000),
    "guidance": Number(0, 100),
    "stride": Whole(1, 65_536),
}
"""Keys of ``sampling``: how a system's authors sample it, as far as its scheduler file does not say."""
_METRES = Number(0, 1e8, positive=True)
_LABEL: dict[str, Rule] = {"scale": Number(-1e6, 1e6), "offset": Number(-1e6, 1e6)}


def read_sidecar(directory: Path) -> dict[str, Any]:
    """Return the keys of a folder's sidecar, checked one by one; none where there is no such file."""
    path = directory / SIDECAR
    if not path.is_file():
        return {}
    found = read_object(path)
    unknown = sorted(set(found) - set(RULES))
    if unknown:
        raise ModelError(
            f"{path}: {shortened(unknown[0])} is not one of {', '.join(sorted(RULES))}; remove it"
        )
    if not isinstance(found.get("sampling", {}), dict):
        raise ModelError(f"{path}: sampling={shortened(found['sampling'])} must be a JSON object; remove it")
    check_values(f"{path}: sampling", found.get("sampling", {}), SAMPLING)
    return check_values(path, found, RULES)


def known_gsds(
    where: Path, config: Mapping[str, Any], sidecar: Mapping[str, Any]
) -> tuple[float, ...] | None:
    """Return the ground sample distances that a network has classes for, in metres; ``None``: no such list.

    Raises `ModelError` where the network and the sidecar disagree about what it is told of them.
    """
    gsd, classes = sidecar.get("gsd"), config.get("num_class_embeds")
    if "system" in sidecar and gsd is not None and classes is None:
        # Not the network but what reads its conditions tells them apart.
        rule = ListOf(_METRES, 1, 64)
        if not rule.allows(gsd):
            raise ModelError(f"{SIDECAR}: gsd={shortened(gsd)} must be {rule.says}; convert the model again")
        return tuple(float(metres) for metres in gsd)
    if config.get("class_embed_type") == "timestep":
        if gsd is None and config.get("_class_name") == CONDITIONED:
            # Text2Earth's label, a zoom level: a condition tells it.
            return None
        if not (isinstance(gsd, dict) and set(gsd) == set(_LABEL)):
            raise ModelError(
                f"{where}: class_embed_type='timestep' is told the ground sample distance, but {SIDECAR} "
                'does not say how; add "gsd": {"scale": A, "offset": B} for the label A log2(metres) + B'
            )
        check_values(f"{SIDECAR}: gsd", gsd, _LABEL)
        return None
    if classes is None:
        if gsd is not None:
            raise ModelError(
                f"{SIDECAR}: gsd is for networks that are told the ground sample distance, and {where} has "
                "neither class_embed_type nor num_class_embeds; remove it"
            )
        return None
    rule = ListOf(_METRES, classes, classes)
    if not rule.allows(gsd):
        raise ModelError(
            f"{where}: num_class_embeds={classes} classes, but {SIDECAR} does not say the ground sample "
            f'distance of each; add "gsd": [{classes} values in metres], each {_METRES.says}'
        )
    return tuple(float(metres) for metres in gsd or ())


def check_uses(sidecar: Mapping[str, Any], *, parent: bool, latent: bool, texts: bool) -> None:
    """Raise `ModelError` for keys of a sidecar that the model has no use for."""
    if not parent:
        for key in ("factor", "margin", "enlarge", "parent"):
            if key in sidecar:
                raise ModelError(
                    f"{SIDECAR}: {key}={sidecar[key]!r}: factor, margin and enlarge are of a parent, and the "
                    "network is told none; remove it"
                )
    if not latent:
        for key in ("halo", "scaling_factor", "image_span", "parent"):
            if key in sidecar and sidecar[key] != PIXELS:
                raise ModelError(
                    f"{SIDECAR}: {key}={sidecar[key]!r}: halo and scaling_factor are of an autoencoder, and "
                    "the checkpoint has none; remove it"
                )
    if not texts and "truncate" in sidecar:
        raise ModelError(
            f"{SIDECAR}: truncate={sidecar['truncate']!r}: truncate is of networks that are told texts, and "
            "this one is told none; remove it"
        )
