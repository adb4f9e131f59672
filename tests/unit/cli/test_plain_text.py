from __future__ import annotations

import unicodedata

import pytest
from sigmavault.cli.plain_text import Decoder, plain, plain_line

ATTACKS = {
    "clears the screen": "\x1b[2J",
    "sets the title": "\x1b]0;owned\x07",
    "copies to the clipboard": "\x1b]52;c;cm0gLXJmIH4=\x07",
    "asks the terminal to answer": "\x1b[6n",
    "begins without an escape": "\x9b2J",
    "hides a link": "\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "overwrites the line": "rm -rf /\rls      ",
    "goes back": "bad\b\b\bgood",
    "turns the direction": "\u202etxt.exe",
    "rings": "\a",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_nothing_that_a_terminal_obeys_gets_through(attack: str) -> None:
    shown = plain(attack)
    assert all(unicodedata.category(each) != "Cc" for each in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def test_no_control_character_at_all_gets_through_but_line_ends_and_tabs() -> None:
    controls = {
        each
        for code in range(0x110000)
        if unicodedata.category(each := chr(code)) in ("Cc", "Cs", "Zl", "Zp")
    }
    assert {each for each in controls if each in plain(each)} == {"\n", "\t"}


def test_what_was_there_is_shown() -> None:
    assert plain("\x1b[2J") == "␛[2J"


@pytest.mark.parametrize("text", ["Grüße, 你好, שלום, 👩‍💻\n\tdef f():\n", "a b", ""])
def test_text_stays_as_it_is(text: str) -> None:
    assert plain(text) == text


def test_line_ends_of_other_systems_are_line_ends() -> None:
    assert plain("one\r\ntwo\r\n") == "one\ntwo\n"


def test_a_line_is_one_line() -> None:
    assert plain_line("two\nlines\x1b[A") == "two lines␛[A"


def test_an_escape_cut_in_pieces_is_an_escape_still() -> None:
    decoder = Decoder()
    pieces = "é\x1b[31m\u202e👍".encode()
    shown = "".join(decoder.feed(pieces[at : at + 1]) for at in range(len(pieces))) + decoder.end()
    assert shown == "é␛[31m\N{REPLACEMENT CHARACTER}👍"


def test_bytes_that_are_no_text_are_replaced() -> None:
    decoder = Decoder()
    shown = decoder.feed(b"a\xff\xc2") + decoder.feed(b"b\xe2\x82") + decoder.end()
    assert shown == "a\ufffd\ufffdb\ufffd"
