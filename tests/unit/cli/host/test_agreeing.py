"""What is shown of a plan, and what counts as having agreed to it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from sigmavault.cli.host import confirming, gifts, secrets
from sigmavault.cli.host.client import failure, worded
from sigmavault.cli.host.confirming import Consent, confirmed
from sigmavault.cli.host.plan import render_brief, render_plan
from sigmavault.cli.paint import Paint
from sigmavault.core.errors import (
    AuthorizationDismissedError,
    AuthorizationNeededError,
    InvalidRequestError,
    NotAuthorizedError,
    NotConfirmedError,
    ObjectBusyError,
    SigmaVaultError,
)
from sigmavault.core.operation import Plan, Risk, Step, Target

PLAIN = Paint(is_on=False)
CHANGE = Plan(operation="pool.scrub", arguments={}, summary="Scrub tank", steps=(), targets=())
DESTROY = Plan(
    operation="disk.wipe", arguments={}, summary="Make WD-1 blank", confirmation="WD-1",
    steps=(
        Step(text="Remove all signatures", argv=("wipefs", "--all", "--", "/dev/disk/by-id/it's")),
        Step(text="Write zeroes", argv=("zfs", "x"), secret="passphrase"),  # noqa: S106  # its name
    ),
    targets=(
        Target(
            kind="disk", name="WD-1", identity="SER1",
            facts={"model": "Red", "serial": "SER1", "size": "4 TB"},
        ),
    ),
    losses=("all data on WD-1",), warnings=("it is slow",), notes=("12 GB used",),
    dry_run="would wipe\n\x1b[2J",
)  # fmt: skip

SHOWN = """\
Make WD-1 blank

Objects
  disk WD-1  serial SER1, Red, 4 TB

Steps
  1. Remove all signatures
     wipefs --all -- '/dev/disk/by-id/it'"'"'s'
  2. Write zeroes
     zfs x   (passphrase by its input)

What the tool says it would do
  would wipe
  ␛[2J

LOST FOR GOOD
  all data on WD-1

Warnings
  it is slow

12 GB used
"""


def test_a_plan_is_shown_whole() -> None:
    assert render_plan(DESTROY, PLAIN) == SHOWN
    assert "\x1b[31m  all data on WD-1\x1b[0m" in render_plan(DESTROY, Paint(is_on=True))


def test_who_has_agreed_still_sees_what_is_lost() -> None:
    assert render_brief(DESTROY, PLAIN) == (
        "Make WD-1 blank\n\nLOST FOR GOOD\n  all data on WD-1\n\nWarnings\n  it is slow\n"
    )


def terminal(typed: str) -> tuple[io.StringIO, io.StringIO]:
    return io.StringIO(typed), io.StringIO()


@pytest.mark.parametrize(
    ("plan", "consent", "typed", "sent"),
    [
        (CHANGE, Consent(yes=True), None, ""),
        (CHANGE, Consent(), "y\n", ""), (CHANGE, Consent(), "YES\n", ""),
        (CHANGE, Consent(), "\n", None), (CHANGE, Consent(), "", None), (CHANGE, Consent(), "yup\n", None),
        (CHANGE, Consent(), None, None), (CHANGE, Consent(name="tank"), None, None),
        (DESTROY, Consent(), "WD-1\n", "WD-1"), (DESTROY, Consent(), "wd-1\n", None),
        (DESTROY, Consent(), "y\n", None), (DESTROY, Consent(), "", None), (DESTROY, Consent(), None, None),
        (DESTROY, Consent(name="WD-1"), None, "WD-1"), (DESTROY, Consent(name="WD-2"), None, None),
        (DESTROY, Consent(name="WD-2"), "WD-1\n", None), (DESTROY, Consent(name=""), None, None),
        (DESTROY, Consent(yes=True), None, None),
    ],
)  # fmt: skip
def test_only_a_yes_or_the_name_is_agreement(
    plan: Plan, consent: Consent, typed: str | None, sent: str | None
) -> None:
    where = None if typed is None else terminal(typed)
    if sent is None:
        with pytest.raises(NotConfirmedError, match="nothing was done"):
            confirmed(plan, consent, where)
    else:
        assert confirmed(plan, consent, where) == sent


def test_a_yes_is_refused_for_what_destroys() -> None:
    with pytest.raises(InvalidRequestError, match="--yes"):
        confirming.check(Risk.DESTROY, Consent(yes=True))
    confirming.check(Risk.CHANGE, Consent(yes=True))


def test_the_three_ways_not_to_be_allowed_are_told_apart() -> None:
    told = {
        worded(kind("polkit says no")).message
        for kind in (NotAuthorizedError, AuthorizationNeededError, AuthorizationDismissedError)
    }
    assert len(told) == 3
    busy = worded(ObjectBusyError("pool tank: Scrub tank, since 12:00"))
    assert busy.message.startswith("pool tank")
    assert "job list" in busy.hint


def test_an_error_of_the_bus_is_the_error_it_names() -> None:
    found = failure("org.sigmavault.Error.Object.Busy", "somebody else", "wait")
    assert isinstance(found, ObjectBusyError)
    assert (found.message, found.hint, found.exit_code) == ("somebody else", "wait", 7)
    assert type(failure("org.sigmavault.Error.System.CommandFailed", "x")) is SigmaVaultError
    assert type(failure("com.example.Odd", "")) is SigmaVaultError
    assert failure("", "") is None


def test_secrets_are_bounded_and_exactly_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "key"
    needs = secrets.Needs(names=("passphrase",), meanings={})
    sources = secrets.parse_sources([f"passphrase={file}"], "")
    for written, kept in (
        (b"a b\n", b"a b"),
        (b"a b\r\n", b"a b"),
        (b"a\n\n", b"a\n"),
        ("ü".encode(), "ü".encode()),
    ):
        file.write_bytes(written)
        assert secrets.gather(needs, sources, ask=False) == {"passphrase": kept}
    for wrong in (b"", b"\n", b"x" * (secrets.LONGEST + 1)):
        file.write_bytes(wrong)
        with pytest.raises(InvalidRequestError, match="passphrase"):
            secrets.gather(needs, sources, ask=False)
    file.unlink()
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        secrets.gather(needs, sources, ask=False)


def test_a_secret_in_memory_cannot_be_changed_on_its_way() -> None:
    with secrets.in_memory({"passphrase": b"abc"}) as files:
        assert os.read(files["passphrase"], 10) == b"abc"
        with pytest.raises(PermissionError):
            os.write(files["passphrase"], b"d")


def test_what_is_given_lands_in_a_new_file_of_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "key"
    with gifts.places(("key",), {"key": file}, shows=False) as memory:
        Path(f"/proc/self/fd/{memory['key']}").write_bytes(b"secret")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"secret", 0o600)
    with (
        pytest.raises(InvalidRequestError, match="File exists"),
        gifts.places(("key",), {"key": file}, shows=False),
    ):
        pass
    with pytest.raises(InvalidRequestError, match="no place"), gifts.places(("key",), {}, shows=False):
        pass
    other = tmp_path / "other"
    with pytest.raises(KeyError), gifts.places(("key",), {"key": other}, shows=False):
        raise KeyError
    assert not other.exists()
