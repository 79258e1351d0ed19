"""Folders that can be drawn with, and those that cannot: said before torch is imported or a weight read."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import latents
import pytest
from earth_networks import write_detail_network, write_flow_network

from geoinfinite.errors import ModelError, WorldError
from geoinfinite.models import from_pretrained
from geoinfinite.models.diffusers.decoder_reach import decoder_operations, halo_of, latent_pixels
from geoinfinite.models.reference import WEIGHTS, ModelReference
from geoinfinite.recipe.solver_settings import sampling_of
from geoinfinite.samplers import EarlySync, IndependentTiles


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return latents.write(tmp_path_factory.mktemp("latent"), latents.unet(7, 4), vae=latents.kl())


@pytest.fixture
def folder(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "copy"))


def change(path: Path, **values: Any) -> None:
    """Change keys of a JSON file."""
    old = json.loads(path.read_text()) if path.is_file() else {"format": 1, "kind": "diffusers"}
    path.write_text(json.dumps(old | values))


def test_facts_come_from_the_configurations(folder: Path) -> None:
    facts = from_pretrained(folder).facts()
    assert (facts.bands, facts.channels, facts.latent, facts.factor, facts.margin) == (3, 4, 4, 4, 0)
    assert (facts.conditioned, facts.multiple, facts.halo) == (True, 8, 52)
    change(folder / "geoinfinite.json", factor=8, margin=5, multiple=32, halo=16, bands=["r", "g", "b"])
    facts = from_pretrained(folder).facts()
    assert (facts.factor, facts.margin, facts.multiple, facts.halo) == (8, 5, 32, 16)


def test_facts_and_digests_need_no_torch(folder: Path) -> None:
    program = (
        "import sys; from geoinfinite.models import from_pretrained; "
        "from_pretrained(sys.argv[1]).digest(); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program, str(folder)], check=True)


def unet(**values: Any) -> Callable[[Path], None]:
    return lambda folder: change(folder / "unet" / "config.json", **values)


def vae(**values: Any) -> Callable[[Path], None]:
    return lambda folder: change(folder / "vae" / "config.json", **values)


def sidecar(**values: Any) -> Callable[[Path], None]:
    return lambda folder: change(folder / "geoinfinite.json", **values)


def scheduler(**values: Any) -> Callable[[Path], None]:
    return lambda folder: change(folder / "scheduler" / "scheduler_config.json", **values)


def as_variant(folder: Path) -> None:
    weights = folder / "unet" / WEIGHTS
    weights.rename(weights.with_name("diffusion_pytorch_model.fp16.safetensors"))


def in_variants(folder: Path) -> None:
    as_variant(folder)
    half = folder / "unet" / "diffusion_pytorch_model.fp16.safetensors"
    shutil.copy(half, half.with_name("diffusion_pytorch_model.bf16.safetensors"))


def in_parts(folder: Path) -> None:
    weights = folder / "unet" / WEIGHTS
    weights.rename(weights.with_name("diffusion_pytorch_model-00001-of-00002.safetensors"))
    weights.with_name(WEIGHTS + ".index.json").write_text("{}")


def super_resolution(folder: Path) -> None:
    """As LDMSuperResolutionPipeline saves it, without the file that says so."""
    shutil.rmtree(folder / "vae")
    latents.vq(scaling_factor=0.18215).save_pretrained(folder / "vqvae")
    latents.unet(6, 3).save_pretrained(folder / "unet")


def of_pixels(folder: Path) -> None:
    shutil.rmtree(folder / "vae")
    latents.unet(1, 1).save_pretrained(folder / "unet")


def pickled(folder: Path) -> None:
    (folder / "vae" / WEIGHTS).write_bytes(pickle.dumps({"w": 1}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: shutil.rmtree(f / "scheduler"), "scheduler_config.json does not exist; without it nobody"),
        (lambda f: (f / "vae" / "config.json").unlink(), r"vae/config.json cannot be read \(No such file"),
        (lambda f: (f / "vae" / "config.json").write_text("{"), "vae/config.json is truncated or damaged"),
        (lambda f: (f / "vae" / "config.json").write_text("[]"), "is damaged .it is no JSON object"),
        (lambda f: (f / "unet" / WEIGHTS).unlink(), "does not exist; a checkpoint needs its weights as"),
        (pickled, "is a pickle, which can run code"),
        (unet(_class_name="UNet3DModel"), "_class_name='UNet3DModel' is not one of UNet2DModel"),
        (
            vae(_class_name="AutoencoderDC"),
            "_class_name='AutoencoderDC' is not one of AutoencoderKL, VQModel",
        ),
        (unet(in_channels=9), "in_channels=9 is neither 4, the state alone, nor 7"),
        (unet(out_channels=5), "codes of 4 channels, but the network's state has 5"),
        (unet(time_embedding_type="fourier"), "time_embedding_type='fourier' must be 'positional'"),
        (unet(class_embed_type="timestep"), 'class_embed_type=.timestep. is told the ground .*add "gsd"'),
        (unet(class_embed_type="identity"), "class_embed_type='identity' must be one of null, 'timestep'"),
        (unet(num_class_embeds=2), r'num_class_embeds=2 classes, but .* add "gsd": \[2 values'),
        (vae(out_channels=2), "in_channels=3 must equal out_channels=2"),
        (vae(block_out_channels=[32, 32]), "block_out_channels has 2 values; they must be equally many"),
        (vae(norm_num_groups=5), "norm_num_groups=5 must divide every one of block_out_channels, and 32"),
        (
            scheduler(prediction_type="noise"),
            r"scheduler_config.json: prediction_type='noise' of .* not supported; set it",
        ),
        (sidecar(bands=["red"]), "bands has 1 names, but the model draws 3 bands"),
        (sidecar(factor=6), "factor=6 and the 4 pixels of a latent pixel must divide one another"),
        (sidecar(factor=8, margin=1), "margin=1 must be at least 2, the parent pixels that bicubic"),
        (sidecar(factor=4.5), "factor=4.5 must be a whole number from 1 to 1024"),
        (sidecar(halo=6), "halo=6 must be a multiple of 4"),
        (sidecar(multiple=12), "multiple=12 must be a multiple of 8"),
        (sidecar(enlarge="lanczos"), "enlarge='lanczos' must be one of 'bicubic', 'bilinear', 'nearest'"),
        (in_parts, r"weight_map names no files; copy the checkpoint again"),
        (
            in_variants,
            r"holds several variants of its weights, .*bf16.*, .*fp16.*; keep one of them",
        ),
        (
            super_resolution,
            r"scaling_factor=0.18215 is ignored by .*; copy it, or add \"scaling_factor\": 1.0",
        ),
        (scheduler(variance_type="learned_range"), r"codes of 4 channels, but the network's state has 2"),
        (
            lambda f: (of_pixels(f), scheduler(variance_type="learned_range")(f)),
            r"out_channels=1 must be even, as half of them are the variance .*'fixed_small'",
        ),
        (
            lambda f: (of_pixels(f), sidecar(halo=8)(f)),
            "halo=8: halo and scaling_factor are of an autoencoder",
        ),
        (
            lambda f: (of_pixels(f), sidecar(scaling_factor=0.5)(f)),
            "scaling_factor=0.5: halo and scaling_factor are of an autoencoder, and the checkpoint has none",
        ),
        (
            lambda f: (of_pixels(f), sidecar(enlarge="nearest")(f)),
            "enlarge='nearest': factor, margin and enlar",
        ),
        (sidecar(gsd=[7.5]), "gsd is for networks that are told the ground sample distance, .*; remove it"),
        (
            lambda f: (unet(num_class_embeds=2)(f), sidecar(gsd=[7.5, "x"])(f)),
            r'num_class_embeds=2 classes, .* add "gsd": \[2 values in metres\], each a number above 0',
        ),
        (
            lambda f: (unet(num_class_embeds=2)(f), sidecar(gsd=[7.5, -1])(f)),
            r'num_class_embeds=2 classes, .* add "gsd": \[2 values in metres\]',
        ),
        (
            lambda f: (unet(class_embed_type="timestep")(f), sidecar(gsd={"scale": "x", "offset": 1})(f)),
            r"geoinfinite.json: gsd: scale='x' must be a number from",
        ),
        (sidecar(facter=4), "'facter' is not one of about, bands"),
        (
            sidecar(kind="else", bands=[], factor=4, margin=2, multiple=8),
            "kind='else' is not one of earth-residual-flow, earth-detail, diffusers",
        ),
    ],
)
def test_folders_that_are_refused(folder: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=message) as caught:
        from_pretrained(folder)
    assert "\n" not in str(caught.value)


def test_a_factor_for_a_network_that_is_told_no_parent(tmp_path: Path) -> None:
    folder = latents.write(tmp_path, latents.unet(1, 1), sidecar={"factor": 4})
    with pytest.raises(
        ModelError, match="factor=4: factor, margin and enlarge are of a parent, and the network is told none"
    ):
        from_pretrained(folder)


def test_remedies_of_missing_weights_work(folder: Path) -> None:
    weights = folder / "unet" / WEIGHTS
    wanted = from_pretrained(folder).digest()
    in_variants(folder)
    shutil.copy(weights.with_name("diffusion_pytorch_model.fp16.safetensors"), weights)
    assert from_pretrained(folder).digest() == wanted
    super_resolution(folder)
    sidecar(scaling_factor=1.0)(folder)
    assert from_pretrained(folder).facts().latent == 2


def test_a_normalisation_that_there_is_not() -> None:
    with pytest.raises(ModelError, match=r"model.normalisation='batch' is not one of frozen, tile"):
        ModelReference("analytic:latent", normalisation="batch")


def test_the_digest_names_everything_that_changes_a_pixel(folder: Path, tmp_path: Path) -> None:
    def digest(**settings: str) -> str:
        return from_pretrained(folder, **settings).digest()

    first = digest()
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    assert from_pretrained(moved).digest() == first
    digests = [first, digest(dtype="bfloat16"), digest(normalisation="tile")]
    for name in ("unet", "vae"):
        weights = folder / name / WEIGHTS
        data = bytearray(weights.read_bytes())
        data[-3] ^= 1
        weights.write_bytes(data)
        digests.append(digest())
    for damage in (unet(act_fn="gelu"), vae(scaling_factor=0.5), scheduler(beta_end=0.01), sidecar(halo=8)):
        damage(folder)
        digests.append(digest())
    (folder / "model_index.json").write_text('{"_class_name": "LDMSuperResolutionPipeline"}')
    digests.append(digest())
    assert len(set(digests)) == len(digests)


def test_normalisation_is_not_part_of_the_name_of_a_model_of_pixels(tmp_path: Path) -> None:
    folder = latents.write(tmp_path, latents.unet(1, 1))
    frozen, tile = (from_pretrained(folder, normalisation=n) for n in ("frozen", "tile"))
    assert frozen.digest() == tile.digest()


def decoder(*channels: int) -> dict[str, Any]:
    up = ("UpDecoderBlock2D",) * len(channels)
    return {"block_out_channels": channels, "up_block_types": up, "layers_per_block": 2}


@pytest.mark.parametrize(
    ("name", "config", "latent", "halo"),
    [
        # By hand: 15 latent px with attention, 7 px of half a latent px, ..., 8 px; up to whole latent px.
        ("AutoencoderKL", decoder(128, 256, 512, 512), 8, 176),
        ("VQModel", decoder(128, 256, 512), 4, 84),
        ("AutoencoderTiny", {}, 8, 152),
    ],
)
def test_published_decoders(name: str, config: dict[str, Any], latent: int, halo: int) -> None:
    assert latent_pixels(name, config) == latent
    assert halo_of(decoder_operations(name, config), latent) == halo


def test_the_sampling_that_the_authors_chose(folder: Path) -> None:
    reference = from_pretrained(folder)
    chosen = reference.sampling()
    assert chosen is not None
    assert (chosen.solver, chosen.timesteps(4)) == ("ddim", (750, 500, 250, 0))
    pndm = scheduler(_class_name="PNDMScheduler", steps_offset=1, timestep_spacing="leading")
    pndm(folder)
    with pytest.raises(WorldError, match=r"scheduler_config.json: skip_prk_steps=False of PNDMScheduler"):
        reference.sampling()
    scheduler(skip_prk_steps=True)(folder)
    read = reference.sampling()
    assert read is not None
    assert (read.solver, read.timesteps(4)) == ("plms", (751, 501, 251, 1))
    scheduler(_class_name="TCDScheduler")(folder)
    assert reference.facts().latent == 4
    with pytest.raises(WorldError, match=r"scheduler_config.json: _class_name='TCDScheduler'"):
        reference.sampling()


@pytest.mark.parametrize(
    ("changes", "solver", "steps", "tile", "stride"),
    [
        ({}, "checkpoint", 50, 64, 32),
        ({"_class_name": "TCDScheduler"}, "dpmpp_2m", 24, 64, 32),
        ({"num_train_timesteps": 40}, "checkpoint", 25, 64, 32),
    ],
)
def test_defaults_come_from_the_checkpoint(
    folder: Path, changes: dict[str, Any], solver: str, steps: int, tile: int, stride: int
) -> None:
    unet(sample_size=15)(folder)
    scheduler(**changes)(folder)
    reference = from_pretrained(folder)
    sampler = reference.default_sampler()
    assert sampler is not None
    assert sampler.preset == "independent"
    assert (sampler.solver, sampler.steps, sampler.tile, sampler.stride) == (solver, steps, tile, stride)
    assert sampler.tile % reference.facts().multiple == 0
    assert sampling_of(sampler, reference).sigmas[-1] == 0


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_defaults_of_a_network_that_is_told_no_parent(tmp_path: Path) -> None:
    sampler = from_pretrained(
        latents.write(tmp_path, latents.unet(1, 1, sample_size=[24, 32]))
    ).default_sampler()
    assert sampler == EarlySync(
        solver="checkpoint",
        schedule="checkpoint",
        shift=1.0,
        steps=50,
        tile=32,
        stride=16,
        consistency="none",
    )
    heun = diffusers.HeunDiscreteScheduler(**latents.BETAS)
    sampler = from_pretrained(latents.write(tmp_path / "heun", latents.unet(1, 1), heun)).default_sampler()
    assert sampler is not None
    assert (sampler.preset, sampler.steps, sampler.tile, sampler.stride) == ("independent", 20, 64, 32)


def test_models_whose_sampling_nobody_chose(tmp_path: Path) -> None:
    one = IndependentTiles(solver="euler", shift=1.0, steps=1, tile=256, stride=216)
    for ref, sampler in (
        ("analytic:latent", None),
        ("bundled:earth-small", one),
        (str(write_detail_network(tmp_path / "detail")), one),
        (str(write_flow_network(tmp_path / "flow")), IndependentTiles()),
    ):
        assert ModelReference(ref).sampling() is None
        assert ModelReference(ref).default_sampler() == sampler


def test_a_network_that_normalises_every_channel_alone_wants_larger_tiles(tmp_path: Path) -> None:
    folder = latents.write(tmp_path / "model", latents.unet(3, 3))
    before = from_pretrained(folder).facts().multiple
    config = json.loads((folder / "unet/config.json").read_text())
    change(folder / "unet/config.json", norm_num_groups=min(config["block_out_channels"]))
    assert from_pretrained(folder).facts().multiple == 2 * before
