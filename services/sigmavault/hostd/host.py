"""What the daemon does with a call, whatever way it came: read, plan, apply, cancel.

Every call is checked in one order, ends in one audit record, and fails closed.
"""

from __future__ import annotations

import hmac
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Protocol

from sigmavault.core.audit import Event, Facts, Who
from sigmavault.core.errors import (
    AuditError,
    InvalidRequestError,
    NotAuthorizedError,
    NotConfirmedError,
    PlanChangedError,
    SigmaVaultError,
    TooManyCallsError,
)
from sigmavault.core.jobs import JobRecord, make_id
from sigmavault.core.locks import LockBook
from sigmavault.core.operation import Arguments, Change, Machine, Plan, Read
from sigmavault.core.operation.arguments import parse
from sigmavault.core.operation.plan import differences
from sigmavault.core.operation.surfaces import action_id
from sigmavault.core.operation.token import Caller, TokenBook
from sigmavault.hostd.descriptors import Descriptors, Outlets
from sigmavault.hostd.fairness import Fairness
from sigmavault.hostd.jobs import Jobs, Order
from sigmavault.hostd.threads import Readers, in_thread
from sigmavault.operations import registry
from sigmavault.system.audit_log import AuditLog

_log = logging.getLogger(__name__)


class Authority(Protocol):
    """Decides who may do what: polkit."""

    def __call__(self, who: Who, action: str, *, interactive: bool, message: str = "") -> Awaitable[None]:
        """Return if the caller may.

        Raises:
            NotAuthorizedError: no.
        """


class Account:
    """What will be written down of a call, as far as it is known."""

    def __init__(self, event: Event, who: Who, operation: str = "") -> None:
        self.facts = Facts(event=event, who=who, operation=operation[:200])
        self.tells_success = True

    def know(self, **changes: object) -> None:
        """Add what is known by now."""
        self.facts = self.facts.model_copy(update=changes)


