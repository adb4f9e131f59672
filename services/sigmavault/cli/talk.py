"""A conversation at the terminal: questions as lines, answers as they are made."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import replace

from sigmavault.cli.asking import CUT, Options, ask
from sigmavault.cli.conversation import HELP, Command, Conversation, Verb, check_question, parse_command
from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.line_history import LineHistory, history_file
from sigmavault.cli.paint import Paint
from sigmavault.cli.plain_text import plain, plain_line
from sigmavault.cli.ryzan import Values, connect, hinted
from sigmavault.contract.ryzan1 import ModelKey, StatusKey
from sigmavault.core.errors import ContextTooLongError, SigmaVaultError, UnknownModelError

_PROMPT = "> "
_AUTO = "auto"


def talk(conversation: Conversation, options: Options, *, keep_history: bool) -> int:
    """Talk until the person ends it.

    Raises:
        SigmaVaultError: there is nobody to talk with.
    """
    with asyncio.Runner() as runner:
        session = _Session(runner, conversation, options)
        session.greet()
        history = LineHistory(history_file() if keep_history else None)
        try:
            history.open()
        except OSError as error:
            session.remark(f"What you type is not kept: {error.strerror}.")
        for line in _lines(session):
            history.add(line)
            if not session.take(line):
                break
    return ExitCode.OK


def _lines(session: _Session) -> Iterator[str]:
    while True:
        try:
            line = input(_PROMPT)
        except EOFError:
            session.write("\n")
            return
        except KeyboardInterrupt:
            session.write("\n")
            session.remark("Ctrl-D ends.")
        else:
            if line.strip():
                yield line


class _Session:
    def __init__(self, runner: asyncio.Runner, conversation: Conversation, options: Options) -> None:
        self._runner = runner
        self._conversation = conversation
        self._options = options
        self._paint = Paint(is_on=sys.stdout.isatty())

    def greet(self) -> None:
        """Say who listens; fail where nobody does."""
        status, models = self._runner.run(_look())
        if asked := self._conversation.model:
            self._check_model(asked, models)
        state = status[StatusKey.STATE]
        self.remark(
            f"Talking with {plain_line(asked or status[StatusKey.MODEL])} ({state}). /help lists commands."
        )

    def take(self, line: str) -> bool:
        """Do what a line says; False: it is the end."""
        try:
            command = parse_command(line)
            if command is None:
                self._ask(check_question(line))
            elif command.verb is Verb.QUIT:
                return False
            else:
                self._obey(command)
        except SigmaVaultError as error:
            self._complain(error)
        return True

    def write(self, text: str) -> None:
        """Put text on the terminal at once."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def remark(self, text: str) -> None:
        """Say something that is not of the model."""
        self.write(self._paint.dim(plain(text)) + "\n")

    def _ask(self, question: str) -> None:
        said: list[str] = []
        is_complete = False

        def show(text: str) -> None:
            said.append(text)
            self.write(text)

        try:
            shown = ask(
                self._runner,
                self._conversation.model,
                self._conversation.asking(question),
                self._options,
                show,
            )
            is_complete = not shown.stopped
        finally:
            answer = "".join(said)
            if answer or is_complete:  # a question that nobody answered was not asked
                self._conversation = self._conversation.told(question, answer)
            if answer and not answer.endswith("\n"):
                self.write("\n")
        if shown.stopped:
            self.remark("Stopped.")
        elif not answer:
            self.remark("The model says nothing to that.")
        elif shown.finish == CUT and not self._options:
            self.remark("The model's context is full: the answer ends here. /new begins a new conversation.")

    def _obey(self, command: Command) -> None:
        if command.verb is Verb.HELP:
            self.remark(HELP)
        elif command.verb is Verb.NEW:
            self._conversation = self._conversation.anew()
            self.remark("A new conversation.")
        elif command.argument:
            self._check_model(command.argument, self._runner.run(_look())[1])
            self._conversation = replace(self._conversation, model=command.argument)
            self.remark(f"From here on {plain_line(command.argument)} is asked.")
        else:
            self._list_models()

    def _list_models(self) -> None:
        status, models = self._runner.run(_look())
        current = self._conversation.model or status[StatusKey.MODEL]
        for each in models:
            mark = "*" if each[ModelKey.ID] == current else " "
            self.remark(f"{mark} {plain_line(each[ModelKey.ID])}  {each[ModelKey.STATE]}")

    def _check_model(self, asked: str, models: list[Values]) -> None:
        known = [each[ModelKey.ID] for each in models]
        if asked not in (*known, _AUTO):
            raise hinted(UnknownModelError(f"no model on this machine is called {plain_line(asked)!r}"))

    def _complain(self, error: SigmaVaultError) -> None:
        hint = error.hint
        if isinstance(error, ContextTooLongError):
            hint = "nothing of the conversation was dropped; /new begins a new one"
        told = f"{error.message}\n  {hint}" if hint else error.message
        self.write(self._paint.bad(plain(told)) + "\n")


async def _look() -> tuple[Values, list[Values]]:
    with connect() as ryzan:
        return await ryzan.status(), await ryzan.models()
