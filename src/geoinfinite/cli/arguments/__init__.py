"""The arguments of the commands; importing them imports neither xarray nor torch."""
