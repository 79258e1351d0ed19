"""One use of drawn pictures: a small network that finds water, trained on drawn chips, tested on real ones.

`python -m training.downstream --network DIR --pack PACK --held HELD` trains the same network on chips of the
Blue Marble at about 0.5 km: on a few real ones, on as many drawn ones as there are real, on real ones, and
on drawn and few real ones together. The drawn chips have the parents and the water of the real ones, which
is their label. It prints the intersection over union of water on real chips of held-out places, per seed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from training import pack
from training.batch import Batch
from training.detail import seeded
from training.held_out import GROUPS, SIDE, HeldOut, drawn, read_network
from training.scene import Scene

GROUP = next(group for group in GROUPS if group.name == "blue-marble-500m")
MIXED = 0.1, 0.9
"""Share of water of a chip: between these, so that every chip has a shore."""
TILE, EXAMPLES, RATE = 64, 12, 2e-3


@dataclass(frozen=True, slots=True)
class Chips:
    """Pictures (N, 3, S, S) in [-1, 1] and shares of water (N, 1, S, S), 0 to 1."""

    pictures: Tensor
    water: Tensor

    def first(self, count: int) -> Chips:
        """Return the first `count`."""
        return Chips(self.pictures[:count], self.water[:count])

    def with_more(self, other: Chips) -> Chips:
        """Return the chips of both."""
        return Chips(torch.cat([self.pictures, other.pictures]), torch.cat([self.water, other.water]))


class Segmenter(nn.Module):
    """Logits of water (B, 1, H, W) from pictures (B, 3, H, W): a U-Net of three scales, 67 000 parameters."""

    def __init__(self, channels: tuple[int, int, int] = (12, 24, 48)) -> None:
        super().__init__()
        fine, middle, coarse = channels
        self.down = nn.ModuleList([_pair(3, fine), _pair(fine, middle), _pair(middle, coarse)])
        self.up = nn.ModuleList([_pair(coarse + middle, middle), _pair(middle + fine, fine)])
        self.leave = nn.Conv2d(fine, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 1, H, W)."""
        skipped = []
        for index, pair in enumerate(self.down):
            x = pair(x if index == 0 else F.max_pool2d(x, 2))
            skipped.append(x)
        for pair, beside in zip(self.up, reversed(skipped[:-1]), strict=True):
            x = pair(torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), beside], 1))
        logits: Tensor = self.leave(x)
        return logits


def _pair(given: int, channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in (given, channels):
        layers += [nn.Conv2d(width, channels, 3, padding=1), nn.GroupNorm(4, channels), nn.ReLU()]
    return nn.Sequential(*layers)


def with_shores(source: HeldOut, count: int) -> Batch:
    """Return `count` crops that show both water and land."""
    found = None
    while found is None or len(found.gsd_m) < count:
        batch = source.batch(4 * count)
        share = batch.water[:, 0].mean((1, 2)) / 2 + 0.5
        mixed = batch.part((share > MIXED[0]) & (share < MIXED[1]))
        found = mixed if found is None else found.joined(mixed)
    return found.part(slice(count))


def chips(batch: Batch, pictures: Tensor) -> Chips:
    """Return pictures with the water of a batch."""
    return Chips(pictures, batch.water[:, :1] / 2 + 0.5)


def trained(given: Chips, steps: int, seed: int) -> Segmenter:
    """Return a segmenter after `steps` steps on random parts of the chips, turned and flipped."""
    torch.manual_seed(seed)
    network, generator = Segmenter(), seeded(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        picture, water = _example(given, generator)
        loss = F.binary_cross_entropy_with_logits(network(picture), water)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network.eval()


def _example(given: Chips, generator: Generator) -> tuple[Tensor, Tensor]:
    chosen = torch.randint(len(given.pictures), (EXAMPLES,), generator=generator)
    row, column = torch.randint(given.pictures.shape[-1] - TILE + 1, (2,), generator=generator).tolist()
    turn, flip = torch.randint(4, (2,), generator=generator).tolist()
    both = torch.cat([given.pictures[chosen], given.water[chosen]], 1)
    cut = torch.rot90(both[..., row : row + TILE, column : column + TILE], turn, (2, 3))
    cut = cut.flip(3) if flip % 2 else cut
    # The brightness of a scene says nothing of water.
    light = 1 + 0.2 * (torch.rand(EXAMPLES, 1, 1, 1, generator=generator) - 0.5)
    return (cut[:, :3] + 1) * light - 1, cut[:, 3:]


@torch.no_grad()
def intersection_over_union(network: nn.Module, tested: Chips) -> float:
    """Return the pixels that are water by both over those that are by either, all chips together."""
    found = torch.cat([network(some) > 0 for some in tested.pictures.split(EXAMPLES)])
    return overlap(found, tested.water > 0.5)


def overlap(found: Tensor, true: Tensor) -> float:
    """Return the intersection over the union of two masks; 1 for two empty ones."""
    either = int((found | true).sum())
    return int((found & true).sum()) / either if either else 1.0


def sets(real: Chips, invented: Chips, few: int) -> Iterator[tuple[str, Chips]]:
    """Yield what is trained on, by name."""
    yield "few real", real.first(few)
    yield "drawn", invented
    yield "drawn and few real", invented.with_more(real.first(few))
    yield "real", real


def run(scenes: list[Scene], held: list[Scene], arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Yield a line per set of chips."""
    batch = with_shores(HeldOut(scenes, GROUP, 1), arguments.count)
    real = chips(batch, batch.child)
    invented = chips(batch, drawn(read_network(arguments.network), batch, 3))
    found = with_shores(HeldOut(held, GROUP, 2), arguments.test)
    tested = chips(found, found.child)
    everywhere = overlap(torch.ones_like(tested.water, dtype=torch.bool), tested.water > 0.5)
    yield {"trained on": "none: all is water", "chips": 0, "iou": round(everywhere, 3)}
    for name, given in sets(real, invented, arguments.few):
        networks = (trained(given, arguments.steps, seed) for seed in range(arguments.seeds))
        scores = [round(intersection_over_union(network, tested), 3) for network in networks]
        yield {"trained on": name, "chips": len(given.pictures), "iou": scores}


def main() -> None:
    """Read the command line and print a line of JSON per set of chips."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", type=Path, required=True, help="folder of the network")
    parser.add_argument("--pack", type=Path, required=True, help="folder of the training places")
    parser.add_argument("--held", type=Path, required=True, help="folder of the held-out places")
    parser.add_argument("--count", type=int, default=128, help=f"chips of {SIDE} px")
    parser.add_argument("--few", type=int, default=4, help="chips of the smallest set")
    parser.add_argument("--test", type=int, default=96, help="real chips of held-out places")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    for line in run(pack.read(arguments.pack), pack.read(arguments.held), arguments):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
