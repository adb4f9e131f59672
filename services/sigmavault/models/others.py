"""What other daemons are asked: the host daemon for datasets, the governor whether files are served."""

from __future__ import annotations

import json
from typing import Final

from sdbus import SdBus, SdBusBaseError

from sigmavault.contract import governor1, host1
from sigmavault.core.downloads.places import Place, dataset_places
from sigmavault.core.errors import ServiceUnavailableError, ZfsMissingError

_BUSY: Final = frozenset({"serving", "pressed", "resilver"})


class Others:
    """The other daemons on one connection."""

    def __init__(self, connection: SdBus) -> None:
        self._connection = connection

    async def datasets(self) -> tuple[Place, ...]:
        """The mounted datasets for models; none without ZFS.

        Raises:
            ServiceUnavailableError: the host daemon does not tell.
        """
        message = self._connection.new_method_call_message(
            host1.BUS_NAME, host1.OBJECT_PATH, host1.INTERFACE, "Read"
        )
        message.append_data("ssb", "dataset.list", "{}", False)  # noqa: FBT003  # nobody is asked
        try:
            answer = await self._connection.call_async(message)
        except ZfsMissingError:
            return ()
        except SdBusBaseError as error:
            raise ServiceUnavailableError(
                "the host daemon does not tell where models may go", "`systemctl status sigmavault-hostd`"
            ) from error
        return dataset_places(str(answer.parse_to_tuple()[0]))

    async def busy(self) -> str:
        """Why file serving needs the machine now; empty when it does not, or nobody can tell."""
        message = self._connection.new_method_call_message(
            governor1.BUS_NAME, governor1.OBJECT_PATH, governor1.INTERFACE, "Status"
        )
        try:
            answer = await self._connection.call_async(message)
            told = json.loads(str(answer.parse_to_tuple()[0]))
            return f"waits: {told['cause']}" if told["state"] in _BUSY else ""
        except (SdBusBaseError, ValueError, KeyError, TypeError):
            return ""
