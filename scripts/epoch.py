"""The time that every build of a commit pretends it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

INPUTS = ("image.yaml", "models-manifest.yaml", "live-build", "mkosi.conf", "mkosi.postinst",
          "mkosi.repart", "overlay", "roles", "scripts", "services")  # fmt: skip


def source_date_epoch(source: Path) -> int:
    """Seconds since 1970 of the last commit that touched what an image is made of.

    Outside git (a release archive), the newest modification time of `image.yaml`.
    """
    # The checkout may belong to another user than root, who builds.
    command = ["git", "-c", f"safe.directory={source}", "log", "-1", "--format=%ct", "--", *INPUTS]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    if done.returncode == 0 and done.stdout.strip().isdigit():
        return int(done.stdout)
    return int((source / "image.yaml").stat().st_mtime)
