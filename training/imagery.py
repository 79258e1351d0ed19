"""The training scenes, gathered from their sources: `python -m training.imagery --water FILE --out PACK`.

`scenes` leaves out what cannot be fetched, and says on stderr what is used. Held-out places are never in the
training scenes: Australia with Oceania and South America, the eastern third or the whole of Landsat and NAIP
scenes, and one NEON image.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from rasterio.errors import RasterioError

from training import globe, ground, marble, open_scenes, pack
from training.layer import Bytes, pull_in_ends
from training.scene import Scene
from training.shores import Shores, open_shores
from training.sources import SourceUnavailable

GROUND: tuple[Callable[[Path, Bytes, bool], list[Scene]], ...] = (
    ground.landsat_parana,
    ground.landsat_utah,
    ground.landsat_rockies,
    ground.landsat_raleigh,
    ground.landsat_olinda,
    ground.landsat_para,
    ground.prairie,
    ground.sentinel,
    ground.neon,
    ground.neon_fields,
)


def scenes(cache: Path, shores: Shores, held_out: bool) -> list[Scene]:
    """Return the scenes for training, or those of the held-out places; the globe at 7.4 km comes first."""
    whole = pull_in_ends(globe.read(cache))
    found = [marble.globe_scene(whole, shores, held_out)]
    makers: list[tuple[str, Callable[[], list[Scene]]]] = [
        ("marble_windows", partial(marble.window_scenes, cache, shores, held_out)),
        *((make.__name__, partial(make, cache, whole, held_out)) for make in GROUND),
        ("open_scenes", partial(open_scenes.scenes, cache, whole, held_out)),
        ("naip_chips", partial(open_scenes.chips, cache, whole, held_out)),
        ("drone", partial(open_scenes.drone, cache, held_out)),
    ]
    for name, make in makers:
        found += _optional(name, make)
    split = "held-out" if held_out else "training"
    print(f"{split} images: {'; '.join(_summary(found))}", file=sys.stderr)
    return found


def _optional(name: str, make: Callable[[], list[Scene]]) -> list[Scene]:
    try:
        return make()
    except (SourceUnavailable, RasterioError, OSError) as error:
        print(f"training images: {name} is left out: {error}", file=sys.stderr)
        return []


def _summary(found: list[Scene]) -> Iterator[str]:
    for source in dict.fromkeys(scene.source for scene in found):
        chosen = [scene for scene in found if scene.source == source]
        gsds = [scene.gsd_m for scene in chosen]
        area = sum(scene.megapixels for scene in chosen)
        yield f"{source} {len(chosen)} scenes, {area:.1f} MP, {min(gsds):.3g} to {max(gsds):.5g} m"


def _sizes(folder: Path) -> Iterator[str]:
    total = sum(path.stat().st_size for path in folder.iterdir())
    yield f"{total / 1e6:.1f} MB in {folder}"


def main() -> None:
    """Read the command line and write the pack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the pack")
    parser.add_argument("--cache", type=Path, default=Path("training/cache"), help="downloads")
    parser.add_argument("--water", type=Path, required=True, help="the land-and-water raster")
    parser.add_argument("--held-out", action="store_true", help="write the held-out places instead")
    arguments = parser.parse_args()
    shores = open_shores(arguments.water)
    pack.write(arguments.out, scenes(arguments.cache, shores, arguments.held_out))
    print(*_sizes(arguments.out), sep="\n")


if __name__ == "__main__":
    main()
