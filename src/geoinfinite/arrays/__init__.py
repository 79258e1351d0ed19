"""A level of a world as a lazy xarray array: what it is made of, and the way back to its recipe."""

from geoinfinite.arrays.budget import ReadBudget as ReadBudget
from geoinfinite.arrays.dataarray import level_array as level_array
from geoinfinite.arrays.dataarray import level_dataset as level_dataset
from geoinfinite.arrays.dataarray import level_tree as level_tree
from geoinfinite.arrays.origin import Origin as Origin
from geoinfinite.arrays.origin import origin_of as origin_of
