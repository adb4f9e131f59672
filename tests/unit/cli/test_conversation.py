from __future__ import annotations

import pytest
from sigmavault.cli.conversation import HELP, Command, Conversation, Verb, check_question, parse_command
from sigmavault.core.errors import InvalidRequestError


def test_the_model_is_given_all_that_was_said() -> None:
    talk = Conversation(system="Be brief.").told("Hello?", "Hi.").told("Who?", "")
    assert talk.asking("Why?") == [
        ("system", "Be brief."),
        ("user", "Hello?"), ("assistant", "Hi."),
        ("user", "Who?"), ("assistant", ""),
        ("user", "Why?"),
    ]  # fmt: skip
    assert talk.anew().asking("Why?") == [("system", "Be brief."), ("user", "Why?")]
    assert Conversation().asking("Why?") == [("user", "Why?")]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/new", Command(verb=Verb.NEW)),
        (" /quit  ", Command(verb=Verb.QUIT)),
        ("/model  qwen3-4b ", Command(verb=Verb.MODEL, argument="qwen3-4b")),
        ("Hello?", None),
        ("/etc/fstab, what is it?", None),
        ("/ is a slash", None),
    ],
)
def test_a_line_is_a_command_or_a_question(line: str, command: Command | None) -> None:
    assert parse_command(line) == command


def test_an_unknown_command_is_no_question() -> None:
    with pytest.raises(InvalidRequestError, match="no /frobnicate"):
        parse_command("/frobnicate now")


def test_every_command_is_in_the_help() -> None:
    assert all(f"/{verb}" in HELP for verb in Verb)


@pytest.mark.parametrize("text", ["", " \n", "a\0b", "a\udcff"])
def test_what_is_no_question_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        check_question(text)
