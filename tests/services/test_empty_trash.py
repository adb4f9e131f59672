"""What is due in the trash goes by itself, through the host daemon, and nothing else does."""

from __future__ import annotations

import json
from pathlib import Path

from tests.services.test_demo import demo

MACHINE = """\
name: trash
about: one dataset that is due, one that is not
disks:
  - {name: ata-DISK_1, serial: S1, model: DISK, size_bytes: 4000787030016}
pools:
  - name: tank
    data: [{kind: disk, disks: [ata-DISK_1]}]
    datasets:
      - {name: tank/old}
      - {name: tank/new}
"""
EMPTY = 'python3 -c "from sigmavault.emptytrash.main import main; raise SystemExit(main())"'
SCRIPT = f"""set -e
sigmavault dataset destroy tank/old --days 0 --confirm tank/old >&2
sigmavault dataset destroy tank/new --days 7 --confirm tank/new >&2
{EMPTY}; echo ---; {EMPTY}; echo ---
sigmavault dataset trash --json; echo ---
sigmavault audit list --json
"""


def test_what_is_due_is_destroyed_once_and_written_down(tmp_path: Path) -> None:
    file = tmp_path / "trash.yaml"
    file.write_text(MACHINE)
    done = demo(str(file), SCRIPT)
    assert done.returncode == 0, done.stderr
    first, second, left, audit = done.stdout.split("---\n")
    assert first.startswith("destroyed for good: old_")
    assert second == ""
    assert [each["origin"] for each in json.loads(left)["thrown"]] == ["tank/new"]
    assert audit.count('"dataset.purge"') >= 2  # planned and applied
