"""The time that every build of a commit pretends it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scripts.process import CommandError, Runner

INPUTS = ("image.yaml", "models-manifest.yaml", "live-build", "mkosi.conf", "mkosi.postinst",
          "mkosi.repart", "overlay", "roles", "scripts", "services")  # fmt: skip


def source_date_epoch(runner: Runner, source: Path, inputs: Sequence[str] = INPUTS) -> int:
    """Seconds since 1970 of the last commit that touched `inputs`: all that an image is made of.

    Outside git (a release archive), the modification time of `image.yaml`.
    """
    # The checkout may belong to another user than root, who builds.
    command = ["git", "-c", f"safe.directory={source}", "log", "-1", "--format=%ct", "--", *inputs]
    try:
        text = runner.output(command, cwd=source).strip()
    except CommandError:
        text = ""
    return int(text) if text.isdigit() else int((source / "image.yaml").stat().st_mtime)
