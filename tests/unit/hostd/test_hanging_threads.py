from __future__ import annotations

import asyncio
import threading
import time

import pytest
from sigmavault.core.errors import (
    ObjectBusyError,
    ServiceUnavailableError,
    SigmaVaultError,
    UnknownObjectError,
)
from sigmavault.hostd.threads import Readers, in_thread


def test_what_the_work_gives_or_raises_comes_back() -> None:
    def fail() -> None:
        raise UnknownObjectError("no pool")

    assert asyncio.run(in_thread(lambda: 7, "seven")) == 7
    with pytest.raises(UnknownObjectError, match="no pool"):
        asyncio.run(in_thread(fail, "fails"))


def test_a_fault_in_our_own_code_is_told_without_its_details() -> None:
    def fault() -> None:
        raise KeyError("passphrase")

    with pytest.raises(SigmaVaultError) as caught:
        asyncio.run(in_thread(fault, "pool.list"))
    assert caught.value.message == "pool.list failed: KeyError"


def test_reads_that_hang_do_not_keep_others_waiting_without_end() -> None:
    never = threading.Event()

    async def main() -> None:
        readers = Readers(most=2, patience_s=0.05, limit_s=0.1)
        hanging = [asyncio.create_task(readers.run(never.wait, "hang")) for _ in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(ObjectBusyError, match="2 questions"):
            await readers.run(lambda: 1, "other")
        for each in hanging:
            with pytest.raises(ServiceUnavailableError, match=r"did not end within 0\.1 s"):
                await each
        never.set()
        await asyncio.sleep(0.02)
        assert await readers.run(lambda: 1, "other") == 1  # their places are free again

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 2
