"""Which Debian archive to build from.

In this order: what the caller gave, the Debian archive of the host's own apt configuration, and
nothing at all, in which case the tools use their built-in default.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

_URI = re.compile(r"https?://[\w.\-:\[\]@/~%+]+")
"""What the tools tree can reach too: a folder of the host is not seen there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """A Debian archive and the security archive that belongs to it.

    Attributes:
        main: base URI without a trailing slash; empty means "the tools' default".
        security: base URI of the security archive; empty when `main` is.
        dated: whether it is a moment of the past, whose signed dates have expired.
    """

    main: str
    security: str
    dated: bool = False

    @property
    def is_default(self) -> bool:
        """Whether the tools are to use the archive they know themselves."""
        return not self.main

    def _suites(self, suite: str) -> list[tuple[str, str]]:
        """Archive and suite: the release, its updates and its security updates."""
        if self.is_default:
            return []
        return [(self.main, suite), (self.main, f"{suite}-updates"), (self.security, f"{suite}-security")]

    def sources(self, suite: str, components: str) -> list[str]:
        """Lines for sources.list(5); none for the tools' default archive."""
        deb = "deb [check-valid-until=no]" if self.dated else "deb"
        return [f"{deb} {uri} {name} {components}" for uri, name in self._suites(suite)]

    def stanzas(self, suite: str, components: str, keyring: str) -> str:
        """The same as a deb822 file; empty for the tools' default archive."""
        valid = "Check-Valid-Until: no\n" if self.dated else ""
        return "\n".join(
            f"Types: deb\nURIs: {uri}\nSuites: {name}\nComponents: {components}\n"
            f"Signed-By: {keyring}\n{valid}"
            for uri, name in self._suites(suite)
        )

    def at(self, snapshot: str | None) -> Mirror:
        """The archive as it was at a moment, in the layout of Debian's snapshot service.

        Raises:
            ValueError: a moment is asked for of the tools' default archive, which keeps none.
        """
        if snapshot is None:
            return self
        if self.is_default:
            raise ValueError("a dated snapshot needs an archive that keeps them")
        return Mirror(main=f"{self.main}/{snapshot}", security=f"{self.security}/{snapshot}", dated=True)


def find_mirror(main: str = "", security: str = "") -> Mirror:
    """The archive to use; empty arguments mean "not given".

    Raises:
        ValueError: an argument is not an archive URI.
    """
    for uri in filter(None, (main, security)):
        if not _URI.fullmatch(uri):
            raise ValueError(f"not the http(s) URI of a package archive: {uri!r}")
    chosen = (main or _from_apt()).rstrip("/")
    if not chosen:
        return Mirror(main="", security="")
    return Mirror(main=chosen, security=(security or f"{chosen}-security").rstrip("/"))


def _from_apt() -> str:
    """The first Debian archive in the host's apt configuration, or an empty text."""
    if shutil.which("apt-get") is None:
        return ""
    try:
        listing = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)", "Identifier: Packages"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return ""
    return pick_debian(listing.stdout)


def pick_debian(listing: str) -> str:
    """The Debian archive in a listing of "URI label" lines.

    Labels are known only after `apt-get update`; without them the archive's customary folder name
    decides. Installation media and other methods than HTTP are passed over.
    """
    lines = [line.split(maxsplit=1) for line in listing.splitlines() if line.strip()]
    rows = [row for row in lines if _URI.fullmatch(row[0])]
    labelled = [row[0] for row in rows if len(row) == 2 and row[1].strip() == "Debian"]
    by_name = [row[0] for row in rows if row[0].rstrip("/").endswith("/debian")]
    return next(iter([*labelled, *by_name]), "")
