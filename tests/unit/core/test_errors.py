from __future__ import annotations

from pathlib import Path

from sigmavault.core import errors


def test_codes_are_unique_and_found_again() -> None:
    kinds = errors.tree(errors.SigmaVaultError)
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes) > 10
    assert all(errors.by_code(kind.code) is kind for kind in kinds)
    assert errors.by_code("no.such-code") is errors.SigmaVaultError


def test_dbus_name_follows_from_the_code() -> None:
    assert errors.WorkerLostError.dbus_name() == "org.sigmavault.Error.Model.WorkerLost"
    assert errors.ContextTooLongError.dbus_name() == "org.sigmavault.Error.Request.ContextTooLong"


def test_drawn_tree_is_the_tree() -> None:
    drawn = errors.__doc__ or ""
    for kind in errors.tree(errors.SigmaVaultError):
        assert f"{kind.__name__} ({kind.code}" in drawn


def test_dbus_interface_names_every_error_it_can_give() -> None:
    xml = (
        Path(__file__).parents[3] / "services/data/usr/share/dbus-1/interfaces/org.sigmavault.Ryzan1.xml"
    ).read_text()
    for kind in errors.tree(errors.ModelError)[1:]:
        assert kind.dbus_name().rpartition(".")[2] in xml, kind


def test_command_error_says_what_the_program_said_last() -> None:
    error = errors.CommandError(["zpool", "list"], 1, "first\nno pools available\n")
    assert str(error) == "`zpool list` ended with 1: no pools available"
