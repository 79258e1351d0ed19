"""What published systems cost: weights by their published configurations, evaluations by the plan.

``python benchmarks/bench_systems.py`` builds every network on torch's meta device, where weights take no
memory, and counts them. It then writes folders with the configurations and no weights worth the name, and
plans 4096 x 4096 px of a world that states no sampler. Nothing is drawn or downloaded.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geoinfinite as gi

PIXELS = 4096
SD_1 = {"cross_attention_dim": 768, "attention_head_dim": 8}
SD_2 = {"cross_attention_dim": 1024, "attention_head_dim": (5, 10, 20, 20), "use_linear_projection": True}
WIDE = {"block_out_channels": (320, 640, 1280, 1280), "layers_per_block": 2}
STONY_BROOK = {
    "in_channels": 3,
    "out_channels": 3,
    "block_out_channels": (192, 384, 576, 960),
    "down_block_types": ("DownBlock2D", *("CrossAttnDownBlock2D",) * 3),
    "up_block_types": (*("CrossAttnUpBlock2D",) * 3, "UpBlock2D"),
    "cross_attention_dim": 512,
    "attention_head_dim": 1,
}
KL = {
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "latent_channels": 4,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
}
VQ = {
    "block_out_channels": (128, 256, 512),
    "layers_per_block": 2,
    "latent_channels": 3,
    "vq_embed_dim": 3,
    "num_vq_embeddings": 8192,
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
}
CLIP_L = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
CLIP_H = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 23, "num_attention_heads": 16}
NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
OUTS = 320, 320, 320, 320, 640, 640, 640, 1280, 1280, 1280, 1280, 1280, 1280
"""Channels of the residuals of a ControlNet."""


@dataclass(frozen=True, slots=True)
class System:
    """A published system by its configurations and by how its authors sample."""

    network: Mapping[str, Any]
    autoencoder: Mapping[str, Any]
    side: int
    """Of a state, in latent pixels."""
    scheduler: Mapping[str, Any]
    sampling: Mapping[str, Any]
    words: Mapping[str, Any] | None = None
    others: Callable[[Any], Iterable[Any]] = lambda unet: ()
    """Makes what stands beside the U-Net."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Of the configuration of the U-Net."""


def metadata() -> Any:
    from geoinfinite.models.networks.metadata_embedder import MetadataEmbedder

    return MetadataEmbedder(320, 1280, 7)


def control(config: Mapping[str, Any], bands: int = 3) -> Any:
    from diffusers import ControlNetModel

    return ControlNetModel(**config, conditioning_channels=bands)


def frames(_: Any) -> Iterable[Any]:
    from geoinfinite.models.networks.control3d import Control3d

    config = {**WIDE, **SD_2, "class_embed_type": "identity"}
    return metadata(), metadata(), Control3d(config, 3, (16, 32, 96, 256), (0, 3, 6, 9))


def places(_: Any) -> Iterable[Any]:
    from geoinfinite.models.networks.location_chain import LocationChain
    from geoinfinite.models.networks.satclip import LocationEncoder

    return (
        control(WIDE | SD_2),
        LocationChain(256, 1280, OUTS),
        LocationEncoder((1600, 512, 512, 256)).double(),
    )


def boxes(unet: Any) -> Iterable[Any]:
    from geoinfinite.models.networks.box_encoder import BoxEncoder
    from geoinfinite.models.networks.layout_attention import LayoutAttention
    from geoinfinite.models.networks.layout_mask import LayoutMask

    found = (module for name, module in unet.named_modules() if name.endswith("attn2"))
    attentions = [LayoutAttention(module.to_k.out_features, 768) for module in found]
    return BoxEncoder(768, 768), LayoutMask(320, 768, 1280), *attentions


def summarizer(_: Any) -> Iterable[Any]:
    from geoinfinite.models.networks.summarizer import Summarizer

    return (Summarizer(1024, 512, 2048, 12, 4),)


def embedder(_: Any) -> Iterable[Any]:
    from geoinfinite.models.networks.patch_embedder import PatchEmbedder

    return (PatchEmbedder(768, 512),)


