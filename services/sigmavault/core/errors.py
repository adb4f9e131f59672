"""Every failure of our programs: one tree, mapped to exit codes, HTTP and D-Bus at the edges only.

SigmaVaultError (internal, exit 1)
├── ConfigError (config.invalid, exit 2)            a configuration file is wrong
├── CommandError (system.command-failed)            a program ended with an error
│   ├── CommandTimeoutError (system.command-timeout)    … or did not end in time
│   └── CommandMissingError (system.command-missing)    … or is not installed
├── ServiceUnavailableError (service.unavailable)   one of our daemons does not answer
│   └── TooManyCallsError (service.too-many-calls)      … for now: this user asks too often
├── NotAuthorizedError (auth.denied, exit 4)        polkit said no
│   ├── AuthorizationNeededError (auth.needed, exit 4)       … unless a person gives a password
│   └── AuthorizationDismissedError (auth.dismissed, exit 4) … and the person closed the question
├── OperationError (operation.refused, exit 6)      it cannot be done to this object: which, why, what to do
│   ├── UnknownObjectError (object.unknown, exit 6)     there is no such pool, disk, share, …
│   ├── ObjectBusyError (object.busy, exit 7)           somebody changes it already: what, since when
│   ├── ZfsMissingError (zfs.missing, exit 3)           ZFS is not loaded, or not installed
│   ├── AuditError (audit.failed)                       it could not be written down, so it was not done
│   ├── NoPlaceError (download.no-place, exit 6)        a model has nowhere to go: no dataset, no consent
│   ├── NoSpaceError (download.no-space, exit 6)        … or does not fit there
│   ├── SourceRefusedError (download.refused, exit 6)   what a source has is not that model
│   └── SourceGoneError (download.source-gone, exit 6)  a source does not answer, or breaks off
├── PlanError (plan.refused, exit 8)                a plan was made, and is not carried out
│   ├── TokenError (plan.token, exit 8)                 its token is unknown, used, somebody else's, too old
│   ├── PlanChangedError (plan.changed, exit 8)         the machine is not as it was when the plan was made
│   ├── NotConfirmedError (plan.not-confirmed, exit 8)  the name was not typed, or not as it is written
│   └── OperationCancelledError (job.cancelled, exit 130)   somebody has cancelled it
├── SetupIncompleteError (setup.incomplete, exit 1) a machine was set up, but for some of it
├── OutcomeUnknownError (job.unknown, exit 9)       nobody can tell whether it was done: look first
├── ModuleSigningError (module-signing.failed)       a kernel module cannot be signed, or a key enrolled
│   └── KeyNotEnrolledError (module-signing.key-not-enrolled, exit 5)
├── InvalidRequestError (request.invalid, exit 2)   the caller asks for what cannot be
│   └── ContextTooLongError (request.context-too-long)
├── ReaderGoneError (request.reader-gone)           nobody takes the answer any more
└── ModelError (model.failed)
├── UnknownModelError (model.unknown)           no model of this name
├── ModelMissingError (model.missing)           its file is not on this machine
├── ModelRefusedError (model.refused)           its file cannot be loaded
├── ModelBusyError (model.busy)                 the queue is full
├── ModelTimeoutError (model.timeout)           not loaded in time
├── NotEnoughMemoryError (model.no-memory)      it does not fit beside what must stay
├── BackendGoneError (model.backend-gone)       another server does not answer
├── BackendRefusedError (model.backend-refused) another server does not let us in
└── WorkerLostError (model.worker-lost)         its process died while answering
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

DBUS_ERROR_PREFIX = "org.sigmavault.Error"


class SigmaVaultError(Exception):
    """A failure with a reason that a person can read.

    Attributes:
        message: one sentence: what went wrong, with which object.
        hint: one thing to do about it; empty where there is none.
    """

    code: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 1
    recoverable: ClassVar[bool] = False
    """True when the same call may succeed later without anybody changing anything."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @classmethod
    def dbus_name(cls) -> str:
        """The D-Bus error name: `model.worker-lost` → `org.sigmavault.Error.Model.WorkerLost`."""
        parts = ("".join(word.capitalize() for word in part.split("-")) for part in cls.code.split("."))
        return ".".join((DBUS_ERROR_PREFIX, *parts))


class ConfigError(SigmaVaultError):
    """A configuration file is wrong; the message names file, place and what is allowed."""

    code = "config.invalid"
    exit_code = 2


class CommandError(SigmaVaultError):
    """A program that we started ended with an error.

    Attributes:
        argv: the command.
        status: its exit code; negative: ended by that signal.
        stderr: what it said.
    """

    code = "system.command-failed"

    def __init__(self, argv: Sequence[str], status: int, stderr: str = "") -> None:
        said = stderr.strip().splitlines()
        super().__init__(f"`{' '.join(argv)}` ended with {status}" + (f": {said[-1]}" if said else ""))
        self.argv = tuple(argv)
        self.status = status
        self.stderr = stderr


class CommandTimeoutError(CommandError):
    """A program did not end in its time and was killed."""

    code = "system.command-timeout"

    def __init__(self, argv: Sequence[str], timeout_s: float) -> None:
        super().__init__(argv, -9, f"did not end within {timeout_s:g} s")


class CommandMissingError(CommandError):
    """A program is not installed."""

    code = "system.command-missing"

    def __init__(self, argv: Sequence[str]) -> None:
        super().__init__(argv, 127, f"{argv[0]} is not installed")


class ServiceUnavailableError(SigmaVaultError):
    """One of our daemons does not run or does not answer."""

    code = "service.unavailable"
    exit_code = 3
    recoverable = True


class TooManyCallsError(ServiceUnavailableError):
    """A user asks more than its fair part."""

    code = "service.too-many-calls"


