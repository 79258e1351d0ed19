"""AeroGen's boxes: cells, masks, tokens, attention and mask attention, against its original classes."""

from __future__ import annotations

import logging
import threading

import numpy as np
import published
import pytest
import rasterio.features
import torch
from stock_networks import unet_of

from geoinfinite.errors import ModelError
from geoinfinite.models.networks.box_cells import cells, masks
from geoinfinite.models.networks.box_encoder import BoxEncoder, position_code
from geoinfinite.models.networks.layout_attention import LayoutAttention, install
from geoinfinite.models.networks.layout_mask import LayoutMask

SYSTEM, CHECKPOINT, CONFIG = "aerogen", "aerogen_diorr_last.ckpt", "v1-finetune-DIOR-R.yaml"
UNET, MASK = "model.diffusion_model.", "model.diffusion_model.maskcrossattention."
pytestmark = published.needs(SYSTEM)


@pytest.fixture(scope="module")
def given():
    return published.given(SYSTEM)


@pytest.fixture(scope="module")
def state():
    return published.ldm_state(SYSTEM, CHECKPOINT)


@pytest.fixture(scope="module")
def encoder(state):
    kept, idle = BoxEncoder.renamed(published.under(state, "condition_tokenizer."))
    assert not idle
    return BoxEncoder.sized(kept)


@pytest.fixture(scope="module")
def mask_tensors(state):
    return published.under(published.cut(state, UNET), "maskcrossattention.")


@pytest.fixture(scope="module")
def layout_mask(mask_tensors):
    return LayoutMask.sized(LayoutMask.renamed(mask_tensors)[0])


def stock_unet(state):
    """The U-Net without boxes, and its tensors of attention to boxes, by the names of diffusers."""
    config = published.ldm_config(SYSTEM, CONFIG)["model"]["params"]["unet_config"]["params"]
    plain = {
        name: t
        for name, t in state.items()
        if not name.startswith((MASK, "model_ema.")) and "_control" not in name
    }
    unet = unet_of(plain, config)
    # The converter of diffusers is asked where each layer's key is, and so where its neighbours belong.
    control = {}
    for name in (name for name in state if name.startswith(UNET) and "_control" in name):
        key = name.replace("_control", "")
        place = next(
            n for n, t in unet.state_dict().items() if n.endswith(key[-20:]) and torch.equal(t, state[key])
        )
        control[place.replace(".weight", "_control.weight")] = state[name]
    return unet, control


@pytest.fixture(scope="module")
def unet(state):
    unet, control = stock_unet(state)
    install(unet, LayoutAttention.renamed(control)[0])
    return unet


@pytest.fixture(scope="module")
def layout(encoder, given):
    return encoder(given["boxes_cells"], given["category_conditions"], given["mask_vector"])


def objects(given):
    return given["category_conditions"], given["mask_conditions"].float()


class Seen:
    """The U-Net with its first convolution followed by mask attention, its own forward of the timestep."""

    def __init__(self, unet, layout_mask, given) -> None:
        self.unet, self.layout_mask, self.given = unet, layout_mask, given

    @torch.inference_mode()
    def __call__(self, time: int, words: str, layout, rows=slice(None)):
        times = torch.full((len(self.given["sample"][rows]),), time)
        classes, drawn = (told[rows] for told in objects(self.given))
        hook = self.unet.conv_in.register_forward_hook(
            lambda _, __, h: self.layout_mask.gated(h, classes, drawn, times)
        )
        try:
            kwargs = {"layout": layout[rows]}
            z, text = self.given["sample"][rows], self.given[words][rows]
            return self.unet(z, times, text, cross_attention_kwargs=kwargs).sample
        finally:
            hook.remove()


@pytest.fixture(scope="module")
def answer(unet, layout_mask, given):
    return Seen(unet, layout_mask, given)


