"""A client that writes through SMB and NFS with fsync and keeps its journal outside of the machine.

The mounts are in the guest, by the kernel's own clients; what they were told is stable is told to us at once.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from tests.vm.machine.machine import Machine
from tests.vm.machine.ssh import HOST

_SCRIPT = (Path(__file__).parent / "inside" / "journal.py").read_bytes()


class Journal:
    """What was acknowledged, by kind (`smb`, `nfs`): the number of the last file."""

    def __init__(self, machine: Machine, mounts: Mapping[str, str]) -> None:
        self._machine = machine
        self._mounts = mounts
        self.last = dict.fromkeys(mounts, 0)
        self._writers: list[tuple[subprocess.Popen[bytes], threading.Thread]] = []

    def start(self) -> None:
        """Begin to write, from where the last run ended."""
        for kind, folder in self._mounts.items():
            words = f"python3 - write {folder} {self.last[kind] + 1} {kind}"
            writer = subprocess.Popen(
                ["ssh", "-F", self._machine.ssh.config, "-S", "none", HOST, "--", words],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            assert writer.stdin is not None
            writer.stdin.write(_SCRIPT)
            writer.stdin.close()
            listener = threading.Thread(target=self._listen, args=(writer,))
            listener.start()
            self._writers.append((writer, listener))

    def _listen(self, writer: subprocess.Popen[bytes]) -> None:
        assert writer.stdout is not None
        for line in writer.stdout:
            if not line.endswith(b"\n"):
                break  # the cut came in the middle of a word: nothing was acknowledged
            kind, number = line.split()
            self.last[kind.decode()] = int(number)

    def stop(self) -> None:
        """Wait for the end of the writers, whose machine is gone."""
        for writer, listener in self._writers:
            writer.kill()
            writer.wait()
            listener.join()
        self._writers.clear()

    def wrong(self, folders: Mapping[str, str]) -> dict[str, str]:
        """Of what was acknowledged, how many files are not there as they were written; empty when all are."""
        said = {
            kind: self._machine.succeed(
                "python3", "-", "check", folder, str(self.last[kind]), stdin=_SCRIPT, timeout_s=120
            ).strip()
            for kind, folder in folders.items()
        }
        return {kind: each for kind, each in said.items() if each != "0"}
