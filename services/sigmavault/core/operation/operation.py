"""What an operation is: one declaration, from which every surface is made.

An operation is a class in a file of its own under `sigmavault/operations/NOUN/VERB.py`; its name is
`NOUN.VERB`. There are two kinds:

- `Read` looks: `read()` answers and changes nothing.
- `Change` does: `plan()` looks and says what would happen, `apply()` does it. Between the two stand a person,
  a token and a second look: hostd makes the plan again and refuses if it is not the same.

The D-Bus method, the command, the JSON schema, the REST route, the polkit action, the audit record and the
reference page follow from the attributes; `core.operation.surfaces` derives them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol, get_args

from sigmavault.core.operation.arguments import Arguments
from sigmavault.core.operation.plan import NoAnswer, Plan, Step, Value
from sigmavault.core.process import Result


class Risk(StrEnum):
    """What an operation can cost."""

    READ = "read"
    """Nothing."""
    CHANGE = "change"
    """It changes the machine, and can be taken back."""
    DESTROY = "destroy"
    """Data or access can be lost for good."""


class Outcome(StrEnum):
    """How a job ended that nobody saw ending, told by the real state."""

    FINISHED = "finished"
    FAILED = "failed"
    """It did not happen, or only in part; the next look shows what there is."""
    UNKNOWN = "unknown"
    """The state does not tell. A person has to look; nothing is tried again."""


class Machine(Protocol):
    """The machine that operations look at and work on: the real one, or a simulated one."""

    @property
    def is_simulated(self) -> bool:
        """Whether nothing here is real."""

    @property
    def root(self) -> Path:
        """Where its file system begins: `/`, or a folder that stands for it."""

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: str = "", check: bool = True) -> Result:
        """Run a program to its end, as `system.run.run` does.

        Raises:
            CommandError: it failed (and `check` is on), was too slow, or is not installed.
        """

    def is_held(self, device: Path) -> bool:
        """Whether the kernel refuses the exclusive use of a block device, because something holds it."""

    def now(self) -> float:
        """Seconds since 1970."""


class Work(Protocol):
    """What a change is given while it is applied: its secrets, and ears for its progress."""

    def secret(self, name: str) -> str:
        """A secret that came along.

        Raises:
            InvalidRequestError: it did not.
        """

    def give(self, name: str, text: str) -> None:
        """Write a secret into what the caller has brought for it; it goes nowhere else.

        Raises:
            InvalidRequestError: nothing was brought for it, or it cannot be written to.
        """

    def progress(self, text: str, fraction: float | None = None) -> None:
        """Tell how far it is.

        Args:
            text: what is being done, as a sentence.
            fraction: 0 to 1; None when nobody can say.

        Raises:
            OperationCancelledError: somebody has cancelled. Only told here: what has begun is ended first.
        """


class Operation[A: Arguments, V: Value](ABC):
    """One operation.

    Attributes:
        name: `NOUN.VERB`, as its file.
        summary: what it does, as an imperative: `Create a pool out of whole disks`.
        risk: what it can cost.
        examples: command lines that work, for the reference: what follows `sigmavault`.
        private: reading it needs an administrator: it tells more than any local user may know.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    risk: ClassVar[Risk]
    examples: ClassVar[tuple[str, ...]] = ()
    private: ClassVar[bool] = False

    @classmethod
    def arguments_type(cls) -> type[Arguments]:
        """The model of its arguments: `A`."""
        arguments: type[Arguments] = cls._parameters()[0]
        return arguments

    @classmethod
    def answer_type(cls) -> type[Value]:
        """The model of what it answers: `V`."""
        answer: type[Value] = cls._parameters()[1]
        return answer

    @classmethod
    def _parameters(cls) -> tuple[Any, ...]:
        for base in getattr(cls, "__orig_bases__", ()):
            if len(found := get_args(base)) == 2:
                return found
        raise TypeError(f"{cls.__name__} does not say its arguments and its answer: Read[A, V], Change[A, V]")


class Read[A: Arguments, V: Value](Operation[A, V]):
    """An operation that looks."""

    risk = Risk.READ

    @abstractmethod
    def read(self, arguments: A, machine: Machine) -> V:
        """Look, and answer.

        Raises:
            SigmaVaultError: it cannot be told; never an invented answer.
        """


class Change[A: Arguments, V: Value](Operation[A, V]):
    """An operation that changes something.

    Attributes:
        secrets: name → what it is, for people. They never stand among the arguments, in a plan, in the
            audit or on a command line: they come by file descriptor when the plan is applied.
        known_secrets: those of them that are in use already; any other is chosen now, and asked for twice.
        gives: name → what it is: secrets that go the other way, into an empty memfd of the caller.
    """

    secrets: ClassVar[Mapping[str, str]] = {}
    known_secrets: ClassVar[frozenset[str]] = frozenset()
    gives: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def plan(self, arguments: A, machine: Machine) -> Plan:
        """Look, and say what would happen. Nothing is changed, and the same state gives the same plan.

        Raises:
            SigmaVaultError: it cannot be done: which object, why, and what to do.
        """

    def apply(self, arguments: A, plan: Plan, machine: Machine, work: Work) -> V:
        """Do it: the steps, one after another.

        It is called right after the plan was made anew and found the same, with the plan's locks held.
        An operation that does more than run its steps, or has to tidy up when one of them fails, has its own.

        Raises:
            SigmaVaultError: a step failed; what was done before it is as `plan` says.
        """
        run_steps(plan.steps, machine, work)
        return self.answer(arguments, machine)

    def answer(self, arguments: A, machine: Machine) -> V:
        """What to tell when it is done, read from the machine; nothing by default."""
        if self.answer_type() is NoAnswer:
            return NoAnswer()  # type: ignore[return-value]
        raise NotImplementedError(f"{self.name} answers {self.answer_type().__name__} and does not read it")

    def outcome(self, arguments: A, plan: Plan, machine: Machine) -> Outcome:
        """How it ended, when the daemon was not there to see: read from the real state, never guessed."""
        return Outcome.UNKNOWN


def run_steps(steps: Sequence[Step], machine: Machine, work: Work) -> list[Result]:
    """Run the commands of the steps, in order, and tell the progress.

    Raises:
        CommandError: one failed; those after it were not run.
    """
    results = []
    for number, step in enumerate(steps):
        work.progress(step.text, number / len(steps))
        if step.argv:
            stdin = work.secret(step.secret) if step.secret else ""
            results.append(machine.run(step.argv, timeout_s=step.timeout_s, stdin=stdin))
    return results
