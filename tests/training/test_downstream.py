import torch
from held_out_scenes import scenes
from training.downstream import (
    GROUP,
    Chips,
    Segmenter,
    intersection_over_union,
    overlap,
    sets,
    trained,
    with_shores,
)
from training.held_out import HeldOut


def chips(count: int, seed: int) -> Chips:
    """Blue water to one side of a shore, on brown land."""
    at = torch.randint(20, 60, (count,), generator=torch.Generator().manual_seed(seed))
    water = (torch.arange(80) < at[:, None]).float()[:, None, None].expand(count, 1, 96, 80)
    land = torch.tensor([0.2, 0.0, -0.4])[:, None, None]
    sea = torch.tensor([-0.8, -0.5, 0.3])[:, None, None]
    return Chips(water * sea + (1 - water) * land, water.contiguous())


def test_the_overlap_is_of_pixels() -> None:
    one, other = torch.zeros(2, 1, 4, 5, dtype=torch.bool), torch.zeros(2, 1, 4, 5, dtype=torch.bool)
    one[0, 0, 1:3, :3], other[0, 0, 2:, 1:4] = True, True
    assert overlap(one, other) == 2 / 10
    assert overlap(~one | one, one) == 6 / 40
    assert overlap(one & ~one, one & ~one) == 1


def test_a_segmenter_learns_a_shore_and_the_seed_decides_how() -> None:
    given = chips(6, 1)
    network = trained(given, 20, 3)
    assert intersection_over_union(network, chips(4, 2)) > 0.9
    assert intersection_over_union(Segmenter().eval(), chips(4, 2)) < 0.8
    again = trained(given, 2, 3).state_dict()
    assert all(
        torch.equal(a, b)
        for a, b in zip(again.values(), trained(given, 2, 3).state_dict().values(), strict=True)
    )


def test_chips_have_a_shore() -> None:
    batch = with_shores(HeldOut(scenes(), GROUP, 1), 7)
    share = batch.water[:, 0].mean((1, 2)) / 2 + 0.5
    assert len(share) == 7
    assert float(share.min()) > 0.1
    assert float(share.max()) < 0.9
    assert bool((batch.water[:, 1] == 1).all())


def test_sets_of_chips_are_as_large_as_they_say() -> None:
    real, drawn = chips(5, 1), chips(5, 2)
    found = dict(sets(real, drawn, 2))
    assert {name: len(given.pictures) for name, given in found.items()} == {
        "few real": 2,
        "drawn": 5,
        "drawn and few real": 7,
        "real": 5,
    }
    assert torch.equal(found["drawn and few real"].water[5:], real.water[:2])
