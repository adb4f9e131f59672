"""`sigmavault model bench`: how fast a model is here, beside what the memory bandwidth allows."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sigmavault.cli.bench_client import BenchClient, Timed
from sigmavault.cli.bench_report import Bench, Beside, Runs, render
from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.hardware import look
from sigmavault.cli.known_models import LOCAL, Known
from sigmavault.cli.models_here import survey
from sigmavault.cli.paint import Paint
from sigmavault.cli.plain_text import plain_line
from sigmavault.cli.ryzan import Values, connect, hinted
from sigmavault.contract.ryzan1 import HTTP_SOCKET, ModelKey, StatusKey
from sigmavault.core.errors import InvalidRequestError, ModelMissingError, SigmaVaultError
from sigmavault.core.hardware import Bandwidth
from sigmavault.core.manifest import Purpose

HELP = "measure a model: tokens per second, time to first token, memory, and the ceiling for them"

_ONE_TOKENS = 128
_TOGETHER = 8
_TOGETHER_TOKENS = 64
_PROMPT_WORDS = 400
_TOKENS_PER_WORD = 4
"""More than a word of these has in any vocabulary, so that the prompt fits."""
_WORDS = ("river", "stone", "paper", "green", "seven", "music", "light", "winter", "house", "bread")


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.add_argument("--json", action="store_true", help="one JSON document, for programs")
    command.add_argument(
        "--socket",
        metavar="PATH",
        type=Path,
        default=HTTP_SOCKET,
        help="the service's Unix socket; TCP is used by who may not",
    )
    command.add_argument("id", metavar="ID", nargs="?", default="", help="left out: the default model")


def run(arguments: argparse.Namespace) -> int:
    """Measure one model.

    Raises:
        SigmaVaultError: it could not be measured.
    """
    try:
        bench = measure(arguments.id, arguments.socket)
    except SigmaVaultError as error:
        raise hinted(error) from error
    if arguments.json:
        sys.stdout.write(json.dumps(bench.to_json(), indent=2) + "\n")
    else:
        sys.stdout.write(render(bench, Paint(is_on=sys.stdout.isatty())))
    return ExitCode.OK


def measure(model_id: str, socket: Path) -> Bench:
    """All of it, about as long as 700 tokens take.

    Raises:
        SigmaVaultError: it could not be measured.
    """
    load = os.getloadavg()[0]
    before = asyncio.run(_status())
    model = survey().find(model_id or before[StatusKey.MODEL])
    _check(model)
    runs = _run_all(model, socket)
    after, live = asyncio.run(_status()), asyncio.run(_live(model.id))
    return Bench(
        model=model.id,
        threads=live[ModelKey.THREADS],
        threads_reason=live[ModelKey.THREADS_REASON],
        quota_cpus=after[StatusKey.QUOTA_CPUS],
        context_tokens=live[ModelKey.CONTEXT_TOKENS],
        memory_bytes=live[ModelKey.MEMORY_BYTES],
        runs=runs,
        size=model.size,
        ceiling=model.ceiling(runs.bandwidth.read_bytes_s) if runs.bandwidth else None,
        beside=Beside(
            load=load,
            cpus=os.cpu_count() or 1,
            requests=before[StatusKey.ACTIVE_REQUESTS],
            requests_after=after[StatusKey.ACTIVE_REQUESTS],
        ),
    )


def _check(model: Known) -> None:
    """Refuse what cannot be measured.

    Raises:
        SigmaVaultError: it makes no answers, another server makes them, or it is not here.
    """
    if model.entry and Purpose.CHAT not in model.entry.purpose and Purpose.EMBEDDING in model.entry.purpose:
        raise InvalidRequestError(
            f"{model.id} makes vectors of texts, no answers: there is nothing to measure"
        )
    if model.live is None:
        raise ModelMissingError(f"{model.id} is {model.state}")
    if model.live[ModelKey.BACKEND] != LOCAL:
        raise InvalidRequestError(f"{model.id} is computed by another server, {model.live[ModelKey.BACKEND]}")


def _run_all(model: Known, socket: Path) -> Runs:
    """Ask one after the other; however it ends, what was asked for ends with it."""
    client, pool = BenchClient(socket), ThreadPoolExecutor(_TOGETHER)

    def ask(what: str, words: int, tokens: int, times: int = 1) -> list[Timed]:
        _say(f"{model.id}: {what} …")
        asked = [pool.submit(client.complete, model.id, _prompt(words), tokens) for _ in range(times)]
        return [each.result() for each in asked]

    try:
        (ready,) = ask("waiting for its first token", 0, 1)
        _say("memory bandwidth …")
        hardware = look(with_bandwidth=True).hardware
        context = asyncio.run(_live(model.id))[ModelKey.CONTEXT_TOKENS]
        (prefill,) = ask("a long prompt", min(_PROMPT_WORDS, context // _TOKENS_PER_WORD), 1)
        (one,) = ask("one answer", 0, _ONE_TOKENS)
        together = ask(f"{_TOGETHER} answers at once", 0, _TOGETHER_TOKENS, _TOGETHER)
        # again: what else runs makes bandwidth look small, never large
        again = look(with_bandwidth=True).hardware.bandwidth
    finally:
        client.abort()
        pool.shutdown(cancel_futures=True)
        _say("")
    return Runs(
        ready=ready,
        prefill=prefill,
        one=one,
        together=tuple(together),
        bandwidth=_better(hardware.bandwidth, again),
        cache_bytes=hardware.cache_bytes,
    )


def _better(one: Bandwidth | None, other: Bandwidth | None) -> Bandwidth | None:
    measured = [each for each in (one, other) if each is not None]
    return max(measured, key=lambda each: each.read_bytes_s) if measured else None


def _prompt(words: int) -> str:
    """A text that models like to continue for long, and that none has seen: nothing of it is kept.

    Args:
        words: before what is to be continued.
    """
    heap = " ".join(secrets.choice(_WORDS) for _ in range(words))
    return f"{secrets.token_hex(4)} {heap}\nCounting on: one, two, three, four, five, six, seven,"


def _say(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{plain_line(text)}")
        sys.stderr.flush()


async def _status() -> Values:
    with connect(quick=True) as ryzan:
        return await ryzan.status()


async def _live(model: str) -> Values:
    with connect(quick=True) as ryzan:
        for each in await ryzan.models():
            if each[ModelKey.ID] == model:
                return each
    raise ModelMissingError(f"{model} has gone")
