"""Secrets that go to a caller: into an empty memfd of its own, and into nothing else."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sigmavault.core.errors import InvalidRequestError
from sigmavault.hostd.descriptors import Descriptors


@pytest.fixture
def memory() -> Iterator[int]:
    descriptor = os.memfd_create("given", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    yield descriptor
    os.close(descriptor)


def test_a_secret_is_written_into_the_memfd_of_the_caller_after_the_call_is_over(memory: int) -> None:
    brought = Descriptors({"key": memory})
    assert asyncio.run(brought.read(without=("key",))) == {}
    outlets = brought.outlets(("key",))
    brought.close()
    outlets.write("key", "0123")
    outlets.close()
    assert os.pread(memory, 100, 0) == b"0123"
    with pytest.raises(InvalidRequestError, match="nothing was brought"):
        outlets.write("key", "4567")


def test_nothing_is_given_where_nothing_was_brought(memory: int) -> None:
    with pytest.raises(InvalidRequestError, match="bring one"):
        Descriptors({"other": memory}).outlets(("key",))


def test_no_pipe_no_file_and_no_used_memfd_is_written_into(memory: int, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    file = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT, 0o600)
    os.write(memory, b"x")
    sealed = os.memfd_create("sealed", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    fcntl.fcntl(sealed, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
    for number in (reader, writer, file, memory, sealed):
        brought = Descriptors({"key": number})
        with pytest.raises(InvalidRequestError, match="memfd"):
            brought.outlets(("key",))
        brought.close()
    for number in (reader, writer, file, sealed):
        os.close(number)