class TestCells:
    def test_published_cells(self, given) -> None:
        rows, columns = given["image_size_px"].tolist()
        for tile, boxes in enumerate(given["boxes_normalized"].numpy()):
            there = boxes[~np.isnan(boxes).any(1)].reshape(-1, 4, 2) * [columns, rows]
            found = cells(there, (rows, columns), (24, 64))
            assert found.dtype == np.int64
            assert np.array_equal(found, given["boxes_cells"][tile, : len(there)].numpy())

    def test_numbers_are_cut_as_python_cuts_them(self) -> None:
        corners = np.random.default_rng(3).uniform(-90, 700, (200, 4, 2))
        wanted = [
            [int(int(v) * n / px) for v, n, px in zip(c, (40, 21), (500, 300), strict=True)]
            for c in corners.reshape(-1, 2)
        ]
        assert np.array_equal(cells(corners, (300, 500), (21, 40)).reshape(-1, 2), wanted)

    def test_published_masks(self, given) -> None:
        for tile, there in enumerate(given["mask_vector"].bool()):
            corners = given["boxes_cells"][tile][there].numpy()
            found = masks(corners.reshape(-1, 4, 2).astype(float), corners, (24, 64), "outline")
            assert np.array_equal(found, given["mask_conditions"][tile][there].numpy())
            exact = masks(corners.reshape(-1, 4, 2).astype(float), corners, (24, 64), "centre")
            assert not np.array_equal(exact, found)

    @pytest.mark.parametrize("turned", [False, True])
    def test_the_centre_rule_is_that_of_rasterize(self, turned) -> None:
        rng = np.random.default_rng(8)
        middle, half = rng.uniform(-4, 34, (60, 1, 2)), rng.uniform(0.3, 9, (60, 1, 2))
        corners = half * [[-1, -1], [1, -1], [1, 1], [-1, 1]]
        angle = rng.uniform(0, np.pi, 60) * turned
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
        outlines = middle + corners @ turn
        found = masks(outlines, np.zeros((60, 8), np.int64), (21, 33), "centre")
        for outline, mask in zip(outlines, found, strict=True):
            polygon = {"type": "Polygon", "coordinates": [[*outline.tolist(), outline[0].tolist()]]}
            assert np.array_equal(rasterio.features.rasterize([polygon], (21, 33), dtype=np.uint8), mask)

    def test_the_centre_rule_holds_every_centre_once(self) -> None:
        # Three triangles that share edges through centres of cells.
        a, b, c, d = [0.5, 0.5], [8.5, 0.5], [8.5, 6.5], [6.5, 2.5]
        parts = [[a, b, d, d], [b, c, d, d], [a, d, c, c], [a, b, c, c]]
        found = masks(np.array(parts), np.zeros((4, 8), np.int64), (9, 11), "centre")
        assert np.array_equal(found[:3].sum(0), found[3])
        # By Pick's theorem 17 centres lie within; those on the upper and the right edge count, 7 and 6.
        assert found[3].sum() == 17 + 7 + 6

    @pytest.mark.parametrize("rule", ["centre", "outline"])
    def test_no_boxes(self, rule) -> None:
        assert masks(np.zeros((0, 4, 2)), np.zeros((0, 8), np.int64), (5, 7), rule).shape == (0, 5, 7)


