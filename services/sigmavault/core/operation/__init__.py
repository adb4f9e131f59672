"""The registry of operations: what an operation is, and what its plan is. Start with `operation.py`."""

from sigmavault.core.operation.arguments import Arguments, Bytes, Detail, NoArguments, Positional, Unit
from sigmavault.core.operation.operation import Change, Machine, Operation, Outcome, Read, Risk, Work
from sigmavault.core.operation.plan import NoAnswer, Plan, Step, Target, Value

__all__ = [
    "Arguments",
    "Bytes",
    "Change",
    "Detail",
    "Machine",
    "NoAnswer",
    "NoArguments",
    "Operation",
    "Outcome",
    "Plan",
    "Positional",
    "Read",
    "Risk",
    "Step",
    "Target",
    "Unit",
    "Value",
    "Work",
]
