"""Conditions: georeferenced data that steers a world, each a function of the place of a tile."""

from geoinfinite.conditions.boxes import Boxes as Boxes
from geoinfinite.conditions.embedding import Embedding as Embedding
from geoinfinite.conditions.fields import embed as embed
from geoinfinite.conditions.fields import field_of_classes as field_of_classes
from geoinfinite.conditions.frames import Frames as Frames
from geoinfinite.conditions.known import Known as Known
from geoinfinite.conditions.location import Location as Location
from geoinfinite.conditions.map import Map as Map
from geoinfinite.conditions.metadata import Metadata as Metadata
from geoinfinite.conditions.place import Place as Place
from geoinfinite.conditions.protocol import Condition as Condition
from geoinfinite.conditions.raster import Raster as Raster
from geoinfinite.conditions.saving import save as save
from geoinfinite.conditions.seeds import Seeds as Seeds
from geoinfinite.conditions.shoreline import Shoreline as Shoreline
from geoinfinite.conditions.sketch import Sketch as Sketch
from geoinfinite.conditions.source_digest import check_digest as check_digest
from geoinfinite.conditions.text import Text as Text

KINDS: dict[str, type] = {
    kind.kind: kind
    for kind in (
        Boxes,
        Embedding,
        Frames,
        Known,
        Location,
        Map,
        Metadata,
        Raster,
        Seeds,
        Shoreline,
        Sketch,
        Text,
    )
}
"""The conditions by the names that world files use."""
