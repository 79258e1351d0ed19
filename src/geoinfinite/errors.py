"""Errors and warnings of geoinfinite: each message states what was given, the rule and the remedy."""


class GeoInfiniteError(Exception):
    """Base of every error that geoinfinite raises on purpose."""


class WindowError(GeoInfiniteError, ValueError):
    """A window, bounding box or level that the grid does not have."""


class WorldError(GeoInfiniteError, ValueError):
    """A world file or a combination of settings that cannot make pixels."""


class ModelError(GeoInfiniteError, ValueError):
    """A checkpoint that is missing, damaged, unsafe or of another architecture."""


class BudgetError(GeoInfiniteError, MemoryError):
    """A request whose cost is out of proportion, refused before any of it is spent."""


class StoreError(GeoInfiniteError, RuntimeError):
    """A store that is damaged, foreign, or holds another recipe."""


class CostWarning(UserWarning):
    """A request that costs far more than another way to the same pixels."""


class RunWarning(UserWarning):
    """A job that makes no progress, or whose workers may be too small for it."""


class Cancelled(GeoInfiniteError):
    """The caller of a read does not want its pixels any more."""


def shorten(text: str, length: int = 80) -> str:
    """Return a text, or its beginning and an ellipsis: messages are one line."""
    text = " ".join(str(text).split())
    return text if len(text) <= length else f"{text[:length]}..."


def in_full(path: str) -> str:
    """Return a path for a message, uncut unless it is huge: paths differ at their ends."""
    return shorten(path, 400)
