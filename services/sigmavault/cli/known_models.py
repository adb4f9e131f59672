"""The models of the manifest, of this machine and of the service, put together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sigmavault.cli.ryzan import Values
from sigmavault.contract.ryzan1 import ModelKey, State
from sigmavault.core.manifest import Manifest, Model
from sigmavault.core.tiers import memory_needed, speed_ceiling

LOCAL = "local"
"""Backend of the models that this machine computes itself."""

_WORDS = {State.READY: "loaded", State.UNLOADED: "here", State.NO_MODEL: "not downloaded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One model, and all that is known of it.

    Attributes:
        id: what callers name it.
        entry: of the manifest; None where the manifest does not have it.
        file: its file on this machine; None where there is none, or who asks may not see it.
        live: what the service tells, by `ModelKey`; None where it tells nothing.
    """

    id: str
    entry: Model | None
    file: Path | None
    live: Values | None

    @property
    def state(self) -> str:
        """Where it is, for people: `loaded`, `here`, `not downloaded`, `not offered: …`, `failed: …`."""
        if self.live is not None:
            return self._told_state(self.live)
        if self.file is not None:
            return "here"
        why = self.entry.why_not_offered if self.entry else ""
        return f"not offered: {why}" if why else "not downloaded"

    def _told_state(self, live: Values) -> str:
        state, reason = live[ModelKey.STATE], live[ModelKey.REASON]
        words = _WORDS.get(state, state)
        if live[ModelKey.BACKEND] != LOCAL:
            words = f"on {live[ModelKey.BACKEND]}, {state}"
        # the reason of a model that waits is only that nobody asked
        return f"{words}: {reason}" if reason and state not in _WORDS else words

    @property
    def purposes(self) -> str:
        """What it is good for; empty where nobody says."""
        return ", ".join(self.entry.purpose) if self.entry else ""

    @property
    def size(self) -> int | None:
        """Of its file, in bytes."""
        return self.entry.size if self.entry else None

    @property
    def memory(self) -> int | None:
        """What it takes now, or would take when loaded, in bytes."""
        if self.live is not None and self.live[ModelKey.MEMORY_BYTES]:
            return int(self.live[ModelKey.MEMORY_BYTES])
        return memory_needed(self.entry) if self.entry else None

    def ceiling(self, read_bytes_s: float | None) -> float | None:
        """Tokens per second that this memory bandwidth allows; None where that is not known."""
        return speed_ceiling(self.entry, read_bytes_s) if self.entry and read_bytes_s else None


def put_together(
    manifest: Manifest | None, live: Iterable[Values], find: Callable[[str], Path | None]
) -> tuple[Known, ...]:
    """All models: those of the manifest in its order, then what only the service knows.

    Args:
        manifest: None where it could not be read.
        live: what the service tells of its models.
        find: the file of a name on this machine.
    """
    told = {each[ModelKey.ID]: each for each in live}
    entries = manifest.models if manifest else ()
    ours = [
        Known(id=each.id, entry=each, file=find(each.file), live=told.pop(each.id, None)) for each in entries
    ]
    return (
        *ours,
        *(Known(id=id_, entry=None, file=find(_file_of(id_)), live=each) for id_, each in told.items()),
    )


def _file_of(model_id: str) -> str:
    """A file beside those of the manifest is served under its own name."""
    _, slash, stem = model_id.partition(f"{LOCAL}/")
    return f"{stem}.gguf" if slash else ""
