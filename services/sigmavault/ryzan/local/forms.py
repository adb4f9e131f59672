"""Forms of answers, compiled beside the event loop and kept for the next request that has them."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from sigmavault.core.chat import Grammar
from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.tools import ToolFormat
from sigmavault.core.wish import Wish
from sigmavault.ryzan.local.request import form_of

KEPT = 32
"""Forms; each is at most 250,000 characters."""


class Forms:
    """Compiles one form at a time: a large schema holds up other schemas, nobody else."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Grammar | None] = OrderedDict()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forms")

    def __len__(self) -> int:
        return len(self._kept)

    async def find(self, wish: Wish, written: ToolFormat) -> Grammar | None:
        """What form the answer must have; None: any.

        Args:
            wish: what the caller asks.
            written: how the model writes calls.

        Raises:
            InvalidRequestError: a schema cannot be held, or there is no such tool.
        """
        if wish.grammar or not (wish.tools or wish.response_format):
            return form_of(wish, written)
        name = _name(wish, written)
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        form = await asyncio.get_running_loop().run_in_executor(self._worker, form_of, wish, written)
        self._kept[name] = form
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return form


def _name(wish: Wish, written: ToolFormat) -> bytes:
    """A hash of all that decides the form; properties count in their order."""
    tools = [(each.name, each.parameters) for each in wish.tools]
    form = wish.response_format and (wish.response_format.schema, wish.response_format.strict)
    parts = (written, asdict(wish.tool_choice), wish.parallel_tool_calls, tools, form)
    try:
        return hashlib.sha256(json.dumps(parts).encode()).digest()
    except RecursionError as error:
        raise InvalidRequestError("a schema is nested too deep", param="response_format") from error
