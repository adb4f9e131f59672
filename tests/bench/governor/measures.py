"""What is measured on a machine that is up: a client outside copies and reads, the model computes or not."""

from __future__ import annotations

import json
import re
import statistics
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.bench.governor.nfs_copy import BLOCK
from tests.vm.machine.machine import Machine
from tests.vm.machine.process import run
from tests.vm.machine.timing import retry
from tests.vm.smb import smbclient
from tests.vm.stage import NFS, SMB

USER, PASSWORD = "bench", "correct horse battery"
SHARE, FILE, FOLDER = "media", "file", "/srv/tank/media"
OUTSIDE = "10.0.2.2"
"""Whom the machine takes the host for."""
SLICE, GOVERNOR, LOAD = "sigmavault_ai.slice", "sigmavault-governor.service", "bench-load.service"
ANSWERS = Path(__file__).parents[2] / "vm" / "inside" / "answers.py"
_RATE = re.compile(r"\(([\d.]+) (?:kb|KiloBytes)/s(?:ec)?\)", re.IGNORECASE)


class State(StrEnum):
    """What the model does meanwhile."""

    IDLE = "idle"
    WITHOUT = "busy, no governor"
    WITH = "busy, governor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round has shown.

    Attributes:
        rates: of each copy, in MB/s; of random reads, reads per second.
        p99_ms: of the random reads.
        tokens_per_s: that the model wrote meanwhile.
    """

    rates: dict[str, float]
    p99_ms: float
    tokens_per_s: float


class Bench:
    """A machine with a pool, a share over both protocols, and a client."""

    def __init__(self, vm: Machine, folder: Path, size_mb: int, seconds: float) -> None:
        self.vm, self.folder, self.size_mb, self.seconds = vm, folder, size_mb, seconds

    def prepare(self) -> None:
        """From blank disks to a share with a file."""
        vm = self.vm
        for words in (
            ("pool", "create", "tank", "mirror", "TANK1", "TANK2"),
            ("dataset", "create", f"tank/{SHARE}", "--preset", "media"),
        ):
            vm.succeed("sigmavault", *words, "--yes")
        vm.succeed("sigmavault", "user", "create", USER, "--secret-stdin", "password", "--yes",
                   stdin=f"{PASSWORD}\n".encode())  # fmt: skip
        vm.succeed("sigmavault", "share", "create", SHARE, f"tank/{SHARE}", "--write", USER, "--protocol",
                   "both", "--host", OUTSIDE, "--nfs-users", "root", "--yes")  # fmt: skip
        vm.succeed("touch", f"{FOLDER}/nfs")
        vm.succeed("tee", "/root/answers.py", stdin=ANSWERS.read_bytes())
        with (self.folder / FILE).open("wb") as file, Path("/dev/urandom").open("rb") as source:
            for _ in range(self.size_mb):
                file.write(source.read(1_000_000))
        self._copy(f"put {FILE}")  # there is something to read from the first round on

    def enter(self, state: State) -> None:
        """Bring the model into a state, and file serving into its swing."""
        vm = self.vm
        vm.execute("systemctl", "stop", LOAD)
        if state is State.WITHOUT:
            vm.succeed("systemctl", "stop", GOVERNOR)
            quota = 80 * int(vm.succeed("nproc", "--all"))
            vm.succeed("systemctl", "set-property", "--runtime", SLICE, f"CPUQuota={quota}%", "CPUWeight=20")
        else:
            vm.succeed("systemctl", "start", GOVERNOR)
        if state is not State.IDLE:
            vm.succeed("systemd-run", "--quiet", "--collect", f"--unit={LOAD}", "--slice=user.slice",
                       "python3", "/root/answers.py", "busy", "2")  # fmt: skip
            retry(lambda _last: self._tokens() > 0, timeout_s=vm.scale.limit(40), what="the model writes")
        self.random_reads()

    def measure(self) -> Round:
        """One round."""
        written = self._tokens()
        rates = {
            "SMB write": self._copy(f"put {FILE}"), "SMB read": self._copy(f"get {FILE} /dev/null"),
            "NFS write": self._nfs("write"), "NFS read": self._nfs("read"),
        }  # fmt: skip
        took = self.random_reads()
        rates["SMB 4 KiB reads"] = len(took) / sum(took)
        p99 = statistics.quantiles(took, n=100)[-1] * 1000
        return Round(rates=rates, p99_ms=p99, tokens_per_s=(written + self._tokens()) / 2)

    def random_reads(self) -> list[float]:
        """Seconds of each read."""
        words = (str(self.vm.ports[SMB]), f"{SHARE}/{FILE}", str(self.seconds))
        took: list[float] = json.loads(self._client("random_reads", *words, stdin=f"{USER}\n{PASSWORD}\n"))
        return took

    def _copy(self, command: str) -> float:
        done = smbclient(self.vm, SHARE, command, self.folder, user=USER, phrase=PASSWORD, limit_s=300)
        found = _RATE.search(done.out + done.err)
        if done.code or found is None:
            raise SystemExit(f"smbclient failed, or does not say how fast it was: {done.describe()}")
        return float(found[1]) * 1024 / 1e6

    def _nfs(self, what: str) -> float:
        url = f"nfs://127.0.0.1{FOLDER}/nfs?version=4&nfsport={self.vm.ports[NFS]}"
        return float(self._client("nfs_copy", what, url, str(self.size_mb * 1_000_000 // BLOCK)))

    def _client(self, name: str, *words: str, stdin: str = "") -> str:
        """What a client of ours prints."""
        module = f"{__package__}.{name}"
        return run([sys.executable, "-m", module, *words], timeout_s=self.vm.scale.limit(300),
                   stdin=stdin.encode()).out  # fmt: skip

    def _tokens(self) -> float:
        """What the load said last: it itself, and since it was started this time."""
        run = self.vm.execute("systemctl", "show", "--value", "--property=InvocationID", LOAD).out.strip()
        if not run:
            return 0.0
        match = f"_SYSTEMD_INVOCATION_ID={run}"
        told = self.vm.execute("journalctl", "--quiet", "--output=cat", match, "--lines=3")
        rates = [float(line) for line in told.out.split()]
        return statistics.fmean(rates) if rates else 0.0