class NotAuthorizedError(SigmaVaultError):
    """Polkit denied the operation to the caller."""

    code = "auth.denied"
    exit_code = 4


class AuthorizationNeededError(NotAuthorizedError):
    """Polkit would let the caller, after a password; ask again with `interactive`."""

    code = "auth.needed"


class AuthorizationDismissedError(NotAuthorizedError):
    """A person was asked for a password and closed the question."""

    code = "auth.dismissed"


class OperationError(SigmaVaultError):
    """It cannot be done to this object; the message names it and the reason."""

    code = "operation.refused"
    exit_code = 6


class UnknownObjectError(OperationError):
    """There is no object of this name."""

    code = "object.unknown"


class ObjectBusyError(OperationError):
    """Another operation works on the object; the message says which, and since when."""

    code = "object.busy"
    exit_code = 7
    recoverable = True


class ZfsMissingError(OperationError):
    """ZFS is not there: its module is not loaded, or its programs are not installed."""

    code = "zfs.missing"
    exit_code = 3


class AuditError(OperationError):
    """The audit cannot be written, so nothing is done."""

    code = "audit.failed"


class NoPlaceError(OperationError):
    """A model has nowhere to go: there is no dataset for models, and the boot disk was not agreed to."""

    code = "download.no-place"


class NoSpaceError(OperationError):
    """A model does not fit beside what the machine needs; the message has the figures."""

    code = "download.no-space"


class SourceRefusedError(OperationError):
    """What a source has is not the model, or it wants to be asked in a way that we do not.

    Attributes:
        restart: whether it may be right when it is asked for all of the file.
    """

    code = "download.refused"

    def __init__(self, message: str, hint: str = "", *, restart: bool = False) -> None:
        super().__init__(message, hint)
        self.restart = restart


class SourceGoneError(OperationError):
    """A source does not answer, breaks off, or says: later.

    Attributes:
        retry_after_s: when it wants to be asked again, in whole seconds; 0: it did not say.
    """

    code = "download.source-gone"
    recoverable = True

    def __init__(self, message: str, hint: str = "", *, retry_after_s: int = 0) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


class PlanError(SigmaVaultError):
    """A plan is not carried out."""

    code = "plan.refused"
    exit_code = 8


class TokenError(PlanError):
    """The token of a plan is not known, was used, belongs to somebody else or is too old."""

    code = "plan.token"


class PlanChangedError(PlanError):
    """The machine is not as it was when the plan was made."""

    code = "plan.changed"


class NotConfirmedError(PlanError):
    """What had to be typed was not typed."""

    code = "plan.not-confirmed"


class OperationCancelledError(PlanError):
    """Somebody has cancelled the operation while it ran."""

    code = "job.cancelled"
    exit_code = 130


class OutcomeUnknownError(SigmaVaultError):
    """It was begun, and nobody can tell how it ended: the reply was lost, or the state does not say."""

    code = "job.unknown"
    exit_code = 9


class SetupIncompleteError(SigmaVaultError):
    """A machine was set up, but for some of it; what is told before says what, and why."""

    code = "setup.incomplete"


class ModuleSigningError(SigmaVaultError):
    """A kernel module could not be signed, or its key not be made or enrolled."""

    code = "module-signing.failed"


class KeyNotEnrolledError(ModuleSigningError):
    """The kernel refuses a signed module, because the firmware does not know the key yet."""

    code = "module-signing.key-not-enrolled"
    exit_code = 5


class InvalidRequestError(SigmaVaultError):
    """The caller asks for something that cannot be.

    Attributes:
        param: the argument that is wrong; empty when it is the request as a whole.
    """

    code = "request.invalid"
    exit_code = 2

    def __init__(self, message: str, *, param: str = "", hint: str = "") -> None:
        super().__init__(message, hint)
        self.param = param


class ContextTooLongError(InvalidRequestError):
    """Prompt and answer do not fit into the model's context."""

    code = "request.context-too-long"


class ReaderGoneError(SigmaVaultError):
    """Nobody takes the answer any more."""

    code = "request.reader-gone"


class ModelError(SigmaVaultError):
    """The model service could not answer."""

    code = "model.failed"
    recoverable = True


class UnknownModelError(ModelError):
    """No model of this name is known."""

    code = "model.unknown"
    recoverable = False


class ModelMissingError(ModelError):
    """The model is known, but its file is not on this machine."""

    code = "model.missing"


class ModelRefusedError(ModelError):
    """The model's file is damaged or of a kind that cannot be loaded."""

    code = "model.refused"
    recoverable = False


class ModelBusyError(ModelError):
    """Too many requests wait already.

    Attributes:
        retry_after_s: when to try again, in whole seconds.
    """

    code = "model.busy"

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelTimeoutError(ModelError):
    """The model was not loaded within the time a request may wait."""

    code = "model.timeout"


class NotEnoughMemoryError(ModelError):
    """The model does not fit into the memory that is left for models; the message has the figures."""

    code = "model.no-memory"


class BackendGoneError(ModelError):
    """Another server that answers for a model cannot be reached, or fails."""

    code = "model.backend-gone"


class BackendRefusedError(ModelError):
    """Another server does not take our key or does not have the model: the configuration is wrong."""

    code = "model.backend-refused"
    recoverable = False


class WorkerLostError(ModelError):
    """The model's process ended while it was answering."""

    code = "model.worker-lost"


def tree(root: type[SigmaVaultError]) -> list[type[SigmaVaultError]]:
    """A class and all below it."""
    return [root, *(each for child in root.__subclasses__() for each in tree(child))]


def by_code(code: str) -> type[SigmaVaultError]:
    """The class of a code; the root for a code that nobody knows."""
    return next((each for each in tree(SigmaVaultError) if each.code == code), SigmaVaultError)
