"""Puts one question to a model and shows the answer while it is made."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from sigmavault.cli.plain_text import Decoder, plain
from sigmavault.cli.ryzan import Messages, connect, hinted
from sigmavault.cli.waiting import waiting
from sigmavault.contract.ryzan1 import ChatOption, JobState
from sigmavault.core.errors import ModelError, SigmaVaultError

CUT = "length"
"""Why an answer ended: not by itself."""

type Options = Mapping[ChatOption, tuple[str, Any]]


@dataclass(slots=True, kw_only=True)
class Shown:
    """What has been shown of an answer.

    Attributes:
        text: so far.
        finish: `stop` or `length`; empty while it is not complete.
        stopped: whether the person stopped it.
    """

    text: str = ""
    finish: str = ""
    stopped: bool = False


def ask(
    runner: asyncio.Runner, model: str, messages: Messages, options: Options, show: Callable[[str], None]
) -> Shown:
    """Ask, and show each piece of the answer; Ctrl-C stops it.

    Raises:
        SigmaVaultError: there is no answer, or it broke off.
    """
    shown = Shown()
    try:
        runner.run(_ask(shown, model, messages, options, show))
    except KeyboardInterrupt:
        shown.stopped = True
    except SigmaVaultError as error:
        raise hinted(error) from error
    return shown


async def _ask(
    shown: Shown, model: str, messages: Messages, options: Options, show: Callable[[str], None]
) -> None:
    def tell(text: str) -> None:
        if text:
            shown.text += text
            show(text)

    decoder = Decoder()
    # a connection for each question: when it closes, the service gives up also what has not begun
    with connect() as ryzan:
        async with waiting(f"waiting for {plain(model) or 'the model'}", sys.stderr):
            answer = await ryzan.stream(model, messages, options)
        async with aclosing(answer.pieces()) as pieces:
            async for piece in pieces:
                tell(decoder.feed(piece))
        tell(decoder.end())
        ended = await answer.ended()
    ended.raise_failure()
    if ended.state is JobState.CANCELLED:
        raise ModelError("the answer was cancelled")
    shown.finish = ended.finish
