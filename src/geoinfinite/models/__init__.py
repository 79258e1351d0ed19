"""Published and bundled networks behind one protocol; heavy imports happen on load, never before."""

from geoinfinite.models.diffusers.scheduler.reading import CheckpointSampling as CheckpointSampling
from geoinfinite.models.diffusers.scheduler.reading import from_config as from_config
from geoinfinite.models.reference import ModelReference as ModelReference
from geoinfinite.models.reference import from_pretrained as from_pretrained
