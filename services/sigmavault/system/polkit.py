"""Ask polkit whether a caller on the system bus may do something.

The interface: `org.freedesktop.PolicyKit1.Authority` (polkit 126, reference manual).
"""

from __future__ import annotations

import logging
from typing import Final

from sdbus import SdBus, SdBusBaseError

from sigmavault.core.errors import (
    AuthorizationDismissedError,
    AuthorizationNeededError,
    NotAuthorizedError,
)
from sigmavault.system.bus import uid_of

_POLKIT = (
    "org.freedesktop.PolicyKit1",
    "/org/freedesktop/PolicyKit1/Authority",
    "org.freedesktop.PolicyKit1.Authority",
)
_MAY_ASK_A_PERSON = 1
_DISMISSED: Final = "polkit.dismissed"
PATIENCE_S = 300.0
"""How long a person may take to type a password. A connection that asks has to allow calls this long."""

_log = logging.getLogger(__name__)


async def require(bus: SdBus, caller: str, action: str, *, interactive: bool, message: str = "") -> None:
    """Return if the caller may; a person may be asked for a password meanwhile.

    Args:
        bus: the system bus.
        caller: unique bus name of who wants it.
        action: id of the polkit action.
        interactive: whether a password dialog may be shown.
        message: what that dialog says instead of the action's own text; only root may (polkit).

    Raises:
        AuthorizationNeededError: only after a password, and nobody was asked for one.
        AuthorizationDismissedError: the person who was asked closed the dialog.
        NotAuthorizedError: no.
    """
    question = bus.new_method_call_message(*_POLKIT, "CheckAuthorization")
    subject = ("system-bus-name", {"name": ("s", caller)})
    flags = _MAY_ASK_A_PERSON if interactive else 0
    told = {"polkit.message": message} if message else {}
    question.append_data("(sa{sv})sa{ss}us", subject, action, told, flags, "")
    try:
        answer = await bus.call_async(question)
    except SdBusBaseError as error:
        _log.warning("polkit does not answer, so only root may %s: %s", action, error)
        if await uid_of(bus, caller) != 0:
            raise _denied(action) from error
        return
    is_authorized, is_challenge, details = answer.parse_to_tuple()[0]
    if is_authorized is True:
        return
    if _DISMISSED in details:
        raise AuthorizationDismissedError(f"the question whether {action} is allowed was closed")
    if is_challenge:
        hint = "no dialog can ask here: use a login session" if interactive else "ask again interactively"
        raise AuthorizationNeededError(f"polkit allows {action} only after a password", hint)
    raise _denied(action)


def _denied(action: str) -> NotAuthorizedError:
    return NotAuthorizedError(f"polkit does not allow {action} to this caller")