class TestTokens:
    def test_published_tokens(self, encoder, given, layout) -> None:
        assert published.error(layout, given["layout_tokens"]) < 1e-6
        there = given["mask_vector"].bool()
        code = position_code(given["boxes_cells"])
        assert published.error(code[there], given["fourier_position"][there]) < 1e-6

    def test_cells_and_not_fractions(self, encoder, given) -> None:
        fractions = given["boxes_cells"] / torch.tensor([64, 24] * 4)
        found = encoder(fractions, given["category_conditions"], given["mask_vector"])
        assert published.error(found, given["layout_tokens"]) > 1e-2

    def test_an_empty_slot_has_one_token_whatever_it_holds(self, encoder, given, layout) -> None:
        empty = ~given["mask_vector"].bool()
        assert len({tuple(token) for token in layout[empty].tolist()}) == 1
        cells_, classes = given["boxes_cells"].clone(), given["category_conditions"].clone()
        cells_[empty], classes[empty] = 17, torch.nan
        assert torch.equal(encoder(cells_, classes, given["mask_vector"]), layout)

    def test_a_tile_does_not_depend_on_its_neighbours(self, encoder, given, layout) -> None:
        told = given["boxes_cells"], given["category_conditions"], given["mask_vector"]
        for tile in range(len(layout)):
            alone = encoder(*(values[tile : tile + 1] for values in told))
            assert published.error(alone, layout[tile : tile + 1]) < 1e-6

    def test_a_box_of_another_class_or_corner_order_is_another_token(self, encoder, given, layout) -> None:
        there = given["mask_vector"].bool()
        turned = given["boxes_cells"].roll(2, -1)
        others = given["category_conditions"].roll(1, -1)
        for told in ((turned, given["category_conditions"]), (given["boxes_cells"], others)):
            found = encoder(*told, given["mask_vector"])
            assert float((found - layout).abs().amax(-1)[there].min()) > 1e-3

    def test_autocast_leaves_them_alone(self, encoder, given, layout) -> None:
        with torch.autocast("cpu", torch.bfloat16):
            tokens = encoder(given["boxes_cells"], given["category_conditions"], given["mask_vector"])
        assert torch.equal(tokens, layout)

    def test_tensors_that_make_no_encoder(self, state) -> None:
        kept, _ = BoxEncoder.renamed(published.under(state, "condition_tokenizer."))
        with pytest.raises(
            ModelError, match=r"the box encoder has the tensor 'null_text_feature' of shape \(48,\)"
        ):
            BoxEncoder.sized(kept | {"null_text_feature": torch.ones(47)})
        with pytest.raises(
            ModelError, match=r"needs more than 128 channels of 'linears\.0\.weight', which takes 100"
        ):
            BoxEncoder.sized(kept | {"linears.0.weight": torch.ones(512, 100)})


class TestMaskAttention:
    def test_published_first_convolution(self, unet, layout_mask, given) -> None:
        h = unet.conv_in(given["sample"])
        assert published.error(h[:1, :8], given["conv_in_sample0"]) < 1e-6
        found = layout_mask(h, *objects(given))
        assert published.error(found[:1, :8], given["layout_mask_attention_sample0_t481"]) < 1e-5

    def test_outside_all_boxes_the_state_is_scaled(self, layout_mask, given) -> None:
        h = torch.arange(2 * 32 * 24 * 64.0).reshape(2, 32, 24, 64).sin()
        classes, drawn = objects(given)
        outside = ~drawn.bool().any(1)
        found = layout_mask(h, classes, drawn)
        for tile in range(2):
            assert published.error(found[tile][:, outside[tile]], 0.8 * h[tile][:, outside[tile]]) < 1e-6
            inside = ~outside[tile]
            assert published.error(found[tile][:, inside], 0.8 * h[tile][:, inside]) > 1e-2

    def test_every_tile_has_its_own_gate(self, layout_mask, given) -> None:
        h = torch.arange(2 * 32 * 24 * 64.0).reshape(2, 32, 24, 64).cos()
        classes, drawn = objects(given)
        both = layout_mask(h, classes, drawn)
        found = layout_mask.gated(h, classes, drawn, torch.tensor([199.9, 200.0]))
        assert torch.equal(found[0], h[0])
        assert torch.equal(found[1], both[1])
        assert layout_mask.gated(h, classes, drawn, torch.tensor([199, 100])) is h

    def test_masks_with_fractions_are_weights(self, layout_mask, given) -> None:
        h = torch.arange(2 * 32 * 24 * 64.0).reshape(2, 32, 24, 64).cos()
        classes, drawn = objects(given)
        half = layout_mask(h, classes, drawn / 2)
        wanted = (layout_mask(h, classes, drawn) + 0.8 * h) / 2
        assert published.error(half, wanted) < 1e-5
        assert published.error(half, layout_mask(h, classes, drawn)) > 1e-2

    def test_a_tile_does_not_depend_on_its_neighbours(self, layout_mask, given) -> None:
        h = torch.arange(2 * 32 * 24 * 64.0).reshape(2, 32, 24, 64).sin()
        classes, drawn = objects(given)
        together = layout_mask(h, classes, drawn)
        alone = [layout_mask(h[i : i + 1], classes[i : i + 1], drawn[i : i + 1]) for i in range(2)]
        assert published.error(torch.cat(alone), together) < 5e-6
        last = h.contiguous(memory_format=torch.channels_last)
        assert published.error(layout_mask(last, classes, drawn), together) < 5e-6

    def test_what_has_no_influence_is_named(self, mask_tensors) -> None:
        kept, idle = LayoutMask.renamed(mask_tensors)
        assert {name.removeprefix("maskcrossattention.") for name in idle} == {
            *("norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias"),
            *("crossattn.to_q.weight", "crossattn.to_k.weight"),
        }
        with pytest.raises(
            ModelError, match=r"the layout mask attention has no place for the tensor 'norm4\.bias'"
        ):
            LayoutMask.sized(kept | {"norm4.bias": torch.ones(32)})


