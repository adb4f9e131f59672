"""What a share can be, and what no text can make of it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from sigmavault.core.sharing.share import Guest, NfsHost, Share, Shares, Smb, network

from tests.unit.core.sharing.builders import nfs_share, smb_share


@pytest.mark.parametrize(
    "host", ["192.168.1.0/24", "10.0.0.7", "fd00::7", "fd00::/64", "nas", "nas.home.arpa"]
)
def test_machines_are_addresses_subnets_and_names(host: str) -> None:
    assert NfsHost(asked=host, addresses=("10.0.0.7/32",)).asked == host


@pytest.mark.parametrize(
    "host",
    ["*", "", "0.0.0.0/0", "::/0", "0.0.0.0", "224.0.0.1", "*.local", "@group", "a b", "a(rw)", "-x", "1.2.3",
     "a\n",
     "NAS", "fe80::1%eth0", "x" * 64, "gss/krb5", "a,b", "1.2.3.4/33"],
)  # fmt: skip
def test_nobody_can_share_with_everybody_or_with_a_pattern(host: str) -> None:
    with pytest.raises(ValidationError):
        NfsHost(asked=host, addresses=("10.0.0.7/32",))


def test_a_subnet_is_written_in_one_way() -> None:
    assert NfsHost(asked="192.168.1.77/24", addresses=("192.168.1.0/24",)).asked == "192.168.1.0/24"
    assert str(network("192.168.1.7")) == "192.168.1.7/32"


@pytest.mark.parametrize(
    "name", ["global", "Homes", "PRINTERS", "print$", "ipc$", "IPC", "a]b", "a%U", "-a", "a\n"]
)
def test_names_that_samba_keeps_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        smb_share(name)


@pytest.mark.parametrize(
    "folder",
    [
        "/etc",
        "..",
        "a/../b",
        "a//b",
        "a/",
        "./a",
        " a",
        "a /b",
        "a\nb",
        "%U",
        "a\\b",
        "a;b",
        "a,b",
        "e\u0301",
    ],
)
def test_a_folder_leads_nowhere_else(folder: str) -> None:
    with pytest.raises(ValidationError):
        smb_share(folder=folder)


def test_a_folder_may_have_spaces_and_letters_of_all_people() -> None:
    assert smb_share(folder="2026/Schöne Tage (Meer)/写真").folder


@pytest.mark.parametrize(
    "options",
    [
        {"guest": Guest.READ, "encryption": "required"},
        {"guest": Guest.WRITE, "time_machine": True},
        {"time_machine_bytes": 5},
        {"time_machine": True, "time_machine_bytes": 0},
        {"write": ("Anna",)},
        {"write": ("anna smith",)},
        {"write": ("@@family",)},
        {"comment": "50 %U"},
        {"comment": "a\nb"},
        {"comment": "x" * 121},
        {"unknown": 1},
    ],
)
def test_what_does_not_fit_together_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Smb.model_validate(options)


def test_a_share_without_a_protocol_is_none() -> None:
    with pytest.raises(ValidationError, match="SMB, by NFS or by both"):
        Share(name="x", dataset="tank", guid="1")


def test_capital_letters_make_no_other_share() -> None:
    held = Shares().with_share(smb_share("Photos")).with_share(smb_share("archive"))
    assert [each.name for each in held.shares] == ["archive", "Photos"]
    assert held.find("PHOTOS") == smb_share("Photos")
    assert len(held.with_share(smb_share("photos")).shares) == 2
    with pytest.raises(ValidationError, match="different"):
        Shares(shares=(smb_share("photos"), smb_share("Photos")))


def test_what_is_written_down_is_read_back() -> None:
    held = Shares().with_share(smb_share(read=("@family",))).with_share(nfs_share())
    assert Shares.model_validate_json(held.model_dump_json()) == held


def test_rights_of_somebody_who_is_gone_are_gone_everywhere() -> None:
    held = (
        Shares().with_share(smb_share("a", write=("anna", "bob"))).with_share(smb_share("b", read=("anna",)))
    )
    assert [each.name for each in held.naming("anna")] == ["a", "b"]
    after = held.without_principal("anna")
    assert after.naming("anna") == ()
    assert [each.smb.is_for_somebody for each in after.shares if each.smb] == [True, False]


def test_a_group_is_no_user_of_its_name() -> None:
    held = Shares().with_share(smb_share("a", write=("@anna", "bob")))
    assert held.naming("anna") == ()
    assert held.without_principal("anna") == held
