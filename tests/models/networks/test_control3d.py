"""DiffusionSat's ControlNet of frames against its original class."""

from __future__ import annotations

import json
import threading

import published
import pytest
import torch

from geoinfinite.errors import ModelError
from geoinfinite.models.networks.control3d import Control3d
from geoinfinite.models.networks.metadata_embedder import MetadataEmbedder

SYSTEM = "diffusionsat_controlnet3d"
pytestmark = published.needs(SYSTEM)
FRAMES = [0, 1, 2]


@pytest.fixture(scope="module")
def given():
    return published.given(SYSTEM)


@pytest.fixture(scope="module")
def config():
    return json.loads((published.FIXTURES / SYSTEM / "checkpoint/controlnet/config.json").read_text())


@pytest.fixture(scope="module")
def state():
    return published.folder_state(SYSTEM, "controlnet")


@pytest.fixture(scope="module")
def tensors(state):
    own = {name: t for name, t in state.items() if not name.startswith("metadata_embedding.")}
    kept, idle = Control3d.renamed(own)
    # Gates of taps without a transformer: there are 12 taps, and 4 of them have one.
    assert sorted(idle) == sorted(f"mixing_attns.{i}" for i in (1, 2, 4, 5, 7, 8, 10, 11))
    return kept


@pytest.fixture(scope="module")
def network(tensors, config):
    return Control3d.sized(tensors, config)


@pytest.fixture(scope="module")
def embedder(state):
    return MetadataEmbedder.sized(MetadataEmbedder.renamed(published.under(state, "metadata_embedding."))[0])


class Asked:
    """What the network is asked, for some tiles and an order of frames."""

    def __init__(self, given, embedder, order=FRAMES, rows=slice(None)) -> None:
        self.frames = given["controlnet_cond_uint8"][rows][:, :, order].float() / 255
        facts = given["cond_metadata"][rows][:, :, order]
        embedded = [embedder(given["metadata"][rows]) + embedder(facts[..., i]) for i in range(len(order))]
        self.vectors = torch.stack(embedded, 1)
        self.seen, self.tokens = given["sample"][rows], given["encoder_hidden_states"][rows]
        self.time = given["timestep"]

    @torch.inference_mode()
    def answer(self, network):
        read = network.read_hint(self.frames)
        down, middle = network(self.seen, self.time, self.tokens, read, self.vectors)
        return [*down, middle]


def wanted(given):
    return [*(given[f"down_block_res_samples.{i:02d}"] for i in range(12)), given["mid_block_res_sample"]]


def test_the_hint(network, given, embedder) -> None:
    frames = Asked(given, embedder).frames
    assert published.error(network.read_hint(frames), given["hint_embedding"]) < 1e-5


def test_residuals(network, given, embedder) -> None:
    for found, right in zip(Asked(given, embedder).answer(network), wanted(given), strict=True):
        assert published.error(found, right) < 1e-5 * max(1.0, float(right.abs().max()))


def test_the_order_of_frames_matters(network, given, embedder) -> None:
    middle = Asked(given, embedder, order=[2, 0, 1]).answer(network)[-1]
    assert published.error(middle, given["mid_block_res_sample_frames_2_0_1"]) < 1e-5
    assert published.error(middle, given["mid_block_res_sample"]) > 1e-3


def test_heads_and_their_width_are_swapped(tensors, config, given, embedder) -> None:
    # A configuration whose heads are what the taps' transformers would have, if nothing were swapped there.
    straight = Control3d.sized(tensors, config)
    for tap, heads in (("3", 2), ("6", 4), ("9", 6)):
        for block in straight.temporal[tap].transformer_blocks:
            assert block.attn1.heads != heads
            block.attn1.heads = block.attn2.heads = heads
            block.attn1.scale = block.attn2.scale = (block.attn1.to_q.out_features // heads) ** -0.5
    found = Asked(given, embedder).answer(straight)
    for tap in (3, 6, 9):
        assert published.error(found[tap], wanted(given)[tap]) > 1e-3
    for tap in (0, 1, 2, 4):
        assert published.error(found[tap], wanted(given)[tap]) < 2e-5


def test_gates_are_clamped(tensors, config, network, given, embedder) -> None:
    def answer(**gates: float):
        changed = {f"gates.{tap.removeprefix('tap_')}": torch.tensor(gate) for tap, gate in gates.items()}
        return Asked(given, embedder).answer(Control3d.sized(tensors | changed, config))

    asked = Asked(given, embedder).answer(network)
    assert float(tensors["gates.6"]) > 1
    below, at_zero = answer(tap_9=-0.7), answer(tap_9=0.0)
    for found, right in ((answer(tap_6=1.0), asked), (below, at_zero)):
        assert all(published.error(a, b) < 1e-5 for a, b in zip(found, right, strict=True))
    assert published.error(below[9], asked[9]) > 1e-3


def test_frames_are_added_and_not_averaged(network, given, embedder) -> None:
    thirds = [tap / 3 for tap in Asked(given, embedder).answer(network)]
    assert published.error(thirds[-1], given["mid_block_res_sample"]) > 0.1


def test_a_tile_does_not_depend_on_its_neighbours(network, given, embedder) -> None:
    together = Asked(given, embedder).answer(network)
    alone = [Asked(given, embedder, rows=slice(i, i + 1)).answer(network) for i in range(2)]
    for tap, both in enumerate(together):
        one = torch.cat([alone[0][tap], alone[1][tap]])
        assert published.error(one, both) < 1e-6 * max(1.0, float(both.abs().max()))


def test_tiles_in_threads(network, given, embedder) -> None:
    found = {}

    def answer(tile: int) -> None:
        found[tile] = Asked(given, embedder, rows=slice(tile, tile + 1)).answer(network)

    threads = [threading.Thread(target=answer, args=(tile,)) for tile in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for tap, right in enumerate(wanted(given)):
        assert published.error(torch.cat([found[0][tap], found[1][tap]]), right) < 2e-5


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t, c: t.pop("temporal.6.proj_in.bias"), r"lacks the tensor 'temporal\.6\.proj_in\.bias'"),
        (lambda t, c: t.pop("gates.3"), r"lacks the tensor 'gates\.3'"),
        (lambda t, c: t.pop("hint.conv_in.weight"), r"lacks the tensor 'hint\.conv_in\.weight'"),
        (
            lambda t, c: t.update({"trunk.metadata_embedding.0": torch.ones(1)}),
            r"no place for .*'trunk\.metadata",
        ),
        (
            lambda t, c: c.update(block_out_channels=[32, 32, 64, 64]),
            r"of shape \(.*, and the checkpoint holds",
        ),
        (lambda t, c: c.update(block_out_channels=[32, 32, 48, 64]), r"lacks the tensor '.*conv_shortcut"),
        (lambda t, c: c.update(attention_head_dim=0), "does not fit its configuration"),
        (
            lambda t, c: c.update(down_block_types=["NoBlock"] * 4),
            r"does not fit its configuration \(.*NoBlock",
        ),
        (lambda t, c: c.update(block_out_channels="wide"), "does not fit its configuration"),
    ],
)
def test_what_makes_no_network(tensors, config, change, says) -> None:
    changed, other = dict(tensors), dict(config)
    change(changed, other)
    with pytest.raises(
        ModelError, match=f"the ControlNet of frames .*{says}.*; copy the whole checkpoint again"
    ) as raised:
        Control3d.sized(changed, other)
    assert str(raised.value).count("the ControlNet of frames") == 1
