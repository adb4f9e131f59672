"""`sigmavault NOUN`: a command for each noun of the registry, an action for each of its operations."""

from __future__ import annotations

import argparse
import inspect
from importlib import import_module
from typing import Any

from sigmavault.cli.host import answer, arguments
from sigmavault.core.operation import Operation, Risk
from sigmavault.core.operation.surfaces import verb
from sigmavault.core.values import sentence
from sigmavault.operations import registry

_RISKS = {
    Risk.READ: "It only looks.",
    Risk.CHANGE: "The plan is shown first, and nothing is done until you agree.",
    Risk.DESTROY: "The plan is shown first, and nothing is done until you type the name of what is lost.",
}


def nouns() -> tuple[str, ...]:
    """What there are commands for."""
    return registry.nouns()


def help_text(noun: str) -> str:
    """What a noun is, in one line: the first of its package."""
    text = (inspect.getdoc(import_module(f"sigmavault.operations.{noun}")) or noun).splitlines()[0]
    text = text.removesuffix(".")
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def add_arguments(command: argparse.ArgumentParser, noun: str) -> None:
    """The command line of a noun: its verbs, and all of their arguments."""
    text = help_text(noun)
    command.description = sentence(text)
    actions = command.add_subparsers(
        dest="action", required=True, metavar="VERB", parser_class=VerbParser
    )  # fmt: skip
    for operation in registry.of_noun(noun).values():
        add_verb(actions.add_parser(verb(operation), **_words(operation)), operation)


def run(noun: str, given: argparse.Namespace) -> int:
    """Run one verb; the exit code."""
    from sigmavault.cli.host import running  # help needs no bus

    return running.run(registry.of_noun(noun)[f"{noun}.{given.action}"], given)


class VerbParser(argparse.ArgumentParser):
    """Options may stand anywhere between the others: `pool create --encrypt tank mirror A B`."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse calls it for a command below another."""
        return self.parse_known_intermixed_args(args, namespace)


def _words(operation: type[Operation[Any, Any]]) -> dict[str, Any]:
    examples = "".join(f"  sigmavault {each}\n" for each in operation.examples)
    return {
        "help": operation.summary[:1].lower() + operation.summary[1:],
        "description": f"{operation.summary}. {_RISKS[operation.risk]}",
        "epilog": f"examples:\n{examples}".replace("%", "%%") if examples else None,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "allow_abbrev": False,
    }


def add_verb(command: argparse.ArgumentParser, operation: type[Operation[Any, Any]]) -> None:
    """The arguments and options of one operation."""
    arguments.add(command, operation.arguments_type())
    command.add_argument("--json", action="store_true", help="print JSON, for programs")
    if operation.risk is Risk.READ:
        _add_table_options(command, operation)
    else:
        _add_change_options(command, operation)


def _add_table_options(command: argparse.ArgumentParser, operation: type[Operation[Any, Any]]) -> None:
    if names := answer.column_names(operation.answer_type()):
        command.add_argument(
            "--columns", metavar="NAME,…", default=(), type=lambda text: tuple(text.split(",")),
            help=f"which columns, in this order: {', '.join(names)}",
        )  # fmt: skip
        command.add_argument(
            "--header", action="store_true", help="begin with the names of the columns, in a pipe too"
        )


def _add_change_options(command: argparse.ArgumentParser, operation: Any) -> None:
    command.add_argument("--dry-run", action="store_true", help="show the plan, and stop there")
    # what destroys takes the option too, to say why it does not hold
    destroys = operation.risk is Risk.DESTROY
    command.add_argument(
        "--yes", action="store_true",
        help=argparse.SUPPRESS if destroys else "agree beforehand",
    )  # fmt: skip
    command.add_argument(
        "--confirm", metavar="NAME", help="type the name of what is lost beforehand"
    )  # fmt: skip
    names = ", ".join(operation.secrets)
    command.add_argument(
        "--secret-file", metavar="NAME=PATH", action="append", default=[],
        help=f"a file that holds a secret: {names}" if names else argparse.SUPPRESS,
    )  # fmt: skip
    command.add_argument(
        "--secret-stdin", metavar="NAME", default="",
        help="the secret that comes from the standard input" if names else argparse.SUPPRESS,
    )  # fmt: skip
    given = ", ".join(operation.gives)
    command.add_argument(
        "--save", metavar="NAME=PATH", action="append", default=[],
        help=f"a new file for what only you are told: {given}" if given else argparse.SUPPRESS,
    )  # fmt: skip
