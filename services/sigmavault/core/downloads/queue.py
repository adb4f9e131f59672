"""The queue of downloads: in which states one is, and what leads from one to another.

One is transferred at a time, the first that waits. What was running when the daemon ended waits again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from sigmavault.core.checking import Checked
from sigmavault.core.errors import ConfigError, InvalidRequestError, TooManyCallsError, UnknownObjectError

MOST: Final = 64
"""Downloads in the queue."""
_SCHEMA: Final = 1


class DownloadState(StrEnum):
    """How a download is doing."""

    QUEUED = "queued"
    """Its turn comes."""
    RUNNING = "running"
    PAUSED = "paused"
    """Somebody has paused it; what has come stays."""
    VERIFYING = "verifying"
    """All of it is here; size and sha256 are held against the manifest, the disk has it all."""
    DONE = "done"
    FAILED = "failed"
    """The reason says why; asked for again, it goes on where it was."""


_LEADS_TO: Final[Mapping[DownloadState, frozenset[DownloadState]]] = {
    DownloadState.QUEUED: frozenset({DownloadState.RUNNING, DownloadState.PAUSED, DownloadState.FAILED}),
    DownloadState.RUNNING: frozenset({
        DownloadState.QUEUED, DownloadState.PAUSED, DownloadState.VERIFYING, DownloadState.FAILED,
    }),
    DownloadState.VERIFYING: frozenset({
        # a file that was damaged on the way is fetched again
        DownloadState.RUNNING, DownloadState.QUEUED, DownloadState.PAUSED, DownloadState.DONE,
        DownloadState.FAILED,
    }),
    DownloadState.PAUSED: frozenset({DownloadState.QUEUED}),
    DownloadState.FAILED: frozenset({DownloadState.QUEUED, DownloadState.PAUSED}),
    DownloadState.DONE: frozenset(),
}  # fmt: skip
_ACTIVE: Final = frozenset({DownloadState.RUNNING, DownloadState.VERIFYING})


class Download(Checked):
    """One download.

    Attributes:
        id: of the model.
        state: how it is doing.
        bytes: of the file that are here.
        size: of the file, in bytes.
        reason: why it waits or has failed; empty for nothing to say.
        source: what it comes from, or came from last.
    """

    id: Annotated[str, Field(max_length=200)]
    state: DownloadState = DownloadState.QUEUED
    bytes: int = Field(default=0, ge=0)
    size: int = Field(gt=0)
    reason: Annotated[str, Field(max_length=2000)] = ""
    source: str = ""

    @property
    def is_active(self) -> bool:
        """Whether it is being worked on."""
        return self.state in _ACTIVE

    @property
    def is_open(self) -> bool:
        """Whether it goes on by itself."""
        return self.is_active or self.state is DownloadState.QUEUED

    def to(self, state: DownloadState, reason: str = "") -> Download:
        """The same in another state.

        Raises:
            InvalidRequestError: nothing leads there from here.
        """
        if state not in _LEADS_TO[self.state]:
            raise InvalidRequestError(f"the download of {self.id} is {self.state}, and cannot become {state}")
        return self.model_copy(update={"state": state, "reason": reason[:2000]})


class _Kept(Checked):
    schema_: Literal[1] = Field(alias="schema")
    downloads: tuple[Download, ...]


_KEPT: Final = TypeAdapter(_Kept)


class Queue:
    """All downloads in their order."""

    def __init__(self, downloads: tuple[Download, ...] = ()) -> None:
        self._downloads = {each.id: each for each in downloads}

    def __iter__(self) -> Iterator[Download]:
        return iter(tuple(self._downloads.values()))

    def get(self, model: str) -> Download | None:
        """The download of a model; None where there is none."""
        return self._downloads.get(model)

    def find(self, model: str) -> Download:
        """The download of a model.

        Raises:
            UnknownObjectError: there is none.
        """
        if (found := self._downloads.get(model)) is None:
            raise UnknownObjectError(f"{model} is not being downloaded")
        return found

    def add(self, model: str, size: int) -> Download:
        """Ask for a model: at the end of the queue; one that is there already goes on.

        Raises:
            TooManyCallsError: the queue is full.
        """
        there = self._downloads.get(model)
        if there is not None and there.state in (DownloadState.PAUSED, DownloadState.FAILED):
            return self.put(there.to(DownloadState.QUEUED))
        if there is not None and there.state is not DownloadState.DONE:
            return there
        if there is None and len(self._downloads) >= MOST:
            raise TooManyCallsError(f"{MOST} downloads are in the queue already")
        self._downloads.pop(model, None)
        return self.put(Download(id=model, size=size))

    def put(self, download: Download) -> Download:
        """Replace a download by a newer value of itself."""
        self._downloads[download.id] = download
        return download

    def remove(self, model: str) -> None:
        """Forget a download; harmless where there is none."""
        self._downloads.pop(model, None)

    def next(self) -> Download | None:
        """Whose turn it is; None while one is being worked on, and when none waits."""
        if any(each.is_active for each in self):
            return None
        return next((each for each in self if each.state is DownloadState.QUEUED), None)

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing goes on by itself."""
        return not any(each.is_open for each in self)

    def encode(self) -> str:
        """For the disk: what is not done."""
        left = [each.model_dump(mode="json") for each in self if each.state is not DownloadState.DONE]
        return json.dumps({"schema": _SCHEMA, "downloads": left})


def decode(text: str) -> Queue:
    """A queue from the disk; what was being worked on waits.

    Raises:
        ConfigError: it is none.
    """
    try:
        kept = _KEPT.validate_json(text)
    except ValidationError as error:
        raise ConfigError(f"the queue of downloads cannot be read: {error.error_count()} faults") from error
    waiting = (
        each.model_copy(update={"state": DownloadState.QUEUED}) if each.is_active else each
        for each in kept.downloads
    )
    return Queue(tuple(waiting))
