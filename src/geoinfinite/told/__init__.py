"""What a tile is told besides its parent: slots of models, and the values that conditions fill them with."""

from geoinfinite.told.slot import Slot as Slot
from geoinfinite.told.values import Boxes as Boxes
from geoinfinite.told.values import Frames as Frames
from geoinfinite.told.values import Regions as Regions
from geoinfinite.told.values import Told as Told
