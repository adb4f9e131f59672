"""What a model process is started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sigmavault.core.residency import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What a model process is started with.

    Attributes:
        model: id of the model.
        file: of the model; checked by the caller.
        size: how large the process is made.
        embedding: it makes vectors of texts rather than text.
        states: folder for the states of named prompts; None: none are kept.
        states_bytes: most bytes in it.
        speculation: whether it may find out if guessing makes it faster: `off` or `auto`.
        draft: file of a model that could guess; checked by the caller; None: there is none.
        verdicts: folder for what it finds out; None: it forgets it.
    """

    model: str
    file: Path
    size: Size
    embedding: bool = False
    states: Path | None = None
    states_bytes: int = 0
    speculation: str = "off"
    draft: Path | None = None
    verdicts: Path | None = None

    @property
    def guessing(self) -> list[str]:
        """Options of the process about guessing; none where it is off."""
        if self.speculation == "off":
            return []
        files = {"draft": self.draft, "verdicts": self.verdicts}
        told = [f"--{name}={file}" for name, file in files.items() if file is not None]
        return [f"--speculation={self.speculation}", *told]