class Host:
    """The calls."""

    def __init__(self, machine: Machine, authority: Authority, audit: AuditLog) -> None:
        self.machine = machine
        self.jobs = Jobs(machine, audit)
        self._authority = authority
        self._audit = audit
        self._readers = Readers()
        self._fairness = Fairness(time.monotonic)
        self._locks = LockBook(machine.now)
        self._tokens = TokenBook(lambda: secrets.token_urlsafe(32), time.monotonic)

    async def read(self, who: Who, name: str, text: str, *, interactive: bool) -> str:
        """Answer a question with JSON.

        Raises:
            SigmaVaultError: it is not allowed, or cannot be answered.
        """
        async with self._account(Account(Event.READ, who, name)) as account:
            operation = registry.find(name)()
            if not isinstance(operation, Read):
                raise InvalidRequestError(f"{name} changes something: plan it", param="operation")
            arguments = _understood(account, operation, text)
            await self._authority(who, action_id(operation), interactive=interactive)
            return await self._readers.run(partial(_answer, operation, arguments, self.machine), name)

    async def plan(self, who: Who, name: str, text: str) -> tuple[str, str]:
        """Look, and say what would happen: the plan as JSON, and the token that applies it.

        Raises:
            SigmaVaultError: it cannot be done.
        """
        async with self._account(Account(Event.PLAN, who, name)) as account:
            operation = registry.find(name)()
            if not isinstance(operation, Change):
                raise InvalidRequestError(f"{name} changes nothing: read it", param="operation")
            arguments = _understood(account, operation, text)
            plan = await self._look(operation, arguments)
            account.know(digest=plan.digest())
            return plan.model_dump_json(), self._tokens.issue(plan, _caller(who))

    async def apply(
        self, who: Who, token: str, confirmation: str, *, interactive: bool,
        brought: Descriptors,
    ) -> JobRecord:  # fmt: skip
        """Do what a plan said, if it still would do the same.

        Raises:
            TokenError: the token is not this caller's, not fresh, not there.
            NotAuthorizedError: the caller may not.
            NotConfirmedError: what had to be typed was not.
            ObjectBusyError: somebody changes the same object.
            PlanChangedError: the machine is not as it was.
            AuditError: it cannot be written down.
        """
        async with self._account(Account(Event.APPLY, who)) as account:
            plan = self._tokens.redeem(token, _caller(who))
            account.know(operation=plan.operation, arguments=plan.arguments, digest=plan.digest())
            operation = registry.find(plan.operation)()
            assert isinstance(operation, Change)  # noqa: S101  # `plan` made it
            await self._authority(who, action_id(operation), interactive=interactive, message=plan.summary)
            _confirm(plan, confirmation)
            told = _needed(plan, await brought.read(without=plan.gives))
            record = await self._begin(who, operation, plan, told, brought.outlets(plan.gives))
            account.tells_success = False  # the record of the beginning has
            return record

    async def cancel(self, who: Who, job: str, *, interactive: bool) -> None:
        """Stop a job before its next step: who began it may, and who may do the same.

        Raises:
            NotAuthorizedError: the caller may not.
            UnknownObjectError: there is no such job.
        """
        account = Account(Event.CANCEL, who)
        account.know(job=job)
        async with self._account(account):
            record = self.jobs.owner(job)
            account.know(operation=record.operation)
            if who.uid not in (0, record.who.uid):
                action = action_id(registry.find(record.operation))
                await self._authority(who, action, interactive=interactive)
            self.jobs.cancel(job)

    async def report(self, who: Who, told: Mapping[str, str]) -> None:
        """Somebody tells of an event of a pool: only root is believed, and nothing of it is taken as a fact.

        Raises:
            NotAuthorizedError: it is not root.
        """
        async with self._account(Account(Event.EVENT, who)) as account:
            account.know(arguments={key[:20]: value[:200] for key, value in list(told.items())[:10]})
            if who.uid != 0:
                raise NotAuthorizedError("only root tells of events of pools")

    def forget(self, name: str) -> None:
        """A caller has left the bus: what it was given is worth nothing any more."""
        self._tokens.forget(name)

    async def note(self, facts: Facts) -> None:
        """Write down what the daemon itself did.

        Raises:
            AuditError: it cannot be written.
        """
        await in_thread(partial(self._audit.append, facts), "audit")

    async def _begin(
        self, who: Who, operation: Change[Any, Any], plan: Plan, told: Mapping[str, str], outlets: Outlets
    ) -> JobRecord:
        job = make_id(self.machine.now(), secrets.token_hex(4))
        arguments = parse(operation.arguments_type(), json.dumps(plan.arguments))
        try:
            give_back = self._locks.take(plan.locks, f"{plan.summary} (job {job})")
        except BaseException:
            outlets.close()
            raise

        def release() -> None:
            outlets.close()
            give_back()

        try:
            again = await self._look(operation, arguments)
            if again.digest() != plan.digest():
                what = ", ".join(differences(plan, again))
                raise PlanChangedError(f"the machine has changed since: {what}", "make the plan again")
            return await self.jobs.begin(
                Order(job=job, operation=operation, arguments=arguments, plan=again, who=who,
                      secrets=told, outlets=outlets, release=release)
            )  # fmt: skip
        except BaseException:
            release()
            raise

    async def _look(self, operation: Change[Any, Any], arguments: Arguments) -> Plan:
        """The plan, with what the operation does not have the last word about."""
        work = partial(operation.plan, arguments, self.machine)
        plan = await self._readers.run(work, operation.name)
        held = {"operation": operation.name, "arguments": arguments.model_dump(mode="json")}
        return plan.model_copy(update={**held, "is_simulated": self.machine.is_simulated})

    @asynccontextmanager
    async def _account(self, account: Account) -> AsyncIterator[Account]:
        """Let the call in, and write down how it ends, whatever way it does."""
        who = account.facts.who
        assert who is not None  # noqa: S101  # `Account` has one
        try:
            with self._fairness.call(who.uid):  # those whom nobody can name share one part
                if not who.is_known:
                    raise NotAuthorizedError("who this was is not known: gone before the bus could tell")
                yield account
        except TooManyCallsError as error:
            account.know(result=error.code, message=error.message)
            if self._fairness.is_news(who.uid):
                await self._note_call(account)
            raise
        except SigmaVaultError as error:
            account.know(result=error.code, message=error.message)
            await self._note_call(account)
            raise
        except BaseException as error:
            account.know(result=SigmaVaultError.code, message=type(error).__name__)
            await self._note_call(account)
            raise
        if account.tells_success:
            await self._note_call(account)

    async def _note_call(self, account: Account) -> None:
        try:
            await self.note(account.facts)
        except AuditError as error:
            # nothing was changed; what changes something is written down before, or not done
            _log.error("a call is not in the audit: %s", error)


def _caller(who: Who) -> Caller:
    return Caller(name=who.name, uid=who.uid)


def _understood(account: Account, operation: Any, text: str) -> Arguments:
    arguments: Arguments = parse(operation.arguments_type(), text)
    account.know(arguments=arguments.model_dump(mode="json"))
    return arguments


def _answer(operation: Read[Any, Any], arguments: Arguments, machine: Machine) -> str:
    text: str = operation.read(arguments, machine).model_dump_json()
    return text


def _confirm(plan: Plan, typed: str) -> None:
    if not hmac.compare_digest(plan.confirmation.encode(), typed.encode()):
        wanted = f"type {plan.confirmation!r}" if plan.confirmation else "nothing is to be typed for this"
        raise NotConfirmedError(f"{plan.summary}: this was not confirmed", wanted)


def _needed(plan: Plan, told: Mapping[str, str]) -> Mapping[str, str]:
    if missing := [name for name in plan.secrets if name not in told]:
        raise InvalidRequestError(f"the secret {missing[0]!r} did not come along", param=missing[0])
    if unknown := [name for name in told if name not in plan.secrets]:
        raise InvalidRequestError(f"the secret {unknown[0][:60]!r} is not asked for", param="secrets")
    return told
