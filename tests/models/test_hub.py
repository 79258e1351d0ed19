"""Repositories of the Hugging Face hub: at a commit, from the cache, without a network if need be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import diffusers
import hub_server
import latents
import pytest

from geoinfinite.errors import ModelError
from geoinfinite.models import from_pretrained
from geoinfinite.models.hub import is_repository, pinned
from geoinfinite.models.reference import ModelReference

REPOSITORY, COMMIT = "some-lab/Tiny_Earth", "0123456789abcdef" * 2 + "89abcdef"
PINNED = f"hf:{REPOSITORY}@{COMMIT}"
OFFLINE = {"HF_HUB_OFFLINE": "1"}
NO_HUB = {"HF_ENDPOINT": "http://127.0.0.1:9"}
"""An address at which nobody listens."""

SCRIPT = """
import json, sys
import geoinfinite as gi
from geoinfinite.errors import GeoInfiniteError
from geoinfinite.models import from_pretrained

def one(job):
    try:
        if "world" in job:
            return {"token": gi.World.load(job["world"]).token}
        model = from_pretrained(job["ref"], revision=job.get("revision"))
        bounds = 400_000, 5_200_000, 404_000, 5_202_000
        world = gi.World.for_model(model, crs="EPSG:32632", bounds=bounds, resolution=20)
        if "save" in job:
            world.save(job["save"])
        return {"ref": model.ref, "digest": model.digest(), "token": world.token}
    except GeoInfiniteError as error:
        return {"error": str(error)}

print(json.dumps([one(job) for job in json.loads(sys.argv[1])]))
"""


def answers(cache: Path, *jobs: dict[str, Any], **environment: str) -> list[dict[str, str]]:
    """What a process says whose cache lies here: huggingface_hub reads its environment once, on import."""
    mine = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    mine |= {"HF_HUB_CACHE": str(cache), "HF_HUB_DISABLE_PROGRESS_BARS": "1", **environment}
    arguments = [sys.executable, "-c", SCRIPT, json.dumps(jobs)]
    done = subprocess.run(arguments, env=mine, cwd=cache, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, and beside it what repositories have besides."""
    folder = tmp_path_factory.mktemp("hub") / "repository"
    small = {"block_out_channels": (8, 16), "norm_num_groups": 4, "attention_head_dim": 4}
    network = latents.unet(3, 3, sample_size=16, **small)
    latents.write(folder, network, diffusers.EulerDiscreteScheduler(**latents.BETAS))
    for name in (
        "README.md",
        "pipeline.py",
        "v1-5-pruned.safetensors",
        "unet/diffusion_pytorch_model.bin",
        "unet/diffusion_pytorch_model.non_ema.safetensors",
        "safety_checker/model.safetensors",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"not asked for")
    return folder


def test_a_branch_is_the_commit_that_the_cache_knows_and_a_world_keeps_it(
    tmp_path: Path, checkpoint: Path
) -> None:
    kept = hub_server.cache(tmp_path, REPOSITORY, COMMIT, checkpoint, main=COMMIT, v1=COMMIT)
    world = str(tmp_path / "world.toml")
    jobs = [
        {"ref": REPOSITORY, "save": world},
        *({"ref": REPOSITORY, "revision": revision} for revision in ("v1", COMMIT)),
        {"ref": f"hf:{REPOSITORY}@v1"},
        {"ref": PINNED},
    ]
    found = answers(tmp_path, *jobs, **OFFLINE)
    assert found == [found[0]] * len(jobs)
    assert found[0]["ref"] == PINNED
    assert found[0]["digest"] == from_pretrained(checkpoint).digest()
    # The branch moves on; the world does not.
    (kept / "refs" / "main").write_text(64 * "f")
    assert f'ref = "{PINNED}"' in Path(world).read_text()
    assert answers(tmp_path, {"world": world}, **NO_HUB) == [{"token": found[0]["token"]}]


