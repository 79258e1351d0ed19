"""Where pixels are: windows, grids, and arithmetic on the pixels of a level."""
