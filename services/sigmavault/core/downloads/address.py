"""Which addresses a model is fetched from: HTTPS, and plain HTTP only from hosts that a mirror file names.

What comes is held against size and sha256 anyway. Plain HTTP tells everybody on the way what is fetched, and
a redirect to it is the usual sign of a portal or an attacker in between.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

from sigmavault.core.errors import SourceRefusedError

MOST_REDIRECTS: Final = 5
_LONGEST: Final = 4096
_PORTS: Final = {"https": 443, "http": 80}
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to connect and what to ask for.

    Attributes:
        is_encrypted: HTTPS.
        host: name or IP address, lower case, without brackets.
        port: of TCP.
        target: path with query, as it stands in the request.
    """

    is_encrypted: bool
    host: str
    port: int
    target: str

    @property
    def place(self) -> str:
        """Host and port, as mirror files name them."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """For people and logs: without the query, which may carry a signature."""
        scheme = "https" if self.is_encrypted else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[scheme] else f":{self.port}"
        return f"{scheme}://{host}{port}{self.target.partition('?')[0]}"


def parse_address(url: str, lan: Collection[str] = ()) -> Address:
    """An address that may be asked.

    Args:
        url: absolute.
        lan: `host:port` of the mirrors that may be reached over plain HTTP.

    Raises:
        SourceRefusedError: it is none, or none that we use.
    """
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise SourceRefusedError(f"no usable address: {url[:80]!a}")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise SourceRefusedError(f"no usable address: {url[:80]!a}") from error
    if parts.scheme not in _PORTS or not _HOST.fullmatch(host) or port == 0:
        raise SourceRefusedError(f"no usable address: {url[:80]!a}")
    if parts.username is not None or parts.password is not None:
        raise SourceRefusedError(f"an address at {host} holds a user name, and is not used")
    found = Address(
        is_encrypted=parts.scheme == "https", host=host, port=port or _PORTS[parts.scheme],
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )  # fmt: skip
    if not found.is_encrypted and found.place not in lan:
        raise SourceRefusedError(f"{found.place} would be asked over plain HTTP, which no mirror file allows")
    return found


def follow(before: Address, location: str, lan: Collection[str] = ()) -> Address:
    """Where a redirect leads.

    Args:
        before: who redirects.
        location: the header, absolute or relative.
        lan: as for `parse_address`.

    Raises:
        SourceRefusedError: nowhere we would go: above all, from HTTPS to plain HTTP.
    """
    try:
        url = urljoin(before.url, location)
        is_downgrade = before.is_encrypted and urlsplit(url).scheme != "https"
    except ValueError as error:
        raise SourceRefusedError(f"{before.host} redirects to no usable address") from error
    if is_downgrade:
        raise SourceRefusedError(f"{before.host} redirects to plain HTTP, and is not followed")
    return parse_address(url, lan)
