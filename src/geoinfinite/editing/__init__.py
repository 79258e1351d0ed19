"""Edits of real rasters: drawn finer, beyond their edges, and where they have holes; known pixels stay."""

from geoinfinite.editing.completing import ExtendOptions as ExtendOptions
from geoinfinite.editing.completing import extend as extend
from geoinfinite.editing.completing import fill as fill
from geoinfinite.editing.drawing import Drawing as Drawing
from geoinfinite.editing.drawing import DrawingOptions as DrawingOptions
from geoinfinite.editing.sides import Sides as Sides
from geoinfinite.editing.zoom import world_beneath as world_beneath
from geoinfinite.editing.zoom import zoom as zoom
