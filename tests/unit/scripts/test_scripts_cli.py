"""The verbs inside the tools tree: what they are given, and how they end."""

from __future__ import annotations

import argparse
import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import cli, errors
from scripts.errors import BuildError, SpecError
from scripts.process import CommandError
from scripts.session import Session
from scripts.stages import publish
from tests.unit.scripts.conftest import Checkout

pytestmark = pytest.mark.runs_programs


@pytest.fixture
def run(checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The program over a checkout of its own."""
    monkeypatch.setattr(cli, "SOURCE", checkout.root)
    monkeypatch.setattr(cli, "CACHE", tmp_path / "cache")
    for name in ("VARIANT", "SUDO_UID", "SUDO_GID", "SIGMAVAULT_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    return lambda *argv: cli.main(list(argv))


def failing(error: BaseException) -> Callable[[Session, argparse.Namespace], int]:
    def verb(_session: Session, _arguments: argparse.Namespace) -> int:
        raise error

    return verb


def test_options_of_pytest_are_passed_on() -> None:
    given = cli.parse(["test-fast", "-k", "spec and not disk", "--maxfail=1", "-x"], "")
    assert given.rest == ["-k", "spec and not disk", "--maxfail=1", "-x"]
    assert cli.parse(["vm", "--", "--disk"], "").rest == ["--disk"]
    assert cli.parse(["vm"], "").rest == []


@pytest.mark.parametrize(("given", "variant"), [("", None), ("server", "server"), ("desktop", "desktop")])
def test_the_variant_comes_from_make(given: str, variant: str | None) -> None:
    assert cli.parse(["iso"], given).variant == variant


def test_an_unknown_variant_is_a_wrong_spec(
    run: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VARIANT", "laptop")
    assert run("iso") == 2
    assert "VARIANT=laptop: no such variant (allowed: server, desktop)" in capsys.readouterr().err


def test_an_unknown_verb_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.parse(["frobnicate"], "")
    assert caught.value.code == 2
    assert "invalid choice: 'frobnicate'" in capsys.readouterr().err


def test_a_wrong_spec_stops_a_build_before_it_begins(
    run: Callable[..., int], checkout: Checkout, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    line = checkout.change("keyboard: us", "keyboard: [us]")
    for verb in ("check", "render", "iso", "disk", "debs"):
        assert run(verb) == 2
        assert f"error: image.yaml:{line}: keyboard: " in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()
    assert {item.name for item in (checkout.root / "build").iterdir()} == {"log"}


def test_a_snapshot_without_an_archive_is_a_wrong_spec(
    run: Callable[..., int], checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.change("snapshot: null", "snapshot: 20261101T000000Z")
    assert run("iso") == 2
    assert "snapshot" in capsys.readouterr().err


def test_a_stale_rendering_is_found(
    run: Callable[..., int], checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.change("hostname: sigmavault", "hostname: vault")
    checkout.change("      - wireguard-tools", "      - hello")
    assert run("check") == 2
    assert "hint: make render" in capsys.readouterr().err


def test_rendering_writes_both_trees(run: Callable[..., int], checkout: Checkout) -> None:
    (checkout.root / "docs/reference").mkdir(parents=True)
    checkout.change("      - wireguard-tools", "      - hello")
    assert run("render") == 0
    assert "\n        hello\n" in (checkout.root / "mkosi.conf").read_text()
    assert (checkout.root / "build/live-build/sigmavault-desktop/auto/config").is_file()
    assert run("check") == 0


ENDINGS = {
    "a step": (BuildError("it broke", "mend it"), 1, ["error: it broke", "hint: mend it"]),
    "a program": (
        CommandError(["lb", "build"], 3, ["first", "last"], "look"),
        1,
        ["  | first\n  | last\n", "error: lb failed with exit code 3", "hint: look", ": build/log/iso.log"],
    ),
    "a full disk, seen by a program": (
        CommandError(["apt-get"], 100, ["dpkg: error: No space left on device"], "is the archive reachable?"),
        1,
        ["hint: make clean-cache empties the cache"],
    ),
    "a full disk": (
        OSError(errno.ENOSPC, "No space left on device", "/cache/x"),
        3,
        ["error: the disk is full: ", "/cache/x", "hint: make clean-cache"],
    ),
    "Ctrl-C": (KeyboardInterrupt(), 130, ["interrupted; nothing was left mounted"]),
}  # fmt: skip


@pytest.mark.parametrize("case", ENDINGS)
def test_each_ending_is_explained(
    case: str, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error, code, words = ENDINGS[case]
    monkeypatch.setitem(cli._VERBS, "iso", failing(error))
    assert run("iso") == code
    said = capsys.readouterr().err
    for word in words:
        assert word in said
    assert "Traceback" not in said


def test_a_fault_of_our_own_is_not_hidden(run: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli._VERBS, "iso", failing(PermissionError(errno.EACCES, "denied")))
    with pytest.raises(PermissionError):
        run("iso")


def test_the_output_is_given_back_to_the_caller(
    run: Callable[..., int], checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_UID", "12345")
    monkeypatch.setenv("SUDO_GID", "23456")
    monkeypatch.setitem(cli._VERBS, "iso", failing(SpecError("x")))
    assert run("iso") == 2
    owner = (checkout.root / "build/log/iso.log").stat()
    assert (owner.st_uid, owner.st_gid) == (12345, 23456)


def test_every_error_has_its_own_exit_code() -> None:
    classes = [
        item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, BuildError)
    ]
    codes = [item.exit_code for item in classes]
    assert len(set(codes)) == len(codes) >= 5
    assert not {0, 130} & set(codes)


def test_an_image_is_copied_once_and_again_when_it_changed(tmp_path: Path) -> None:
    cached, out = tmp_path / "cached.iso", tmp_path / "out.iso"
    cached.write_text("one")
    publish._place(cached, out)
    before = out.stat()
    publish._place(cached, out)
    assert out.stat() == before
    out.unlink()
    out.write_text("half")
    publish._place(cached, out)
    assert out.read_text() == "one"
