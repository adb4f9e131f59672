"""`sigmavault model show`: all that is known of one model."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.known_models import Known
from sigmavault.cli.models_here import survey
from sigmavault.cli.plain_text import plain_line
from sigmavault.core.errors import ModelRefusedError
from sigmavault.core.gguf import Header, read_header
from sigmavault.core.tiers import CONTEXT_TOKENS
from sigmavault.core.values import format_bytes

HELP = "all that is known of one model, and what its file says of itself"

_WIDTH = 15


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.add_argument("--json", action="store_true", help="one JSON document, for programs")
    command.add_argument("id", metavar="ID", help="as `sigmavault model list` names it")


def run(arguments: argparse.Namespace) -> int:
    """Show one model."""
    found = survey()
    document = describe(found.find(arguments.id))
    if arguments.json:
        sys.stdout.write(json.dumps({**document, "unread": list(found.unread)}, indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(render(document)) + "\n")
        sys.stdout.writelines(f"could not be read: {plain_line(each)}\n" for each in found.unread)
    return ExitCode.UNKNOWN if found.unread else ExitCode.OK


def describe(model: Known) -> dict[str, Any]:
    """A document for programs; sizes in bytes."""
    entry = model.entry
    return {
        "id": model.id,
        "state": model.state,
        "memory_bytes": model.memory,
        "manifest": entry.model_dump(mode="json", exclude_none=True) if entry else None,
        "pinned_by_commit": entry.source.is_pinned if entry else None,
        "missing": list(entry.missing) if entry else [],
        "file": _file(model),
        "service": model.live,
    }


def _file(model: Known) -> dict[str, Any] | None:
    """What the file on this machine is, and what it says of itself; that is only checked for form."""
    if model.file is None:
        return None
    told: dict[str, Any] = {"path": str(model.file), "problem": ""}
    try:
        with model.file.open("rb") as opened:
            told["size"] = size = model.file.stat().st_size
            told["header"] = _header(read_header(opened, size))
    except OSError as error:
        return {**told, "problem": error.strerror or str(error)}
    except ModelRefusedError as error:
        return {**told, "problem": error.message}
    if model.size not in (None, size):
        told["problem"] = f"it has {size} bytes, the model has {model.size}: it will be refused"
    return told


def _header(header: Header) -> dict[str, Any]:
    # the template is program text of thousands of characters
    return {**asdict(header), "chat_template": bool(header.chat_template)}


def render(document: dict[str, Any]) -> Iterator[str]:
    """A document of `describe`, for people: what is known, one thing a line."""
    for name, value in _lines(document):
        if value not in (None, "", [], {}):
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield plain_line(f"{name:{_WIDTH}}").ljust(_WIDTH) + " " + plain_line(text)


def _lines(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    entry, live = document["manifest"] or {}, document["service"] or {}
    yield "model", document["id"]
    yield "name", entry.get("name")
    yield "state", document["state"]
    yield "memory", _memory(document["memory_bytes"], is_loaded=bool(live.get("memory_bytes")))
    if entry:
        yield from _manifest_lines(entry)
        yield "not known", document["missing"]
    if document["file"]:
        yield from _file_lines(document["file"])
    if live:
        yield from _service_lines(live)


def _memory(size: int | None, *, is_loaded: bool) -> str | None:
    if not size:
        return None
    return f"{format_bytes(size)}" + ("" if is_loaded else f", about, with {CONTEXT_TOKENS:,} tokens")


def _manifest_lines(entry: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    source, needs = entry["source"], entry["needs"]
    yield "good for", entry["purpose"]
    yield "meant for", f"machines of the tier {entry['tier']} and larger"
    yield "architecture", f"{entry['architecture']}, {entry['quantisation']}"
    yield "context", f"{entry['context']:,} tokens"
    yield "cache", _cache(entry.get("kv_bytes_per_token"))
    yield "chat template", "yes" if entry["chat_template"] else "no: not to chat with"
    yield "embedding", _pairs(entry.get("embedding"))
    yield "sampling", _pairs(entry.get("sampling"))
    yield "guesses for", entry.get("draft_for")
    yield "needs", needs.get("instructions")
    yield "unsupported", needs.get("unsupported")
    yield "licence", entry["licence"]
    yield "source", source.get("url") or _package(source)
    yield "size", f"{entry['size']:,} bytes" if "size" in entry else None
    yield "sha256", entry.get("sha256")


def _cache(bytes_per_token: int | None) -> str | None:
    if bytes_per_token is None:
        return None
    return f"{bytes_per_token:,} bytes a token" if bytes_per_token else "a state of constant size"


def _package(source: dict[str, Any]) -> str | None:
    return f"{source['wheel']} of PyPI, {source['member']}" if source["kind"] == "pypi" else None


def _pairs(values: dict[str, Any] | None) -> str:
    return ", ".join(f"{key} {value}" for key, value in (values or {}).items() if value not in ("", None))


def _file_lines(file: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "file", file["path"]
    yield "problem", file["problem"]
    if header := file.get("header"):
        layers, tensors = header["block_count"], header["tensors"]
        yield "it says", f"{header['name'] or 'no name'}: {header['architecture']}, {header['quantisation']}"
        yield "", f"{layers} layers, {tensors} tensors of {format_bytes(header['tensor_bytes'])}"
        yield "", f"{header['vocabulary']:,} tokens known, {header['context_length']:,} of context"


def _service_lines(live: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "answers", live["backend"]
    if live["context_tokens"]:
        yield "serves", f"{live['context_tokens']:,} tokens of context"
    if live["threads"]:
        yield "threads", f"{live['threads']}: {live['threads_reason']}"
    if live["tokens_per_second"]:
        yield "speed", f"{live['tokens_per_second']:.1f} tokens/s lately"
    if live["speculation"]:
        yield "guesses", live["speculation"]
    yield "requests", live["active_requests"] or None
