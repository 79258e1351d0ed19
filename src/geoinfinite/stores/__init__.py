"""Stores: plans, resumable Zarr jobs, their verification, GeoTIFF and PNG."""

from geoinfinite.stores.files.cog import write_cog
from geoinfinite.stores.files.png import write_png
from geoinfinite.stores.identity import Header, numerics_profile
from geoinfinite.stores.layout import read_header
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.stages import Stage
from geoinfinite.stores.verification import Problem, Report, verify
from geoinfinite.stores.writing import WriteReport, resume_store, write_zarr
