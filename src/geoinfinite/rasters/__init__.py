"""Raster files from anywhere: which formats are opened, what belongs to a file, what its header says."""
