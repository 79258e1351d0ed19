"""Where the bytes of a store live: a folder, an object store, or the memory of a process."""

from geoinfinite.stores.objects.opening import open_objects as open_objects
from geoinfinite.stores.objects.port import Objects as Objects
