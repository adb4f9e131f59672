"""`sigmavault chat`: ask a model from the terminal."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from sigmavault.cli.asking import CUT, Options, ask
from sigmavault.cli.conversation import Conversation, check_question
from sigmavault.cli.exit_code import ExitCode
from sigmavault.contract.ryzan1 import ChatOption
from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.values import MIB, format_bytes

HELP = "talk with a model, or ask one question"

_DESCRIPTION = """With a QUESTION, or one on standard input, print the answer and end. Without, talk: a line
is a question, Ctrl-C stops an answer, Ctrl-D ends; /help lists the commands. Control characters in answers
are shown, not obeyed."""

_STDIN = "-"
_MOST_BYTES = 4 * MIB


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.description = _DESCRIPTION
    command.add_argument(
        "--model", metavar="ID", default="",
        help="who is asked, as `sigmavault model list` names it; auto: the service chooses by the question",
    )  # fmt: skip
    command.add_argument("--system", metavar="TEXT", default="", help="instructions for the model")
    command.add_argument("--max-tokens", metavar="N", type=_count, help="most tokens of an answer")
    command.add_argument(
        "--no-history",
        action="store_true",
        help="do not keep the questions for the arrow keys of the next time",
    )
    command.add_argument(
        "question", metavar="QUESTION", nargs="*", help=f"to be answered; {_STDIN} is standard input"
    )


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of tokens")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Talk, or answer one question."""
    conversation = Conversation(model=arguments.model, system=arguments.system)
    options: Options = {ChatOption.MAX_TOKENS: ("u", arguments.max_tokens)} if arguments.max_tokens else {}
    if not arguments.question and sys.stdin.isatty() and sys.stdout.isatty():
        # reading lines with an editor and a history is only for this
        from sigmavault.cli.talk import talk

        return talk(conversation, options, keep_history=not arguments.no_history)
    question = check_question(_question(arguments.question or [_STDIN]))
    return _answer_one(conversation, question, options)


def _question(words: Sequence[str]) -> str:
    return " ".join(_read_stdin() if word == _STDIN else word for word in words)


def _read_stdin() -> str:
    data = sys.stdin.buffer.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise InvalidRequestError(f"standard input has more than {format_bytes(_MOST_BYTES)}")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequestError("standard input is no UTF-8 text") from error


def _answer_one(conversation: Conversation, question: str, options: Options) -> int:
    with asyncio.Runner() as runner:
        shown = ask(runner, conversation.model, conversation.asking(question), options, show)
    if not shown.text.endswith("\n"):
        show("\n")
    if shown.stopped:
        return ExitCode.INTERRUPTED
    if shown.finish == CUT and not options:
        sys.stderr.write("sigmavault: the answer ends here because the model's context is full\n")
    return ExitCode.OK


def show(text: str) -> None:
    """Put text on the terminal at once."""
    sys.stdout.write(text)
    sys.stdout.flush()
