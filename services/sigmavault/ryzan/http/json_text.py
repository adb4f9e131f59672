"""JSON as it goes over the wire: compact, UTF-8, never NaN."""

from __future__ import annotations

import json
from typing import Any

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(content: Any) -> str:
    """The JSON text of a value. A text alone takes the fast path of the C encoder."""
    return _ENCODER.encode(content)
