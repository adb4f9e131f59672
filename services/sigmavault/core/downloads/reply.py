"""What an HTTP server's reply to "the file from here on" is worth (RFC 9110, 14.2 to 14.4, 15.3.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sigmavault.core.errors import SourceGoneError, SourceRefusedError

MAGIC: Final = b"GGUF"
"""What every model file begins with."""

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT_S: Final = 300
_RANGE: Final = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19})")
_ETAG: Final = re.compile(r'(W/)?"[\x21\x23-\x7e]{0,256}"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for.

    Attributes:
        name: of the source, for messages.
        offset: first byte.
        size: of the whole file, as the manifest has it.
        etag: of what is here already; empty where nobody told.
    """

    name: str
    offset: int
    size: int
    etag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """The body is part of the file.

    Attributes:
        offset: of its first byte; 0 where the server begins anew.
        etag: of the file at this source; empty where it tells none.
    """

    offset: int
    etag: str


def request_headers(asked: Asked) -> dict[str, str]:
    """What is told to the server beside the address."""
    headers = {"Accept": "application/octet-stream, */*;q=0.5", "Accept-Encoding": "identity"}
    if asked.offset:
        headers["Range"] = f"bytes={asked.offset}-"
        if asked.etag and not asked.etag.startswith("W/"):  # a weak one may not stand there: RFC 9110, 13.1.5
            headers["If-Range"] = asked.etag
    return headers


def judge(status: int, headers: Mapping[str, str], asked: Asked) -> Begin:
    """Take the reply, or say why not.

    Args:
        status: of HTTP.
        headers: their names in lower case.
        asked: what for.

    Raises:
        SourceRefusedError: it is not our file.
        SourceGoneError: not now; its `retry_after_s` may say when.
    """
    if status not in (200, 206):
        _refuse_status(status, headers, asked)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml") or kind.startswith("multipart/"):
        what = "a web page" if "html" in kind else "several parts"
        raise SourceRefusedError(f"{asked.name} sends {what} instead of the file")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise SourceRefusedError(f"{asked.name} sends the file packed, which was not asked for")
    begin = _partial(headers, asked) if status == 206 else Begin(offset=0, etag=_etag(headers))
    _require_length(headers, asked, begin)
    return begin


def _partial(headers: Mapping[str, str], asked: Asked) -> Begin:
    found = _RANGE.fullmatch(headers.get("content-range", "").strip())
    if found is None or not asked.offset:
        raise SourceRefusedError(f"{asked.name} sends a part, and does not say which", restart=True)
    first, last, size = map(int, found.groups())
    if size != asked.size:
        raise SourceRefusedError(f"{asked.name} has {size} bytes of it, it must have {asked.size}")
    if first != asked.offset or last != size - 1:
        raise SourceRefusedError(
            f"{asked.name} was asked for what begins at byte {asked.offset}, and sends {first} to {last}",
            restart=True,
        )
    etag = _etag(headers)
    if asked.etag and etag and etag != asked.etag:
        raise SourceRefusedError(f"{asked.name} has another file than before", restart=True)
    return Begin(offset=first, etag=etag)


def _require_length(headers: Mapping[str, str], asked: Asked, begin: Begin) -> None:
    told = headers.get("content-length")
    if told is None:
        return  # the body is counted anyway
    if not told.isascii() or not told.isdigit():
        raise SourceRefusedError(f"{asked.name} tells no usable length")
    if (size := int(told) + begin.offset) != asked.size:
        raise SourceRefusedError(f"{asked.name} has {size} bytes of it, it must have {asked.size}")


def _refuse_status(status: int, headers: Mapping[str, str], asked: Asked) -> None:
    if status in _PASSING:
        raise SourceGoneError(f"{asked.name} answers {status}", retry_after_s=_retry_after(headers))
    if status in (401, 403):
        raise SourceRefusedError(f"{asked.name} does not let us have it ({status})")
    if status in (404, 410):
        raise SourceRefusedError(f"{asked.name} does not have it ({status})")
    if status == 416:
        raise SourceRefusedError(f"{asked.name} does not have the rest of it (416)", restart=True)
    raise SourceRefusedError(f"{asked.name} answers {status}")


def _retry_after(headers: Mapping[str, str]) -> int:
    told = headers.get("retry-after", "").strip()
    return min(int(told), _LONGEST_WAIT_S) if re.fullmatch("[0-9]{1,9}", told) else 0


def _etag(headers: Mapping[str, str]) -> str:
    told = headers.get("etag", "").strip()
    return told if _ETAG.fullmatch(told) else ""


def require_magic(name: str, beginning: bytes) -> None:
    """The first bytes of a file are those of a model: else it is not worth the rest of the transfer.

    Raises:
        SourceRefusedError: they are not.
    """
    if beginning[: len(MAGIC)] != MAGIC:
        raise SourceRefusedError(f"what {name} sends is no model file: it does not begin with GGUF")
