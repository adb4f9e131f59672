"""How long builds take and what they make, against the bars of docs/performance.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from scripts.session import Session


def bench(session: Session, arguments: argparse.Namespace) -> int:
    """The part of the bench inside the tools tree: the peer, which `scripts.bench.host` asks for."""
    # Not at the top: the host's part of this package has the standard library alone.
    from scripts.bench.peer import measure_peer

    return measure_peer(session, arguments)
