"""Published and bundled networks behind one protocol; heavy imports happen on load, never before."""

from geoinfinite.models.reference import ModelReference as ModelReference
from geoinfinite.models.reference import from_pretrained as from_pretrained
