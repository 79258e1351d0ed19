"""Levels of a world as lazy xarray arrays, and how the recipe of such an array is found."""

from geoinfinite.arrays.budget import ReadBudget as ReadBudget
from geoinfinite.arrays.dataarray import level_array as level_array
from geoinfinite.arrays.dataarray import level_dataset as level_dataset
from geoinfinite.arrays.dataarray import level_tree as level_tree
from geoinfinite.arrays.origin import Origin as Origin
from geoinfinite.arrays.origin import origin_of as origin_of