PNDM = {"_class_name": "PNDMScheduler", "skip_prk_steps": True, **NOISE}
DDIM = {"_class_name": "DDIMScheduler", "clip_sample": False, "set_alpha_to_one": False, **NOISE}
OF_VQ = {"beta_start": 0.0015, "beta_end": 0.0195}
TOLD_2, IDENTITY = WIDE | SD_2, {"class_embed_type": "identity"}
DIFFUSIONSAT = System(
    TOLD_2,
    KL,
    64,
    DDIM | {"prediction_type": "v_prediction"},
    {"steps": 100, "guidance": 1.0},
    CLIP_H,
    lambda _: (metadata(),),
    IDENTITY,
)
SYSTEMS = {
    "diffusionsat": DIFFUSIONSAT,
    "diffusionsat, 10 bands": replace(
        DIFFUSIONSAT, others=lambda _: (metadata(), metadata(), control(TOLD_2 | IDENTITY, 10))
    ),
    "diffusionsat, frames": replace(DIFFUSIONSAT, side=32, others=frames),
    "geosynth-location": System(TOLD_2, KL, 64, PNDM, {"steps": 50, "guidance": 7.5}, CLIP_H, places),
    "map-sat": System(
        WIDE | SD_1,
        KL,
        64,
        PNDM | {"_class_name": "UniPCMultistepScheduler"},
        {"steps": 50, "guidance": 7.5},
        CLIP_L,
        lambda _: (control(WIDE | SD_1),),
    ),
    "aerogen": System(
        WIDE | SD_1,
        KL,
        64,
        DDIM,
        {"solver": "ddim", "eta": 0.2, "steps": 50, "guidance": 7.5},
        CLIP_L,
        boxes,
    ),
    "text2earth": System(
        TOLD_2,
        KL,
        32,
        DDIM | {"_class_name": "EulerDiscreteScheduler"},
        {"steps": 50, "guidance": 4.0},
        CLIP_H,
        more={"class_embed_type": "timestep"},
    ),
    "zoomldm": System(STONY_BROOK, VQ, 64, PNDM | OF_VQ, {"steps": 50, "guidance": 2.0}, others=summarizer),
    "large-image-diffusion": System(
        STONY_BROOK,
        VQ,
        64,
        DDIM | OF_VQ | {"timestep_spacing": "trailing", "steps_offset": 0},
        {
            "preset": "multidiffusion",
            "solver": "ddim",
            "eta": 1.0,
            "steps": 50,
            "guidance": 4.0,
            "stride": 64,
        },
        others=embedder,
    ),
}


def networks(system: System) -> list[Any]:
    """Return the U-Net, the autoencoder and whatever stands beside them, on the meta device."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel, VQModel
    from transformers import CLIPTextConfig, CLIPTextModel

    with torch.device("meta"):
        unet = UNet2DConditionModel(**system.network, **system.more, sample_size=system.side)
        coder = VQModel if "vq_embed_dim" in system.autoencoder else AutoencoderKL
        found = [unet, coder(**system.autoencoder), *system.others(unet)]
        if system.words is not None:
            found.append(CLIPTextModel(CLIPTextConfig(vocab_size=49408, **system.words)))
    return found


def write(system: System, made: Sequence[Any], folder: Path) -> Path:
    """Write the configurations of a system, and files of weights that hold next to nothing."""
    import torch
    from safetensors.torch import save_file

    autoencoder = "vqvae" if "vq_embed_dim" in system.autoencoder else "vae"
    for name, network in zip(("unet", autoencoder), made, strict=False):
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text(network.to_json_string())
        save_file({"none": torch.zeros(1)}, folder / name / "diffusion_pytorch_model.safetensors")
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(system.scheduler))
    save_file({"": torch.zeros(77, system.network["cross_attention_dim"])}, folder / "prompts.safetensors")
    slots = [{"name": "prompt", "kind": "text", "dropped": True}]
    sidecar = {"format": 1, "kind": "diffusers", "slots": slots, "sampling": dict(system.sampling)}
    (folder / "geoinfinite.json").write_text(json.dumps(sidecar))
    return folder


def planned(model: Path) -> dict[str, float]:
    """Return what a world that states no sampler costs, and one of `gi.World.for_model`."""
    text = gi.conditions.Text("prompt", "")
    bounds = (500_000, 5_000_000, 500_000 + PIXELS, 5_000_000 + PIXELS)
    fitted = gi.World.for_model(model, crs="EPSG:32632", bounds=bounds, resolution=1.0, conditions=[text])
    whole = gi.World.loads(
        f'[root]\nsource = "generated"\n[grid]\ncrs = "EPSG:32632"\norigin = [500000.0, {bounds[3]}.0]\n'
        f"resolution = 1.0\nshape = [{PIXELS}, {PIXELS}]\n"
        f'[model]\nref = "{model}"\n[[condition]]\nkind = "text"\nname = "prompt"\nprompt = ""\n'
    )
    sampler = whole.sampler_at(0)
    megapixels = PIXELS**2 / 1e6
    tile = gi.Window(PIXELS // 2, PIXELS // 2 + 512, PIXELS // 2, PIXELS // 2 + 512)
    return {
        "tile": sampler.tile,
        "stride": sampler.stride,
        "steps": sampler.steps,
        "per_megapixel": gi.plan(whole.array(level=0)).evaluations / megapixels,
        "fitted_stride": fitted.sampler_at(0).stride,
        "fitted_per_megapixel": gi.plan(fitted.array(level=0)).evaluations / megapixels,
        "cold_512": gi.plan(fitted.array(level=0, window=tile)).cold_evaluations,
    }


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("names", nargs="*", default=list(SYSTEMS))
    options = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as place:
        for name in options.names:
            made = networks(SYSTEMS[name])
            model = write(SYSTEMS[name], made, Path(place) / re.sub(r"\W+", "-", name))
            tensors = [tensor for network in made for tensor in network.parameters()]
            held = {
                "parameters": sum(tensor.numel() for tensor in tensors),
                "bytes": sum(tensor.nbytes for tensor in tensors),
            }
            found[name] = held | planned(model)
    if options.json:
        print(json.dumps(found))
        return
    for name, row in found.items():
        figures = " ".join(f"{key} {value:,.5g}" for key, value in row.items())
        print(f"{name}: {figures}")


if __name__ == "__main__":
    main()
