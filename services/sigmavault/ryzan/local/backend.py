"""The model processes of this machine as a backend."""

from __future__ import annotations

from sigmavault.contract.ryzan1 import State
from sigmavault.core.chat import Embedded, EmbedRequest, GenerateRequest
from sigmavault.core.tools import ToolFormat
from sigmavault.core.wish import Answer, Route, Wish
from sigmavault.ryzan.backend import Served
from sigmavault.ryzan.catalog import Entry
from sigmavault.ryzan.local.answer import LocalAnswer
from sigmavault.ryzan.local.forms import Forms
from sigmavault.ryzan.local.request import calling_of, check, complete, each_choice
from sigmavault.ryzan.pool import Pool
from sigmavault.ryzan.supervisor import Supervisor, Ticket

LOCAL = "local"


class LocalBackend:
    """See `ryzan.backend.Backend`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._forms = Forms()

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
            NotAuthorizedError: the caller may not ask for it.
            ModelError: it cannot be answered now.
        """
        check(wish)
        defaults = self._pool.catalog.find(route.model).sampling
        async with self._pool.use(route.model) as supervisor:
            written = _written((await supervisor.ready()).tool_format)
            first = complete(wish, defaults, written, await self._forms.find(wish, written))
            calling = calling_of(wish, written)
            tickets = await _ask(supervisor, each_choice(first, wish.choices))
            return LocalAnswer(route, tickets, wish.choices, calling)

    async def embed(self, route: Route, request: EmbedRequest) -> Embedded:
        """The vectors of texts.

        Raises:
            UnknownModelError: no such model.
            InvalidRequestError: the model makes none.
            ModelError: it cannot answer now.
        """
        async with self._pool.use(route.model) as supervisor:
            return await supervisor.embed(request)


def _written(told: str) -> ToolFormat:
    return ToolFormat(told) if told in ToolFormat else ToolFormat.GENERIC


async def _ask(supervisor: Supervisor, requests: tuple[GenerateRequest, ...]) -> list[Ticket]:
    tickets: list[Ticket] = []
    try:
        for request in requests:
            tickets.append(await supervisor.ask(request))
    except BaseException:
        for ticket in tickets:
            ticket.cancel()
        raise
    return tickets


def _served(entry: Entry, state: State) -> Served:
    return Served(
        id=entry.id,
        name=entry.name,
        backend=LOCAL,
        purpose=entry.purpose,
        context=entry.context,
        state=state,
    )
