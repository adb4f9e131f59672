"""The contract of `org.sigmavault.Ryzan`: bus names, sockets, the keys of a status."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

BUS_NAME = "org.sigmavault.Ryzan"
OBJECT_PATH = "/org/sigmavault/Ryzan"
INTERFACE = "org.sigmavault.Ryzan1"
JOBS_PATH = "/org/sigmavault/Ryzan/jobs"
JOB_INTERFACE = "org.sigmavault.Ryzan1.Job"

HTTP_ADDRESS = "127.0.0.1"
HTTP_PORT = 8100
HTTP_SOCKET = Path("/run/sigmavault/ryzan.sock")

RELAY_SOCKET = Path("/run/sigmavault/ryzan-relay.sock")
"""Where the service reaches other servers: it has no network of its own."""


class Action(StrEnum):
    """Polkit actions; the policy file has the same."""

    MANAGE_MODELS = "org.sigmavault.ryzan.manage-models"
    """Load and unload models. Chatting needs no permission."""
    CLEAR_ANSWERS = "org.sigmavault.ryzan.clear-answers"
    """Erase the kept answers of everybody."""


class State(StrEnum):
    """What the model service can do right now."""

    NO_MODEL = "no-model"
    """The model's file is not on this machine."""
    UNLOADED = "unloaded"
    """Its file is there; it is loaded when somebody asks."""
    LOADING = "loading"
    READY = "ready"
    RESTARTING = "restarting"
    """The model's process died; it is started again after a pause."""
    FAILED = "failed"
    """The model's file cannot be loaded; the status says why."""


class StatusKey(StrEnum):
    """Keys of what `GetStatus` returns, with their D-Bus types."""

    MODEL = "model"
    """s: id of the model that answers."""
    STATE = "state"
    """s: one of `State`."""
    REASON = "reason"
    """s: why it is not ready; empty when it is."""
    VERSION = "version"
    """s: of the service."""
    MEMORY_BYTES = "memory_bytes"
    """t: resident memory of all processes of the service."""
    TOKENS_PER_SECOND = "tokens_per_second"  # a key, no secret
    """d: of the last answers, all together; 0 before the first."""
    TIER = "tier"
    """s: of this machine, out of the models manifest; empty when none fits."""
    THREADS = "threads"
    """u: threads that compute; 0 while no model is loaded."""
    THREADS_REASON = "threads_reason"
    """s: what decided the number of threads."""
    QUOTA_CPUS = "quota_cpus"
    """d: CPUs that the control group grants; 0 without a limit."""
    CONTEXT_TOKENS = "context_tokens"  # a key, no secret
    """u: longest prompt plus answer."""
    ACTIVE_REQUESTS = "active_requests"
    """u: requests being answered or waiting."""
    ANSWERS_KEPT = "answers_kept"
    """t: answers that are kept to be given again."""
    ANSWERS_BYTES = "answers_bytes"
    """t: disk space of them."""
    ANSWERS_OFF = "answers_off"
    """s: why answers are not kept; empty when they are."""


class ModelKey(StrEnum):
    """Keys of each model that `ListModels` returns, with their D-Bus types."""

    ID = "id"
    """s: what callers name it."""
    BACKEND = "backend"
    """s: `local`, or the name of the server that answers for it."""
    STATE = "state"
    """s: one of `State`."""
    REASON = "reason"
    """s: why it is not ready; empty when it is."""
    MEMORY_BYTES = "memory_bytes"
    """t: resident memory of its process; 0 while it is not loaded."""
    TOKENS_PER_SECOND = "tokens_per_second"  # a key, no secret
    """d: of the last answers, all together; 0 before the first."""
    THREADS = "threads"
    """u: threads that compute; 0 while it is not loaded."""
    THREADS_REASON = "threads_reason"
    """s: what decided their number; empty while it is not loaded."""
    CONTEXT_TOKENS = "context_tokens"  # a key, no secret
    """u: longest prompt plus answer."""
    ACTIVE_REQUESTS = "active_requests"
    """u: requests being answered or waiting."""
    SPECULATION = "speculation"
    """s: whether its answers are guessed ahead, and what was measured; empty where that is off."""


class ChatOption(StrEnum):
    """Keys of the options of `ChatStream`, with their D-Bus types."""

    TEMPERATURE = "temperature"
    """d: 0 to 2; 0 takes the likeliest token always."""
    TOP_P = "top_p"
    """d: 0 to 1."""
    SEED = "seed"
    """u: of the random numbers."""
    MAX_TOKENS = "max_tokens"  # a key, no secret
    """u: most tokens of the answer."""
    STOP = "stop"
    """as: up to 4 texts at which the answer ends."""
    PROMPT_CACHE_KEY = "prompt_cache_key"
    """s: name under which the prompt's state is kept."""


class JobState(StrEnum):
    """How a streamed answer is doing."""

    RUNNING = "running"
    DONE = "done"
    """The pipe has the whole answer."""
    CANCELLED = "cancelled"
    """By `Cancel`, or because the reader closed the pipe."""
    FAILED = "failed"
    """`Error` says why."""
