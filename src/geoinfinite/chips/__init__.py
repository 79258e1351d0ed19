"""Chips: small labelled pictures of a world, for training, and layouts of objects to draw them from."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from geoinfinite.chips.boxes import BoxLabel as BoxLabel
from geoinfinite.chips.boxes import BoxLabels as BoxLabels
from geoinfinite.chips.chip import Chip as Chip
from geoinfinite.chips.filters import FILTERS as FILTERS
from geoinfinite.chips.filters import ClassAgreement as ClassAgreement
from geoinfinite.chips.formats import FORMATS as FORMATS
from geoinfinite.chips.layout import LayoutRules as LayoutRules
from geoinfinite.chips.layout import Variation as Variation
from geoinfinite.chips.layout import generate_layout as generate_layout
from geoinfinite.chips.layout_statistics import ClassStatistics as ClassStatistics
from geoinfinite.chips.layout_statistics import LayoutStatistics as LayoutStatistics
from geoinfinite.chips.layout_statistics import fit_layout as fit_layout
from geoinfinite.chips.masks import MaskLabels as MaskLabels
from geoinfinite.chips.places import Places as Places
from geoinfinite.chips.selection import ChipContent as ChipContent
from geoinfinite.chips.selection import ChipSet as ChipSet
from geoinfinite.chips.selection import select as select
from geoinfinite.chips.splits import Split as Split
from geoinfinite.chips.writing import ChipReport as ChipReport
from geoinfinite.chips.writing import WriteSettings as WriteSettings
from geoinfinite.chips.writing import write as write

if TYPE_CHECKING:
    from geoinfinite.chips.dataset import ChipDataset as ChipDataset
    from geoinfinite.chips.dataset import collate as collate


def __getattr__(name: str) -> Any:
    # Only what feeds a network imports torch.
    if name not in ("ChipDataset", "collate"):
        raise AttributeError(f"module 'geoinfinite.chips' has no attribute {name!r}")
    return getattr(import_module("geoinfinite.chips.dataset"), name)
