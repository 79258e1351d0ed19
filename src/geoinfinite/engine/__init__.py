"""From a recipe to pixels: resolved levels, what they cost, and how their layers are drawn."""

from geoinfinite.engine.cold_reads import cold_cost as cold_cost
from geoinfinite.engine.cold_reads import cold_shares as cold_shares
from geoinfinite.engine.cold_reads import warn_if_cold as warn_if_cold
from geoinfinite.engine.cost import Cost as Cost
from geoinfinite.engine.generate import draw as draw
from geoinfinite.engine.generate import generate as generate
from geoinfinite.engine.generate import read as read
from geoinfinite.engine.level import Drawn as Drawn
from geoinfinite.engine.level import Level as Level
from geoinfinite.engine.many import cold_cost_of_many as cold_cost_of_many
from geoinfinite.engine.many import generate_each as generate_each
from geoinfinite.engine.many import generate_many as generate_many
from geoinfinite.engine.many import read_many as read_many
from geoinfinite.engine.parent_pixels import ReadPixels as ReadPixels
from geoinfinite.engine.raster_source import RasterSource as RasterSource
from geoinfinite.engine.resolve import resolve as resolve
from geoinfinite.engine.resources import Resources as Resources
from geoinfinite.engine.resources import process_resources as process_resources
