"""The `sigmavault` command, with the operations of the tests beside its own."""

from __future__ import annotations

from pathlib import Path

from sigmavault.cli.main import main
from sigmavault.operations import registry

if __name__ == "__main__":
    registry.add_folder(Path(__file__).parent / "operations")
    raise SystemExit(main())
