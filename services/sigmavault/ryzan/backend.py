"""What answers requests: this machine's model processes, or another server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sigmavault.contract.ryzan1 import State
from sigmavault.core.chat import Embedded, EmbedRequest
from sigmavault.core.manifest import Purpose
from sigmavault.core.wish import Answer, Route, Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A model that can be asked.

    Attributes:
        id: what callers name it.
        name: what people read.
        backend: `local` or the name of a remote backend.
        purpose: what it is good for.
        context: longest context it was made for, in tokens.
        state: of the model; `ready` for one of another server that answers as far as anybody knows.
    """

    id: str
    name: str
    backend: str
    purpose: tuple[Purpose, ...]
    context: int
    state: State


class Backend(Protocol):
    """One place that answers."""

    def served(self) -> Sequence[Served]:
        """The models that can be asked here now."""

    async def answer(self, route: Route, wish: Wish) -> Answer:
        """Put a request to the model of the route.

        Raises:
            InvalidRequestError: the request cannot be.
            ModelError: it cannot be answered now.
        """

    async def embed(self, route: Route, request: EmbedRequest) -> Embedded:
        """The vectors of texts.

        Raises:
            InvalidRequestError: the model makes none.
            ModelError: it cannot answer now.
        """
