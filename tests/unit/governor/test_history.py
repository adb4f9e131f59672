from __future__ import annotations

from dataclasses import replace

from sigmavault.core.governor.history import ROWS, History
from sigmavault.core.governor.watching import Seen

from tests.unit.governor.traces import CALM, quiet


def test_a_row_has_the_worst_of_its_ten_seconds() -> None:
    history = History()
    for at in range(20):
        is_on = at == 4
        history.add(quiet(at, smb_bytes_per_s=5e6 if is_on else 0.0, idle=0.1 if is_on else 0.9,
                          files=replace(CALM, cpu=0.5 if is_on else 0.0)), 30 if is_on else 80)  # fmt: skip
    first, second = history.to_json()["rows"]
    assert first == {"cpu_percent": 30, "bytes_per_s": 5_000_000, "pressure_percent": 50, "idle_percent": 10}
    assert second == {"cpu_percent": 80, "bytes_per_s": 0, "pressure_percent": 0, "idle_percent": 90}


def test_what_nobody_can_tell_stays_unknown() -> None:
    history = History()
    history.add(Seen(at=0), 80)
    (row,) = history.to_json()["rows"]
    assert (row["bytes_per_s"], row["pressure_percent"], row["idle_percent"]) == (None, None, None)


def test_it_forgets_what_is_old() -> None:
    history = History()
    for at in range(10 * (ROWS + 50)):
        history.add(quiet(at), 80)
    assert len(history.to_json()["rows"]) == ROWS + 1
