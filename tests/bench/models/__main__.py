"""`make bench-models`: how fast the model downloads are beside curl, and how much memory they take.

A server of its own process sends one file out of the page cache over the loopback interface. The daemon and
curl fetch it in turn to the same folder. The daemon hashes all of it, has it on the disk and names it; curl
does none of that: once its time ends with its own end, once when the disk has what it wrote.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.models.server import write_content
from tests.services.daemon import SystemBus, ensure_user
from tests.services.models_daemon import ModelsDaemon, write_manifest_of
from tests.services.models_fixtures import simulated_host

BAR, MEMORY_MIB = 0.9, 60.0
_MIB = 1024 * 1024


def main(argv: list[str]) -> int:
    """Measure and print the table; 0 whatever it says: a missed bar is shown."""
    parser = argparse.ArgumentParser(prog="make bench-models")
    parser.add_argument("--size", type=int, default=1024, help="of the file, in MiB")
    parser.add_argument("--rounds", type=int, default=5, help="of both")
    parser.add_argument("--curl", default="curl", help="the program")
    parser.add_argument("--folder", type=Path, default=Path("build"), help="on the disk to be written to")
    told = parser.parse_args(argv)
    if shutil.which(told.curl) is None:
        sys.stderr.write("there is no curl here: ARGS='--curl PROGRAM' names one\n")
        return 2
    told.folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-models-", dir=told.folder) as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        sys.stdout.write(_measure(folder, told))
    return 0


def _measure(folder: Path, told: argparse.Namespace) -> str:
    content = folder / "content"
    sha256 = write_content(content, told.size * _MIB)
    curl, synced, ours = list[float](), list[float](), list[float]()
    with _server(content) as port, _daemon(folder, port, told.size * _MIB, sha256) as daemon:
        for _ in range(told.rounds):
            plain, durable = _curl(told.curl, port, folder / "curl.gguf")
            curl.append(plain)
            synced.append(durable)
            ours.append(_download(daemon))
        memory = daemon.memory_mib()
    version = subprocess.run(
        [told.curl, "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    ratio = statistics.median(a / b for a, b in zip(synced, ours, strict=True))
    rows = {
        f"curl {version}": curl, f"curl {version}, and the disk has it": synced,
        "the model downloads: hashed, on the disk, named": ours,
    }  # fmt: skip
    lines = [f"one file of {told.size} MiB, {told.rounds} rounds in turn; MB/s: median, least, most\n\n"]
    for text, seconds in rows.items():
        speeds = sorted(told.size * _MIB / 1e6 / each for each in seconds)
        lines.append(f"{text:50} {statistics.median(speeds):6.0f} {speeds[0]:6.0f} {speeds[-1]:6.0f}\n")
    plain = statistics.median(a / b for a, b in zip(curl, ours, strict=True))
    lines.append(f"\nours ÷ curl, disk to disk: {ratio:.2f} (bar {BAR}: {_verdict(ratio >= BAR)})\n")
    lines.append(f"ours with hash and disk ÷ curl without: {plain:.2f}\n")
    verdict = _verdict(memory < MEMORY_MIB)
    lines.append(f"most memory of the daemon: {memory:.1f} MiB (bar {MEMORY_MIB:.0f}: {verdict})\n")
    return "".join(lines)


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "missed"


@contextmanager
def _server(content: Path) -> Iterator[int]:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.models.server", content], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert server.stdout
    try:
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait()


@contextmanager
def _daemon(folder: Path, port: int, size: int, sha256: str) -> Iterator[ModelsDaemon]:
    ensure_user()
    (folder / "bus").mkdir()
    bus = SystemBus(folder / "bus")
    try:
        with simulated_host(bus, folder):
            daemon = ModelsDaemon(bus, folder / "daemon")
            write_manifest_of(daemon.manifest, {"large": (size, sha256)})
            daemon.mirrors({"name": "lan", "kind": "files", "url": f"http://127.0.0.1:{port}", "lan": True})
            daemon.start()
            daemon.call("AllowBootDisk", "b", "true")
            yield daemon
            daemon.stop()
    finally:
        bus.stop()


def _curl(program: str, port: int, target: Path) -> tuple[float, float]:
    """Seconds of its own, and until the disk has it all."""
    url = f"http://127.0.0.1:{port}/large.gguf"
    began = time.monotonic()
    subprocess.run([program, "--silent", "--fail", "--noproxy", "*", "--output", target, url], check=True)
    plain = time.monotonic() - began
    with target.open("rb") as file:
        os.fsync(file.fileno())
    durable = time.monotonic() - began
    target.unlink()
    return plain, durable


def _download(daemon: ModelsDaemon) -> float:
    """Seconds from the call until the file has its name."""
    file = daemon.models / "large.gguf"
    began = time.monotonic()
    daemon.call("Download", "s", "large")
    while not file.exists():
        time.sleep(0.002)
    took = time.monotonic() - began
    daemon.wait("large", "done")
    daemon.call("Remove", "s", "large")
    return took


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
