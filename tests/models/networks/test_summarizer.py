"""ZoomLDM's summarizer against its original class."""

from __future__ import annotations

import published
import pytest
import torch

from geoinfinite.errors import ModelError
from geoinfinite.models.networks.summarizer import Summarizer, standardised

SYSTEM = "zoomldm"
GRIDS = ["level0", "level1", "level2", "level2_rect", "level3", "level3_pooled"]
pytestmark = published.needs(SYSTEM)


@pytest.fixture(scope="module")
def given():
    return published.given(SYSTEM)


@pytest.fixture(scope="module")
def tensors():
    return published.under(published.ldm_state(SYSTEM, "naip/weights.ckpt"), "cond_stage_model.")


@pytest.fixture(scope="module")
def summarizer(tensors):
    kept, idle = Summarizer.renamed(tensors)
    assert not idle
    return Summarizer.sized(kept)


@pytest.mark.parametrize("name", GRIDS)
def test_tokens_of_grids(summarizer, given, name) -> None:
    grid, level = given[f"ssl_feat_{name}"], given[f"mag_{name}"]
    assert published.error(standardised(grid), given[f"ssl_feat_standardised_{name}"]) < 1e-6
    assert published.error(summarizer(grid, level), given[f"summarizer_tokens_{name}"]) < 1e-5


def test_the_level_matters(summarizer, given) -> None:
    grid, level = given["ssl_feat_level0"], given["mag_level0"]
    wanted = given["summarizer_tokens_level0_mag3"]
    assert published.error(summarizer(grid, torch.full_like(level, 3)), wanted) < 1e-5
    assert published.error(summarizer(grid, level), wanted) > 1e-2


def test_a_grid_is_averaged_before_it_is_standardised(given) -> None:
    grid = given["ssl_feat_level3_pooled"]
    vectors = (grid - grid.mean(1, keepdim=True)) / grid.std(1, keepdim=True)
    late = torch.nn.functional.adaptive_avg_pool2d(vectors, 8)
    assert published.error(late, given["ssl_feat_standardised_level3_pooled"]) > 1e-2


def test_nothing_said_is_zeros_after_it(summarizer, given) -> None:
    null = summarizer.null(2)
    assert null.shape == given["summarizer_tokens_level0"].shape
    assert not null.any()
    # Vectors of zeros are standardised to zeros, and make tokens that are none.
    assert float(summarizer(torch.zeros(1, 24, 2, 2), torch.tensor([1])).abs().max()) > 0.1


@pytest.mark.parametrize(("rows", "columns"), [(3, 3), (5, 5), (7, 7), (1, 3), (3, 1)])
def test_odd_grids(summarizer, rows, columns) -> None:
    says = (
        rf"a grid of {rows * columns} vectors has no middle place .*; give 1 x 1 or an even number .* 2 x 2"
    )
    with pytest.raises(ModelError, match=says):
        summarizer(torch.ones(1, 24, rows, columns), torch.tensor([0]))


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (2, 4), (4, 4), (8, 8), (12, 9), (16, 16)])
def test_the_grids_of_the_remedy(summarizer, shape) -> None:
    grid = torch.arange(24.0)[:, None, None] * torch.arange(1.0, 1 + shape[0])[:, None] + torch.arange(
        shape[1]
    )
    assert torch.isfinite(summarizer(grid[None] % 7, torch.tensor([2]))).all()


def test_a_tile_does_not_depend_on_its_neighbours(summarizer, given) -> None:
    grid, level = given["ssl_feat_level2"], given["mag_level2"]
    alone = [summarizer(grid[i : i + 1], level[i : i + 1]) for i in range(len(grid))]
    assert published.error(torch.cat(alone), summarizer(grid, level)) < 5e-6


def test_autocast_leaves_it_alone(summarizer, given) -> None:
    grid, level = given["ssl_feat_level1"], given["mag_level1"]
    with torch.autocast("cpu", torch.bfloat16):
        tokens = summarizer(grid, level)
    assert torch.equal(tokens, summarizer(grid, level))


def test_tensors_that_make_no_summarizer(tensors) -> None:
    kept, _ = Summarizer.renamed(tensors)
    lacking = {name: tensor for name, tensor in kept.items() if name != "layers.1.out.bias"}
    with pytest.raises(ModelError, match=r"the summarizer lacks the tensor 'layers\.1\.out\.bias'; copy"):
        Summarizer.sized(lacking)
    with pytest.raises(
        ModelError, match=r"needs 2 axes of the tensor 'reduce\.weight', and its shape is \(32,\)"
    ):
        Summarizer.sized(kept | {"reduce.weight": torch.ones(32)})
    with pytest.raises(ModelError, match="8 heads, which cannot share the 12 channels"):
        Summarizer.sized(kept | {"reduce.weight": torch.ones(12, 24)})
