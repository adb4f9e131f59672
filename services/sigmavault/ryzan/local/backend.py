"""The model processes of this machine as a backend."""

from __future__ import annotations

from sigmavault.contract.ryzan1 import State
from sigmavault.core.chat import Embedded, EmbedRequest
from sigmavault.core.wish import Answer, Route, Wish
from sigmavault.ryzan.backend import Served
from sigmavault.ryzan.catalog import Entry
from sigmavault.ryzan.local.answer import LocalAnswer
from sigmavault.ryzan.local.request import complete
from sigmavault.ryzan.pool import Pool

LOCAL = "local"


class LocalBackend:
    """See `ryzan.backend.Backend`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def served(self) -> tuple[Served, ...]:
        """The models whose files are there and were not refused."""
        found = []
        for entry in self._pool.catalog.present():
            state, _ = self._pool.state(entry)
            if state is not State.FAILED:
                found.append(_served(entry, state))
        return tuple(found)

    async def answer(self, route: Route, wish: Wish) -> Answer:
        """Put a request to the model of the route; it is loaded first if need be.

        Raises:
            UnknownModelError: no such model.
            InvalidRequestError: the request cannot be.
            ModelError: it cannot be answered now.
        """
        async with self._pool.use(route.model) as supervisor:
            entry = self._pool.catalog.find(route.model)
            return LocalAnswer(route, await supervisor.ask(complete(wish, entry.sampling)))

    async def embed(self, route: Route, request: EmbedRequest) -> Embedded:
        """The vectors of texts.

        Raises:
            UnknownModelError: no such model.
            InvalidRequestError: the model makes none.
            ModelError: it cannot answer now.
        """
        async with self._pool.use(route.model) as supervisor:
            return await supervisor.embed(request)


def _served(entry: Entry, state: State) -> Served:
    return Served(
        id=entry.id,
        name=entry.name,
        backend=LOCAL,
        purpose=entry.purpose,
        context=entry.context,
        state=state,
    )
