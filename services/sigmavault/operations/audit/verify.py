"""`audit.verify`."""

from __future__ import annotations

from sigmavault.core.operation import Machine, NoArguments, Read, Value
from sigmavault.system import audit_log


class AuditVerdict(Value):
    """Whether the log is whole.

    Attributes:
        intact: nothing was altered, cut out or put in.
        records: how many are right, from the oldest on.
        last: number of the last right one.
        file: where the first wrong one stands; empty for none, or when it is the end that is missing.
        line: of that file; 0 as above.
        problem: what is wrong, as a sentence; empty for nothing.
    """

    intact: bool
    records: int
    last: int
    file: str
    line: int
    problem: str


class AuditVerify(Read[NoArguments, AuditVerdict]):
    """Computes every hash of the chain again, and compares its end with the one that is kept beside it."""

    name = "audit.verify"
    summary = "Check that the audit log was not altered"
    examples = ("audit verify",)
    private = True

    def read(self, arguments: NoArguments, machine: Machine) -> AuditVerdict:
        """See `Read.read`."""
        verdict = audit_log.check(machine.root)
        found = verdict.finding
        return AuditVerdict(
            intact=found is None, records=verdict.records, last=verdict.last.seq,
            file=found.file if found else "", line=found.line if found else 0,
            problem=found.text if found else "",
        )  # fmt: skip
