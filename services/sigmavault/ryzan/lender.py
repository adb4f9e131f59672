"""Asks the governor to let the ZFS cache lend what a model lacks, and gives it back when the model goes.

Nothing waits for it: a machine without the governor, or with one that does not answer, loads models as ever;
the cache gives way to them more slowly then.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from sdbus import SdBus, SdBusBaseError

from sigmavault.contract.governor1 import BUS_NAME, INTERFACE, OBJECT_PATH
from sigmavault.core.errors import SigmaVaultError
from sigmavault.system import bus

if TYPE_CHECKING:
    from sigmavault.ryzan.service import Service

_log = logging.getLogger(__name__)


class Lender:
    """What was asked for, by model."""

    def __init__(self) -> None:
        self._stirred = asyncio.Event()
        self._told: dict[str, int] = {}

    def stir(self) -> None:
        """Something about the models has changed."""
        self._stirred.set()

    async def run(self, service: Service) -> None:
        """Follow the models until cancelled."""
        connection = bus.open_system()
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            needs = service.pool.needs()
            for model in {*self._told, *needs}:
                need = needs.get(model, 0)
                # once when it comes: what it takes later is no longer free, and would be counted twice
                if bool(need) != bool(self._told.get(model)):
                    self._told[model] = need
                    await self._tell(connection, model, need)

    async def _tell(self, connection: SdBus, model: str, need: int) -> None:
        message = connection.new_method_call_message(BUS_NAME, OBJECT_PATH, INTERFACE, "BorrowMemory")
        message.append_data("st", model, need)
        try:
            (lent,) = (await connection.call_async(message)).parse_to_tuple()
        except (SdBusBaseError, SigmaVaultError) as error:
            _log.debug("the governor does not lend: %s", error)
            return
        if lent:
            _log.info("model %s: the ZFS cache lends %d MiB", model, int(str(lent)) // 2**20)
