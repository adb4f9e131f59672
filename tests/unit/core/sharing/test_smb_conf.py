"""The file of Samba: what is asked for, and not a line more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sigmavault.core.errors import ConfigError, OperationError
from sigmavault.core.process import Result
from sigmavault.core.sharing import smb_conf
from sigmavault.core.sharing.share import Encryption, Guest, Share, Smb
from sigmavault.core.sharing.testparm import judge, one_section

from tests.unit.core.sharing.builders import MOUNTS, NASTY, nfs_share, placed, smb_options, smb_share

OPTIONS = {
    "path", "available", "comment", "browseable", "valid users", "guest ok", "read only", "read list",
    "write list", "vfs objects", "server smb encrypt", "create mask", "directory mask", "inherit acls",
    "map acl inherit", "access based share enum", "wide links", "veto files", "hide dot files",
    "oplocks", "level2 oplocks", "posix locking", "fruit:time machine", "fruit:time machine max size",
    "full_audit:prefix", "full_audit:success", "full_audit:failure", "shadow:snapdir", "shadow:sort",
    "shadow:localtime", "shadow:snapprefix", "shadow:delimiter", "shadow:format",
    "shadow:snapdirseverywhere",
}  # fmt: skip


def options_of(share: Share, mounts: dict[str, str] = MOUNTS) -> dict[str, str]:
    lines = smb_conf.section(placed(share, mounts))
    pairs = [line.strip().partition(" = ") for line in lines[1:]]
    assert len({key for key, _, _ in pairs}) == len(pairs), "an option stands twice"
    return {key: value for key, _, value in pairs}


def test_a_share_as_it_was_tried() -> None:
    found = options_of(smb_share(read=("@family",), write=("anna", "bob")))
    assert found["path"] == "/tank/photos"
    assert found["valid users"] == "anna bob +family"
    assert (found["read only"], found["write list"]) == ("yes", "anna bob")
    assert found["vfs objects"] == "full_audit catia fruit streams_xattr shadow_copy2 acl_xattr"
    assert found["shadow:snapprefix"] == r"^sv-\(hourly\|daily\|weekly\|monthly\)$"
    assert found["shadow:format"] == "_%Y.%m.%d-%H.%M.%S"
    assert found["veto files"] == "/.zfs/"
    assert (found["wide links"], found["access based share enum"]) == ("no", "yes")
    assert not {"guest ok", "available", "browseable", "server smb encrypt", "posix locking"} & found.keys()


def test_who_may_write_may_read_and_stands_once() -> None:
    found = options_of(smb_share(read=("anna",), write=("anna",)))
    assert found["valid users"] == "anna"


def test_a_share_that_is_not_mounted_is_unavailable_and_nowhere() -> None:
    found = options_of(smb_share(), {})
    assert (found["available"], found["path"]) == ("no", smb_conf.NOWHERE)


def test_a_share_for_nobody_is_not_a_share_for_everybody() -> None:
    found = options_of(smb_share(write=()))
    assert (found["available"], found["valid users"]) == ("no", "-")


def test_fruit_is_on_all_shares() -> None:
    text = smb_conf.render([placed(smb_share(f"s{n}", previous_versions=bool(n % 2))) for n in range(4)])
    assert text.count("vfs objects = ") == text.count(" fruit ") == 4
    assert text.count(" shadow_copy2 ") == 2


@pytest.mark.parametrize("guest", [Guest.READ, Guest.WRITE])
def test_guests_open_the_machine_only_where_a_share_wants_them(guest: Guest) -> None:
    plain, open_ = placed(smb_share("a")), placed(smb_share("b", guest=guest, read=("bob",)))
    assert "map to guest" not in smb_conf.render([plain])
    text = smb_conf.render([plain, open_])
    head = text[: text.index("[a]")]
    assert "map to guest = Bad User" in head
    assert "restrict anonymous = 0" in head
    found = options_of(open_.share)
    assert (found["guest ok"], found["read only"]) == ("yes", "no" if guest is Guest.WRITE else "yes")
    assert "valid users" not in found
    assert ("read list" in found) == (guest is Guest.WRITE)


def test_time_machine_encryption_and_both_protocols() -> None:
    found = options_of(
        smb_share(time_machine=True, time_machine_bytes=5 * 10**11, encryption=Encryption.REQUIRED)
    )
    assert (found["fruit:time machine"], found["fruit:time machine max size"]) == ("yes", "500000000000")
    assert (found["posix locking"], found["server smb encrypt"]) == ("no", "required")
    both = options_of(smb_share(time_machine=True).model_copy(update={"nfs": nfs_share().nfs}))
    assert (both["oplocks"], both["level2 oplocks"]) == ("no", "no")
    assert "posix locking" not in both


def test_nfs_alone_is_nothing_for_samba() -> None:
    assert smb_conf.sections(smb_conf.render([placed(nfs_share())])) == ()


@settings(max_examples=60, deadline=None)
@given(NASTY, NASTY, smb_options(), st.sampled_from([*MOUNTS.values(), "/tank/a\n[x]", "/tank/%U", "/a\\"]))
def test_no_text_begins_a_line_a_section_or_an_option(name, folder, options, mountpoint) -> None:
    try:
        share = Share(name=name, dataset="tank", guid="1", folder=folder, smb=Smb(**options))
    except ValidationError:
        share = smb_share(time_machine=options["time_machine"], hidden=options["hidden"])
    place = placed(share, {share.dataset: mountpoint})
    text = smb_conf.render([place])
    assert smb_conf.sections(text) == (share.name,)
    lines = text.splitlines()
    head = lines.index(f"[{share.name}]")
    assert {line.strip() for line in lines[1:head]} <= {
        "",
        "map to guest = Bad User",
        "restrict anonymous = 0",
    }
    for line in lines[head + 1 :]:
        key, equals, value = line.strip().partition(" = ")
        assert (key in OPTIONS, equals) == (True, " = "), line
        assert not value.endswith("\\")


@pytest.mark.parametrize("value", ["a\nb", "%U", "a\\", "a\x00", "[x]", "a;b", "a#b", "x = y", "a\u2028b"])
def test_the_last_look_refuses_what_the_types_would_not_let_through(value: str) -> None:
    smb = Smb(write=("anna",)).model_copy(update={"comment": value})
    with pytest.raises(OperationError, match="configuration of Samba"):
        smb_conf.section(placed(smb_share().model_copy(update={"smb": smb})))


BASE = f"[global]\n   workgroup = X\n\n   include = {smb_conf.INCLUDE}\n"


def test_the_candidate_is_what_samba_would_read() -> None:
    text = smb_conf.candidate(BASE, smb_conf.render([placed(smb_share(guest=Guest.READ))]))
    assert text.index("workgroup") < text.index("map to guest") < text.index("[photos]")
    assert "include" not in text
    assert "\\(hourly\\|daily" in text


@pytest.mark.parametrize(
    "base", ["", "[global]\n", f"# include = {smb_conf.INCLUDE}\n", "include = /etc/samba/other\n"]
)
def test_a_base_without_the_shares_is_refused(base: str) -> None:
    with pytest.raises(OperationError, match="does not include"):
        smb_conf.candidate(base, "")


def test_shares_written_by_hand_are_not_overwritten() -> None:
    assert smb_conf.is_foreign("[mine]\npath = /x\n")
    assert not smb_conf.is_foreign("# The shares of this machine, one section each.\n")
    assert not smb_conf.is_foreign(smb_conf.render([placed(smb_share())]))


GOOD = "Load smb config files from /dev/stdin\nLoaded services file OK.\nServer role: ROLE_STANDALONE\n\n"
PRINTED = "# Global\n[global]\n\tworkgroup = X\n\n\n[photos]\n\tpath = /tank/photos\n\n[b]\n\tpath = /b\n"


def said(stderr: str = GOOD, stdout: str = PRINTED, status: int = 0) -> Result:
    return Result(argv=(), status=status, stdout=stdout, stderr=stderr, duration_s=0)


def test_what_samba_accepts_silently_is_accepted() -> None:
    weak = "Weak crypto is allowed by GnuTLS (e.g. NTLM as a compatibility fallback)\n"
    assert judge(said(GOOD + weak + "NOTE: Service b is flagged unavailable.\n"), ["b", "Photos"]) == PRINTED
    assert one_section(PRINTED, "photos") == "[photos]\n\tpath = /tank/photos"
    assert one_section(PRINTED, "none") == ""


@pytest.mark.parametrize(
    "result",
    [
        said(GOOD + "WARNING: some services use vfs_fruit, others don't.\n"),
        said(GOOD + 'Unknown parameter encountered: "x"\n'),
        said(GOOD + "Ignoring unknown parameter\n"),
        said(GOOD + "anything new\n"),
        said(status=1),
        said(stdout=PRINTED + "[evil]\n"),
        said(stdout="[global]\n"),
    ],
)
def test_any_other_word_is_an_error(result: Result) -> None:
    with pytest.raises(ConfigError):
        judge(result, ["b", "photos"])
