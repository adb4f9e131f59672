from __future__ import annotations

from sigmavault.ryzan.http.guard import own_hosts


def test_own_hosts() -> None:
    assert own_hosts(8100) == {"localhost:8100", "127.0.0.1:8100", "[::1]:8100"}
    assert "localhost" in own_hosts(80)
    assert "localhost" not in own_hosts(8100)
