"""Where failures leave the daemon: every one has a stable name, and its hint goes along."""

from __future__ import annotations

import logging
from collections.abc import Awaitable

from sigmavault.contract.host1 import spell
from sigmavault.core.errors import SigmaVaultError

_log = logging.getLogger(__name__)


async def answered[T](work: Awaitable[T]) -> T:
    """Do the work; what it raises crosses the bus under its own name.

    Raises:
        SigmaVaultError: what the work raised; for a fault in our own code one that says so.
    """
    try:
        return await work
    except SigmaVaultError as error:
        error.args = (spell(error.message, error.hint),)
        raise
    except Exception as error:
        _log.exception("a call failed")
        raise SigmaVaultError(f"the daemon failed: {type(error).__name__}; the journal has more") from error
