from __future__ import annotations

import os
import socket
from pathlib import Path

from sigmavault.system import journal


def test_a_record_arrives_as_the_journal_reads_it(tmp_path: Path) -> None:
    place = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taker:
        taker.bind(os.fspath(place))
        assert journal.send({"MESSAGE": "two\nlines", "PRIORITY": "5"}, place)
        assert taker.recv(4096) == b"MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\nPRIORITY=5\n"


def test_a_machine_without_a_journal_is_no_error(tmp_path: Path) -> None:
    assert not journal.send({"MESSAGE": "hello"}, tmp_path / "nothing")
