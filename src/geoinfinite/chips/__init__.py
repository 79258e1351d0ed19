"""Chips: small labelled pictures of a world, for training, and layouts of objects to draw them from."""

from importlib import import_module
from typing import TYPE_CHECKING

from geoinfinite.chips.boxes import BoxLabel as BoxLabel
from geoinfinite.chips.boxes import BoxLabels as BoxLabels
from geoinfinite.chips.chip import Chip as Chip
from geoinfinite.chips.filters import FILTERS as FILTERS
from geoinfinite.chips.filters import ClassAgreement as ClassAgreement
from geoinfinite.chips.formats import FORMATS as FORMATS
from geoinfinite.chips.masks import MaskLabels as MaskLabels
from geoinfinite.chips.places import Places as Places
from geoinfinite.chips.selection import ChipContent as ChipContent
from geoinfinite.chips.selection import ChipSet as ChipSet
from geoinfinite.chips.selection import select as select
from geoinfinite.chips.splits import Split as Split
from geoinfinite.chips.writing import ChipReport as ChipReport
from geoinfinite.chips.writing import WriteSettings as WriteSettings
from geoinfinite.chips.writing import write as write
