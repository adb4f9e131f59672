"""How the service and its models are doing, as values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from sigmavault.contract.ryzan1 import State
from sigmavault.ryzan.supervisor import Supervisor
from sigmavault.system import memory


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """How one model is doing.

    Attributes:
        id: of the model.
        backend: `local` or the name of a remote backend.
        state: of its process; `unloaded` while it has none.
        reason: why it is not ready; empty when it is.
        pinned: whether it stays loaded.
        memory_bytes: resident memory of its process.
        tokens_per_second: of the last answers, all together.
        threads: that compute; 0 while it is not loaded.
        threads_reason: what decided their number.
        context_tokens: longest prompt plus answer.
        active_requests: being answered or waiting.
        active_sequences: answers being computed now.
        need_bytes: memory that is set aside for it; 0 while it is not loaded.
        idle_s: since the last request ended; 0 while there is one.
        from_manifest: whether the manifest vouches for its content.
        architecture: of the network; empty while it is not loaded.
        prefix_hits: requests that found a part of their prompt computed, since its process started.
        prefix_misses: requests that might have and did not.
        prefix_tokens_saved: tokens of prompts that were not computed again.
        kept_ram_bytes: states of prompts kept in memory.
        kept_disk_bytes: states of prompts kept on disk.
        speculation: whether its answers are guessed ahead, and what was measured.
        guesses_tried: tokens that were guessed, since its process started.
        guesses_held: of these, tokens that the model itself would have chosen.
    """

    id: str
    backend: str
    state: State
    reason: str = ""
    pinned: bool = False
    memory_bytes: int = 0
    tokens_per_second: float = 0.0
    threads: int = 0
    threads_reason: str = ""
    context_tokens: int = 0
    active_requests: int = 0
    active_sequences: int = 0
    need_bytes: int = 0
    idle_s: float = 0.0
    from_manifest: bool = True
    architecture: str = ""
    prefix_hits: int = 0
    prefix_misses: int = 0
    prefix_tokens_saved: int = 0
    kept_ram_bytes: int = 0
    kept_disk_bytes: int = 0
    speculation: str = ""
    guesses_tried: int = 0
    guesses_held: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How the service is doing; `contract.ryzan1.StatusKey` explains the fields.

    What is about one model is about the default one; `models` has them all, memory and requests count all.

    Attributes:
        answers_kept: in the answer cache.
        answers_bytes: disk space of it.
        answers_off: why answers are not kept; empty when they are.
    """

    model: str
    state: State
    reason: str
    version: str
    memory_bytes: int
    tokens_per_second: float
    threads: int
    threads_reason: str
    context_tokens: int
    active_requests: int
    tier: str = ""
    quota_cpus: float = 0.0
    models: tuple[ModelStatus, ...] = ()
    answers_kept: int = 0
    answers_bytes: int = 0
    answers_off: str = ""


def with_figures(status: ModelStatus, process: Supervisor) -> ModelStatus:
    """The status of a model with what its process tells."""
    loaded, stats = process.loaded, process.stats
    if loaded is None:
        return status
    told = {"threads": loaded.threads, "threads_reason": loaded.threads_reason}
    return dataclasses.replace(
        status,
        memory_bytes=memory.resident_bytes([process.pid]) if process.pid else 0,
        context_tokens=loaded.context_tokens,
        architecture=loaded.architecture,
        **(dataclasses.asdict(stats) if stats else told),  # each of its fields is one of ours
    )
