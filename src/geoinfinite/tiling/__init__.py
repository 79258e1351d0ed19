"""Which tiles a window needs, how they batch and how they blend; knows no solver and no network."""

from geoinfinite.tiling.batches import fixed_batches as fixed_batches
from geoinfinite.tiling.fuse import fuse as fuse
from geoinfinite.tiling.lattice import Lattice as Lattice
from geoinfinite.tiling.lattice import TileBlock as TileBlock
from geoinfinite.tiling.lattice import TileIndex as TileIndex
from geoinfinite.tiling.layers import Chart as Chart
from geoinfinite.tiling.layers import Decode as Decode
from geoinfinite.tiling.layers import Layer as Layer
from geoinfinite.tiling.layers import Need as Need
from geoinfinite.tiling.layers import Solve as Solve
from geoinfinite.tiling.layers import cone as cone
from geoinfinite.tiling.tile_cache import DiskTileCache as DiskTileCache
from geoinfinite.tiling.tile_cache import MemoryTileCache as MemoryTileCache
from geoinfinite.tiling.tile_cache import NoTileCache as NoTileCache
from geoinfinite.tiling.tile_cache import TileCache as TileCache
from geoinfinite.tiling.weights import PROFILES as PROFILES
from geoinfinite.tiling.weights import axis_weights as axis_weights
from geoinfinite.tiling.weights import tile_weights as tile_weights
