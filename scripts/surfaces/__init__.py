"""Files that follow from the registry of operations. `make render` writes them; a test holds them current."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_SERVICES = os.fspath(Path(__file__).resolve().parents[2] / "services")


def renderings(source: Path) -> dict[str, str]:
    """Path in the checkout → text, of every file that is made from the operations.

    Args:
        source: the checkout; of some files only a part is generated.
    """
    if _SERVICES not in sys.path:
        sys.path.append(_SERVICES)  # the builder itself needs nothing of what it builds
    from scripts.surfaces import completion, manual, reference, system

    shell = completion.completion((source / completion.PATH).read_text())
    return {completion.PATH: shell, **reference.pages(), **manual.pages(), **system.files()}