class TestNetwork:
    @pytest.mark.parametrize("time", [481, 200, 199, 100])
    def test_published_answers(self, answer, layout, given, time) -> None:
        assert published.error(answer(time, "context", layout), given[f"eps_t{time}"]) < 1e-5

    def test_guided(self, answer, layout, given) -> None:
        cond, without = answer(481, "context", layout), answer(481, "context_uncond", layout)
        assert published.error(without, given["eps_uncond_t481"]) < 1e-5
        # What is told less keeps its boxes: with others it is another answer.
        others = answer(481, "context_uncond", layout.flip(0))
        assert published.error(others, given["eps_uncond_t481"]) > 1e-3
        guided = without + 7.5 * (cond - without)
        assert published.error(guided, given["eps_cfg7_5_t481"]) < 1e-5 * (2 * 7.5 - 1)

    def test_empty_slots_attend(self, answer, layout, given) -> None:
        present = int(given["mask_vector"].sum(1).max())
        assert present < layout.shape[1]
        fewer = answer(100, "context", layout[:, :present])
        assert published.error(fewer, given["eps_t100"]) > 1e-4

    def test_without_a_layout_it_is_the_stock_network(self, state, unet, given) -> None:
        stock, _ = stock_unet(state)
        asked = given["sample"], 100, given["context"]
        with torch.inference_mode():
            assert published.error(unet(*asked).sample, stock(*asked).sample) < 1e-5

    def test_tiles_in_threads(self, answer, unet, layout, given) -> None:
        asked = given["sample"], given["context"]

        @torch.inference_mode()
        def one(tile: int):
            rows = slice(tile, tile + 1)
            kwargs = {"layout": layout[rows]}
            return unet(asked[0][rows], 100, asked[1][rows], cross_attention_kwargs=kwargs).sample

        found = {}
        threads = [threading.Thread(target=lambda i=i: found.update({i: one(i)})) for i in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert published.error(torch.cat([found[0], found[1]]), given["eps_t100"]) < 1e-5

    def test_diffusers_warns_of_no_argument(self, answer, layout, caplog) -> None:
        logger = logging.getLogger("diffusers")
        logger.addHandler(caplog.handler)
        try:
            answer(481, "context", layout)
        finally:
            logger.removeHandler(caplog.handler)
        assert caplog.records == []


class TestInstalling:
    def test_only_cross_attention_uses_a_layout(self, state) -> None:
        _, control = stock_unet(state)
        kept, idle = LayoutAttention.renamed(control)
        assert len(kept) == len(idle) == len(control) / 2
        assert all(".attn2." in name for name in kept)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda t, first: t.pop(first), "lacks the tensor '{first}'"),
            (
                lambda t, first: t.update({k: t[k][:16] for k in t if k[:-20] == first[:-20]}),
                "has 32 channels, and '{first}' .* makes 16",
            ),
            (
                lambda t, first: t.update({"mid.attn2.to_v_control.weight": t[first]}),
                "no place for .*'mid.attn2",
            ),
        ],
    )
    def test_tensors_that_do_not_fit(self, state, change, says) -> None:
        unet, control = stock_unet(state)
        kept, _ = LayoutAttention.renamed(control)
        first = next(name for name in sorted(kept) if "to_k" in name and kept[name].shape[0] == 32)
        change(kept, first)
        with pytest.raises(ModelError, match="the layout attention") as raised:
            install(unet, kept)
        assert raised.match(says.format(first=first))
        # The network is as it was.
        assert not any(isinstance(p, LayoutAttention) for p in unet.attn_processors.values())
