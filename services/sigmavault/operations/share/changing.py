"""What all changes of shares have in common: the truth before and after, the plan between, how it ended."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from sigmavault.core.errors import UnknownObjectError
from sigmavault.core.operation import Arguments, Change, Machine, Outcome, Plan, Step, Target, Value, Work
from sigmavault.core.sharing import exports
from sigmavault.core.sharing.door import doors
from sigmavault.core.sharing.place import Place
from sigmavault.core.sharing.share import Share, Shares
from sigmavault.core.sharing.testparm import one_section
from sigmavault.operations.share.answers import ShareDetails, details
from sigmavault.system import nfs, samba, shares
from sigmavault.system.files import read_or_empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What an operation makes of a share.

    Attributes:
        share: how it will be; None when it will be no more.
        was: how it is now; None when it is new.
        summary: one sentence.
        warnings: what a careful person would say.
        loses_rights: somebody who is connected may have to leave.
    """

    share: Share | None
    was: Share | None
    summary: str
    warnings: tuple[str, ...] = ()
    loses_rights: bool = False

    @property
    def name(self) -> str:
        """The share."""
        found = self.share or self.was
        return found.name if found is not None else ""


class ShareChange[A: Arguments, V: Value](Change[A, V]):
    """A change of one share."""

    @abstractmethod
    def intend(self, arguments: A, machine: Machine, now: Shares) -> Intent:
        """What it makes of the share.

        Raises:
            SigmaVaultError: it cannot be.
        """

    def plan(self, arguments: A, machine: Machine) -> Plan:
        """Look, make the files in memory, and let Samba read them."""
        now = shares.read(machine)
        intent = self.intend(arguments, machine, now)
        after = _after(now, intent)
        made = shares.files(machine, after)
        reading = shares.check(machine, made)
        left = _left(machine, intent)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"), summary=intent.summary,
            steps=tuple(_steps(machine, made, left)), targets=_targets(intent),
            warnings=(*intent.warnings, *_unavailable(made, intent.name)),
            dry_run=_shown(made, reading, intent.name), locks=("shares",),
            facts={"before": digest(now), "after": digest(after), "paths": [x.path for x in made.places]},
        )  # fmt: skip

    def apply(self, arguments: A, plan: Plan, machine: Machine, work: Work) -> V:
        """Do it: all of it, or nothing."""
        now = shares.read(machine)
        intent = self.intend(arguments, machine, now)
        work.progress(intent.summary)
        left = _left(machine, intent)
        changed = (intent.name,) if intent.loses_rights else ()
        shares.publish(machine, _after(now, intent), changed=changed, left=left)
        return self.answer(arguments, machine)

    def outcome(self, arguments: A, plan: Plan, machine: Machine) -> Outcome:
        """The truth is written first, and the files follow from it: what was meant is carried to its end."""
        now = shares.read(machine)
        if digest(now) == plan.facts["after"]:
            shares.refresh(machine)
            return Outcome.FINISHED if shares.is_current(machine, now) else Outcome.UNKNOWN
        return Outcome.FAILED if digest(now) == plan.facts["before"] else Outcome.UNKNOWN


def existing(now: Shares, name: str) -> Share:
    """The share of a name.

    Raises:
        UnknownObjectError: there is none.
    """
    if (found := now.find(name)) is None:
        raise UnknownObjectError(
            f"there is no share {name}", hint="`sigmavault share list` shows all of them"
        )
    return found


def show(machine: Machine, name: str) -> ShareDetails:
    """How a share is now.

    Raises:
        UnknownObjectError: there is none.
    """
    now = shares.read(machine)
    wanted = existing(now, name)
    return next(details(each) for each in shares.locate(machine, now) if each.share == wanted)


def digest(now: Shares) -> str:
    """SHA-256 of all shares, in hexadecimal."""
    return hashlib.sha256(now.model_dump_json().encode()).hexdigest()


def _after(now: Shares, intent: Intent) -> Shares:
    return now.without(intent.name) if intent.share is None else now.with_share(intent.share)


def _left(machine: Machine, intent: Intent) -> tuple[str, ...]:
    """The folder that is not shared any more."""
    was, share = intent.was, intent.share
    if was is None or (share is not None and (was.dataset, was.folder) == (share.dataset, share.folder)):
        return ()
    return tuple(each.path for each in shares.locate(machine, Shares(shares=(was,))) if each.is_available)


def _targets(intent: Intent) -> tuple[Target, ...]:
    share = intent.share or intent.was
    if share is None:
        return ()
    facts: dict[str, Any] = {"folder": share.folder} if share.folder else {}
    return (
        Target(kind="share", name=share.name, identity=share.name.lower(), facts=facts),
        Target(kind="dataset", name=share.dataset, identity=share.guid),
    )


def _steps(machine: Machine, made: shares.Files, left: tuple[str, ...]) -> list[Step]:
    steps = [
        Step(text=f"Let in at {each.path} whom the shares there are for", argv=each.argv, timeout_s=30)
        for each in doors(made.places, left)
    ]
    steps.append(Step(text=f"Write down in /{shares.TRUTH} what is shared"))
    if made.exports != read_or_empty(machine.root / nfs.EXPORTS):
        steps += [
            Step(text=f"Swap {exports.FILE}, keeping the last good one"),
            Step(text="Let the NFS server read its exports", argv=nfs.RELOAD),
        ]
    if made.samba != read_or_empty(machine.root / samba.SHARES):
        steps.append(Step(text="Let Samba check its configuration: a warning is an error", argv=samba.CHECK))
        steps.append(Step(text=f"Swap /{samba.SHARES}, keeping the last good one"))
        steps += [Step(text="Let Samba read its configuration", argv=each) for each in samba.RELOAD]
    return steps


def _place(made: shares.Files, name: str) -> Place | None:
    return next((each for each in made.places if each.share.name == name), None)


def _unavailable(made: shares.Files, name: str) -> list[str]:
    place = _place(made, name)
    if place is None:
        return []
    reasons = {"SMB": place.smb_reason, "NFS": place.nfs_reason}
    return [f"It will not be available over {kind}: {reason}." for kind, reason in reasons.items() if reason]


def _shown(made: shares.Files, reading: str, name: str) -> str:
    """What testparm reads of the share, and the line for NFS."""
    place = _place(made, name)
    if place is None:
        return ""
    has_line = place.share.nfs is not None and not place.nfs_reason
    return "\n\n".join(
        part for part in (one_section(reading, name), exports.line(place) if has_line else "") if part
    )
