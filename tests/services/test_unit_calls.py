"""What units of ours do by themselves is in the audit: by root, and by which unit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services.daemon import DATA, SERVICES, SOURCE
from tests.services.host import HostDaemon
from tests.services.simulated_host import simulated_host
from tests.services.test_empty_trash import MACHINE as TRASH

KEYS_OF = """
import sys
from pathlib import Path
from sigmavault.keyfiles.main import main
from tests.services.host_run import FolderMachine
raise SystemExit(main(FolderMachine(Path(sys.argv[1]))))
"""
NONE = {"type": "NONE", "data": "-"}


@contextmanager
def unit(name: str) -> Iterator[list[str]]:
    """The beginning of a command that runs it in a control group of this name, as systemd would."""
    rows = (line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines())
    mount = next(Path(row[4]) for row in rows if row[row.index("-") + 1] == "cgroup2")
    group = mount / name
    group.mkdir()
    try:
        yield ["/bin/sh", "-c", 'echo $$ >"$0" && exec "$@"', os.fspath(group / "cgroup.procs")]
    finally:
        group.rmdir()


def test_what_the_timer_destroys_is_written_down_with_its_unit(tmp_path: Path) -> None:
    (tmp_path / "trash.yaml").write_text(TRASH)
    program = os.fspath(DATA / "usr/libexec/sigmavault/empty-trash")
    with simulated_host(tmp_path, os.fspath(tmp_path / "trash")) as host:
        for name, days in (("tank/old", "0"), ("tank/new", "7")):
            assert host.run("dataset", "destroy", name, "--days", days, "--confirm", name).returncode == 0
        with unit("sigmavault-trash.service") as inside:
            done = subprocess.run(
                [*inside, sys.executable, "-sP", program], env=host.env, capture_output=True, text=True,
                check=False, timeout=60, cwd="/",
            )  # fmt: skip
        assert done.stdout.startswith("destroyed for good: old_"), done.stderr
        rows = host.ask("audit", "list", "--limit", "100")["records"][::-1]
    by_unit = [row for row in rows if row["program"] == "sigmavault-trash.service"]
    assert [(row["event"], row["operation"], row["result"], row["user"]) for row in by_unit] == [
        ("read", "dataset.trash", "ok", "root"),
        ("plan", "dataset.purge", "ok", "root"),
        ("begin", "dataset.purge", "ok", "root"),
        ("end", "dataset.purge", "ok", "root"),
    ]


def locked(name: str, guid: int) -> dict[str, object]:
    place = f"file:///etc/sigmavault/keys/{name.replace('/', '%')}.key"
    held = {"guid": guid, "encryptionroot": name, "keystatus": "unavailable", "keyformat": "hex",
            "keylocation": place, "org.sigmavault:key-stored": "-", "org.sigmavault:trash": "-"}  # fmt: skip
    properties = {key: {"value": each, "source": NONE} for key, each in held.items()}
    return {"name": name, "type": "FILESYSTEM", "pool": "tank", "properties": properties}


@pytest.fixture
def zfs(tmp_path: Path) -> Path:
    """A root whose `zfs` knows two datasets, and loads the key of one."""
    (tmp_path / "sys/module/zfs").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    datasets = {name: locked(name, guid) for guid, name in enumerate(("tank/a", "tank/b"), 2)}
    (tmp_path / "datasets.json").write_text(json.dumps({"datasets": datasets}))
    program = tmp_path / "bin/zfs"
    program.write_text(
        f"#!/bin/sh\nif [ $1 = list ]; then exec cat {tmp_path}/datasets.json; fi\n"
        "[ $3 = tank/a ] || { echo 'Failed to open key material file' >&2; exit 255; }\n"
    )
    program.chmod(0o755)
    return tmp_path


def test_keys_that_are_loaded_before_the_daemon_runs_are_written_down_when_it_does(
    zfs: Path, host: HostDaemon
) -> None:
    with unit("sigmavault-keys.service") as inside:
        done = subprocess.run(
            [*inside, sys.executable, "-sP", "-c", KEYS_OF, os.fspath(host.root)], check=False, timeout=60,
            capture_output=True, text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{SERVICES}:{SOURCE}"},
        )  # fmt: skip
    assert done.returncode == 1, "one key is not there"
    assert (host.root / "run/sigmavault-keys").stat().st_mode & 0o777 == 0o700
    for _ in range(2):  # what is written down is not written down again
        assert host.stop() == 0
        host.start()
        host.wait_ready()
    rows = [row for row in host.audit() if row["event"] == "early"]
    assert [(row["operation"], row["arguments"], row["result"]) for row in rows] == [
        ("key.load", {"dataset": "tank/a"}, "ok"),
        ("key.load", {"dataset": "tank/b"}, "system.command-failed"),
    ]
    assert {(row["who"]["uid"], row["who"]["unit"]) for row in rows} == {(0, "sigmavault-keys.service")}
    assert "Failed to open key material file" in rows[1]["message"]
    with host.caller() as caller:
        assert caller.read("audit.verify")["intact"]
