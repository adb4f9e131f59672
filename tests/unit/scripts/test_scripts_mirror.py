"""Which archive a build reads from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.host import mirror
from scripts.host.mirror import Mirror, find_mirror, pick_debian

A, B = "http://a.example/debian", "http://b.example/debian"
DEFAULT = Mirror(main="", security="")

LISTINGS = {
    "labelled": (f"{A}-security/ Debian-Security\n{B}/ Debian\n", f"{B}/"),
    "label wins over name": (f"{A}/ Mirror of mine\nhttp://c.example/x/ Debian\n", "http://c.example/x/"),
    "unlabelled": (f"{A}-security/ \n{A}/ \n", f"{A}/"),
    "first of two": (f"{A}/ Debian\n{B}/ Debian\n", f"{A}/"),
    "ubuntu": ("http://u.example/ubuntu/ Ubuntu\nhttp://u.example/ubuntu/ Ubuntu\n", ""),
    "ubuntu with a third party": (
        "http://u.example/ubuntu/ Ubuntu\nhttps://x.example/docker/ Docker CE\n",
        "",
    ),
    "backports have their own label": (f"{A}/ Debian Backports\n", f"{A}/"),
    "installation medium": (f"cdrom:[Debian GNU/Linux 13]/ Debian\n{A}/ Debian\n", f"{A}/"),
    "folder of the host": (f"file:/srv/debian/ Debian\n{A}/ Debian\n", f"{A}/"),
    "only a medium": ("cdrom://[x]/debian/ Debian\n", ""),
    "nothing": ("", ""),
    "blank lines": ("\n   \n", ""),
}


@pytest.mark.parametrize("case", LISTINGS)
def test_the_hosts_debian_archive_is_picked(case: str) -> None:
    listing, expected = LISTINGS[case]
    assert pick_debian(listing) == expected


@given(st.text())
def test_whatever_apt_prints_gives_an_archive_or_none(listing: str) -> None:
    found = pick_debian(listing)
    assert found == "" or (found.startswith(("http://", "https://")) and not set(found) & set(" \t\n'\"$;"))


def test_what_the_caller_gives_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "_from_apt", lambda: B)
    assert find_mirror(A) == Mirror(main=A, security=f"{A}-security")


def test_then_comes_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "_from_apt", lambda: f"{B}/")
    assert find_mirror() == Mirror(main=B, security=f"{B}-security")


def test_then_the_default_of_the_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "_from_apt", lambda: "")
    assert find_mirror() == DEFAULT
    assert find_mirror().is_default


def test_the_security_archive_can_be_elsewhere() -> None:
    assert find_mirror(f"{A}/", "https://s.example/sec/") == Mirror(main=A, security="https://s.example/sec")


@pytest.mark.parametrize(
    "uri",
    [
        "http://x.example/debian trixie main\ndeb http://evil.example/debian",
        "http://x.example/$(reboot)",
        "http://x.example/';reboot;'",
        "http://x.example/a,b",
        "[trusted=yes] http://x.example/",
        "http://x.example/debian\n",
        "file:///srv/debian",
        "ftp://x.example/debian",
        "cdrom://x",
        "x.example/debian",
        "-oAPT::Get::AllowUnauthenticated=1",
    ],
)
def test_what_is_no_http_uri_is_refused(uri: str) -> None:
    for given_uris in ((uri, ""), (A, uri)):
        with pytest.raises(ValueError, match="not the http"):
            find_mirror(*given_uris)


@pytest.mark.parametrize(
    "uri",
    ["http://[fd00::1]:3142/debian", "https://me:p%40ss@x.example/debian", "http://x.example/~me/deb+x"],
)
def test_unusual_uris_are_taken(uri: str) -> None:
    assert find_mirror(uri).main == uri


def test_sources_are_the_release_its_updates_and_its_security() -> None:
    assert Mirror(main=A, security=B).sources("trixie", "main contrib") == [
        f"deb {A} trixie main contrib",
        f"deb {A} trixie-updates main contrib",
        f"deb {B} trixie-security main contrib",
    ]


def test_stanzas_say_the_same() -> None:
    text = Mirror(main=A, security=B).stanzas("trixie", "main", "/k.gpg")
    blocks = [dict(line.split(": ") for line in block.splitlines()) for block in text.split("\n\n")]
    assert [(item["URIs"], item["Suites"]) for item in blocks] == [
        (A, "trixie"),
        (A, "trixie-updates"),
        (B, "trixie-security"),
    ]
    assert {item["Signed-By"] for item in blocks} == {"/k.gpg"}
    assert "Check-Valid-Until" not in text


def test_the_default_archive_needs_no_sources() -> None:
    assert DEFAULT.sources("trixie", "main") == []
    assert DEFAULT.stanzas("trixie", "main", "/k") == ""


def test_a_moment_of_the_past() -> None:
    dated = Mirror(main=A, security=B).at("20261101T000000Z")
    assert (
        dated.sources("trixie", "main")[0] == f"deb [check-valid-until=no] {A}/20261101T000000Z trixie main"
    )
    assert f"URIs: {B}/20261101T000000Z" in dated.stanzas("trixie", "main", "/k")
    assert dated.stanzas("trixie", "main", "/k").count("Check-Valid-Until: no") == 3


def test_no_moment_changes_nothing() -> None:
    assert Mirror(main=A, security=B).at(None) == Mirror(main=A, security=B)


def test_the_default_archive_has_no_past() -> None:
    with pytest.raises(ValueError, match="snapshot"):
        DEFAULT.at("20261101T000000Z")
