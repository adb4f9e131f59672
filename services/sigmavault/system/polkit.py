"""Ask polkit whether a caller on the system bus may do something."""

from __future__ import annotations

import logging

from sdbus import DbusServiceUnknownError, SdBus

from sigmavault.core.errors import NotAuthorizedError
from sigmavault.system.bus import uid_of

_POLKIT = (
    "org.freedesktop.PolicyKit1",
    "/org/freedesktop/PolicyKit1/Authority",
    "org.freedesktop.PolicyKit1.Authority",
)
_MAY_ASK_A_PERSON = 1

_log = logging.getLogger(__name__)


async def require(bus: SdBus, caller: str, action: str, *, interactive: bool) -> None:
    """Return if the caller may; a person may be asked for a password meanwhile.

    Args:
        bus: the system bus.
        caller: unique bus name of who wants it.
        action: id of the polkit action.
        interactive: whether a password dialog may be shown.

    Raises:
        NotAuthorizedError: no.
    """
    message = bus.new_method_call_message(*_POLKIT, "CheckAuthorization")
    subject = ("system-bus-name", {"name": ("s", caller)})
    flags = _MAY_ASK_A_PERSON if interactive else 0
    message.append_data("(sa{sv})sa{ss}us", subject, action, {}, flags, "")
    try:
        answer = await bus.call_async(message)
    except DbusServiceUnknownError:
        _log.warning("polkit is not there: only root may %s", action)
        is_authorized = await uid_of(bus, caller) == 0
    else:
        is_authorized = answer.parse_to_tuple()[0][0] is True
    if not is_authorized:
        raise NotAuthorizedError(f"polkit does not allow {action} to this caller")