def test_what_is_neither_in_the_cache_nor_to_be_had(tmp_path: Path) -> None:
    by_commit, by_branch = {"ref": PINNED}, {"ref": "checkpoints/mapsat"}
    offline = answers(tmp_path, by_commit, by_branch, **OFFLINE)
    # A commit would be asked for again and again, for a quarter of a minute.
    unreachable = answers(tmp_path, by_branch, **NO_HUB)
    for answer, ref, reason in (
        (offline[0], PINNED, "OfflineModeIsEnabled"),
        (offline[1], "checkpoints/mapsat@main", "OfflineModeIsEnabled"),
        (unreachable[0], "checkpoints/mapsat@main", "ConnectError"),
    ):
        error = answer["error"]
        assert error.startswith(f"model.ref='{ref}' is neither a folder nor in the cache {tmp_path}, and was")
        assert reason in error
        # The test above follows the remedy.
        assert error.endswith("or set HF_HUB_CACHE to a cache that holds it")
        assert "\n" not in error


def test_what_is_downloaded_is_what_a_checkpoint_is_read_from(tmp_path: Path, checkpoint: Path) -> None:
    with hub_server.serving(REPOSITORY, COMMIT, checkpoint) as (address, asked):
        (first,) = answers(tmp_path, {"ref": REPOSITORY}, HF_ENDPOINT=address)
        assert first["ref"] == PINNED
        assert first["digest"] == from_pretrained(checkpoint).digest()
        (snapshot,) = tmp_path.glob("models--*/snapshots/*")
        found = {path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file()}
        assert found == {
            "unet/config.json",
            "unet/diffusion_pytorch_model.safetensors",
            "scheduler/scheduler_config.json",
        }
        assert [path for path in asked if path.endswith((".bin", ".py", "pruned.safetensors"))] == []
        asked.clear()
        # A commit that is in the cache is not asked for; one that is there in part is completed.
        assert answers(tmp_path, {"ref": PINNED}, HF_ENDPOINT=address) == [first]
        assert asked == []
        (snapshot / "unet" / "diffusion_pytorch_model.safetensors").unlink()
        assert answers(tmp_path, {"ref": PINNED}, HF_ENDPOINT=address) == [first]


def test_a_folder_is_meant_where_there_is_one(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(checkpoint, tmp_path / "some-lab" / "Tiny_Earth")
    assert from_pretrained(REPOSITORY).ref == REPOSITORY
    with pytest.raises(ModelError, match=r"revision='main' is of a repository of the hub, and"):
        from_pretrained(REPOSITORY, revision="main")
    with pytest.raises(ModelError, match=r"model.ref='no/such/folder' is no folder"):
        from_pretrained("no/such/folder")
    with pytest.raises(ModelError, match=r"revision='v2' is said besides model.ref='hf:a/b@v1'; leave"):
        from_pretrained("hf:a/b@v1", revision="v2")


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        (f"hf:{REPOSITORY}@main", r"must end in the 40 .* take the ref of .*from_pretrained\('hf:some-lab/"),
        (f"hf:{REPOSITORY}", r"must end in the 40 hexadecimal digits of a commit"),
        (f"hf:{REPOSITORY}@{COMMIT[:-1]}", r"must end in the 40 hexadecimal digits of a commit"),
        (f"hf:../../etc@{COMMIT}", r"names no repository; write \"hf:organisation/name@commit\""),
    ],
)
def test_references_that_pin_nothing(ref: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        ModelReference(ref).facts()


def test_names_of_repositories_are_those_of_the_hub() -> None:
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    names = ["a/b", "A-1/b_c.d", "a--b/c", "a/b..c", "a/b.git", "-a/b", "a/b-", ".a/b", "a/b.", "a+b/c"]
    for name in (*names, "a/" + 90 * "b", "a/" + 97 * "b", "a b/c"):
        try:
            validate_repo_id(name)
            valid = True
        except HFValidationError:
            valid = False
        assert is_repository(name) is valid, name
    assert not is_repository("gpt2")
    # Versions of huggingface_hub differ about these.
    assert not is_repository("a/b\n")
    assert is_repository(96 * "a" + "/b")
    assert not is_repository(97 * "a" + "/b")


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModelError, match=r"needs huggingface_hub, .*: pip install 'geoinfinite\[hub\]'"):
        pinned(PINNED).fetch()
