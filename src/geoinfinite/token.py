"""Names for frozen values that are the same in every process, on every machine."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def token(value: Any) -> str:
    """Return the 32-character hexadecimal name of a value made of plain data.

    The value is a nesting of mappings, sequences, strings, integers, floats, booleans and
    ``None``. Equal values have equal tokens whatever the order of their mappings' keys;
    floats are told apart to the last bit.

    >>> token({"seed": 7, "grid": [4, 0.25]}) == token({"grid": (4, 0.25), "seed": 7})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
