"""The host daemon, as its callers on the system bus have it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from sdbus import SdBus, SdBusBaseError, SdBusUnmappedMessageError
from sdbus.dbus_exceptions import (
    DbusAccessDeniedError,
    DbusFileNotFoundError,
    DbusNoReplyError,
    DbusServiceUnknownError,
    DbusTimeoutError,
    DbusUnknownInterfaceError,
    DbusUnknownMethodError,
    DbusUnknownObjectError,
)

from sigmavault.contract.host1 import (
    BUS_NAME,
    INTERFACE,
    JOB_INTERFACE,
    OBJECT_PATH,
    JobKey,
    JobState,
    unspell,
)
from sigmavault.core.errors import (
    CommandError,
    NotAuthorizedError,
    OutcomeUnknownError,
    ServiceUnavailableError,
    SigmaVaultError,
    tree,
)
from sigmavault.system import bus

_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_PATIENCE_S: Final = 600
"""A dry run may take a minute, and a person looks for a password."""
_HINT: Final = "`systemctl status sigmavault-hostd` tells how it is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """How a job is doing.

    Attributes:
        state: see `JobState`.
        text: what is being done.
        fraction: 0 to 1; None when nobody can say.
        answer: JSON once it is done.
        error: the failure; None without one.
    """

    state: JobState
    text: str
    fraction: float | None
    answer: str
    error: SigmaVaultError | None


class Host:
    """The daemon on one connection to the bus; made by `connect`. Plans belong to the connection."""

    def __init__(self, connection: SdBus) -> None:
        self._connection = connection

    async def is_simulated(self) -> bool:
        """Whether nothing behind it is real."""
        answer = await self._call(OBJECT_PATH, _PROPERTIES, "Get", "ss", INTERFACE, "IsSimulated")
        return bool(answer[0][1])

    async def read(self, operation: str, arguments: str, *, interactive: bool) -> str:
        """The answer of a read as JSON; a person may be asked for a password when it is private."""
        answer = await self._call(OBJECT_PATH, INTERFACE, "Read", "ssb", operation, arguments, interactive)
        return str(answer[0])

    async def plan(self, interface: str, method: str, arguments: str) -> tuple[str, str]:
        """The plan of a change as JSON, and its token."""
        plan, token = await self._call(OBJECT_PATH, interface, method, "s", arguments)
        return str(plan), str(token)

    async def apply(
        self, token: str, confirmation: str, secrets: Mapping[str, int], *, interactive: bool
    ) -> str:
        """Apply a plan; the path of its job.

        Raises:
            OutcomeUnknownError: the daemon went away; nobody knows whether it has begun.
        """
        try:
            answer = await self._call(
                OBJECT_PATH, INTERFACE, "Apply", "ssba{sh}", token, confirmation, interactive, dict(secrets)
            )
        except ServiceUnavailableError as error:
            if isinstance(error.__cause__, DbusNoReplyError | DbusTimeoutError):
                raise OutcomeUnknownError(
                    "the host daemon went away before it answered: whether this was done is not known",
                    "look at the machine before you try it again; `sigmavault job list` shows what was begun",
                ) from error
            raise
        return str(answer[0])

    async def job(self, path: str) -> Job:
        """How a job is doing; a daemon that was started anew still knows it."""
        answer = await self._call(path, _PROPERTIES, "GetAll", "s", JOB_INTERFACE)
        values = {key: value for key, (_, value) in answer[0].items()}
        fraction = float(values[JobKey.PROGRESS])
        return Job(
            state=JobState(values[JobKey.STATE]), text=values[JobKey.TEXT], answer=values[JobKey.ANSWER],
            fraction=fraction if fraction >= 0 else None,
            error=failure(values[JobKey.ERROR], values[JobKey.MESSAGE], values[JobKey.HINT]),
        )  # fmt: skip

    async def cancel(self, path: str) -> None:
        """Ask a job to stop; it ends what it has begun."""
        is_interactive = False
        await self._call(path, JOB_INTERFACE, "Cancel", "b", is_interactive)

    async def _call(
        self, path: str, interface: str, member: str, signature: str = "", *arguments: object
    ) -> tuple[Any, ...]:
        message = self._connection.new_method_call_message(BUS_NAME, path, interface, member)
        if signature:
            message.append_data(signature, *arguments)
        try:
            reply = await self._connection.call_async(message)
        except SigmaVaultError as error:
            error.message, error.hint = unspell(error.message)
            raise
        except SdBusBaseError as error:
            _explain(error)
        return tuple(reply.parse_to_tuple())


def failure(name: str, message: str, hint: str = "") -> SigmaVaultError | None:
    """The error that a D-Bus error name stands for; None for an empty one."""
    if not name:
        return None
    kinds = {kind.dbus_name(): kind for kind in tree(SigmaVaultError) if not issubclass(kind, CommandError)}
    error = kinds.get(name, SigmaVaultError)(message or name)
    error.hint = hint
    return error


def _explain(error: SdBusBaseError) -> NoReturn:
    if isinstance(error, SdBusUnmappedMessageError):
        name, message = str(error.args[0]), str(error.args[-1])
        raise failure(name, *unspell(message)) or SigmaVaultError(message) from error
    if isinstance(error, DbusServiceUnknownError | DbusFileNotFoundError):
        raise ServiceUnavailableError("the host daemon does not run", _HINT) from error
    if isinstance(error, DbusNoReplyError):
        raise ServiceUnavailableError("the host daemon went away", _HINT) from error
    if isinstance(error, DbusTimeoutError):
        raise ServiceUnavailableError("the host daemon did not answer in time", _HINT) from error
    if isinstance(error, DbusAccessDeniedError):
        raise NotAuthorizedError(f"the system bus refuses: {error}") from error
    if isinstance(error, DbusUnknownMethodError | DbusUnknownInterfaceError | DbusUnknownObjectError):
        raise ServiceUnavailableError(
            "the host daemon that runs does not know this: it is of another version",
            "`sudo systemctl restart sigmavault-hostd` starts the installed one",
        ) from error
    raise ServiceUnavailableError(f"the host daemon cannot be asked: {error}", _HINT) from error


@contextlib.contextmanager
def connect(*, patience_s: float = _PATIENCE_S) -> Iterator[Host]:
    """A connection of its own. The daemon forgets the plans of one that closes.

    Raises:
        ServiceUnavailableError: there is no system bus.
    """
    with bus.connected(patience_s) as connection:
        yield Host(connection)


_WORDS: Final = {
    "auth.denied": ("polkit does not let this user do it", "an administrator may: try it with sudo"),
    "auth.needed": (
        "this needs the password of an administrator, and there is nobody to ask",
        "run it at a terminal, or with sudo",
    ),
    "auth.dismissed": ("no password was given, so nothing was done", ""),
    "plan.token": ("", "make the plan again, and look at it again"),
    "plan.changed": ("", "nothing was done; make the plan again, and look at what is different"),
    "object.busy": ("", "try again when that has ended; `sigmavault job list` shows what runs"),
}


def worded(error: SigmaVaultError) -> SigmaVaultError:
    """The same error, with what a person at a terminal can do about it."""
    message, hint = _WORDS.get(error.code, ("", ""))
    error.message = message or error.message
    error.hint = error.hint or hint
    return error
