from __future__ import annotations

import pytest
from sigmavault.core.downloads.address import follow, parse_address
from sigmavault.core.errors import SourceRefusedError

LAN = frozenset({"nas.lan:8080"})


def test_https_is_asked_wherever_it_is() -> None:
    found = parse_address("https://Hub.Example/a/b.gguf?sign=secret")
    assert (found.host, found.port, found.target) == ("hub.example", 443, "/a/b.gguf?sign=secret")
    assert found.url == "https://hub.example/a/b.gguf"


def test_an_ipv6_address_is_written_in_brackets() -> None:
    assert parse_address("https://[::1]:8443/x").url == "https://[::1]:8443/x"


def test_plain_http_is_only_for_named_hosts() -> None:
    assert not parse_address("http://nas.lan:8080/x", LAN).is_encrypted
    for url in ("http://nas.lan/x", "http://nas.lan:8081/x", "http://other:8080/x"):
        with pytest.raises(SourceRefusedError, match="plain HTTP"):
            parse_address(url, LAN)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hub.example/x", "file:///etc/shadow", "https:///x", "https://user:word@hub.example/x",
        "https://hub.example:0/x", "https://hub.example:99999/x", "https://hub.example/\r\nX: y",
        "https://hub example/x", "https://[::1/x", "https://hüb.example/x", "//hub.example/x", "",
        "https://hub.example/" + "x" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_usable_address_is_refused(url: str) -> None:
    with pytest.raises(SourceRefusedError):
        parse_address(url, LAN)


def test_the_word_in_an_address_is_not_told() -> None:
    with pytest.raises(SourceRefusedError) as error:
        parse_address("https://user:hunter2@hub.example/x")
    assert "hunter2" not in error.value.message


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/there", "https://hub.example/there"),
        ("https://cdn.example:8443/x?y=z", "https://cdn.example:8443/x"),
        ("next.gguf", "https://hub.example/a/next.gguf"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("../../../../etc/passwd", "https://hub.example/etc/passwd"),
    ],
)
def test_a_redirect_is_followed_to_https(location: str, url: str) -> None:
    assert follow(parse_address("https://hub.example/a/b.gguf"), location).url == url


@pytest.mark.parametrize("location", ["http://hub.example/x", "HTTP://nas.lan:8080/x", "http://127.0.0.1/x"])
def test_a_redirect_from_https_to_plain_http_is_refused_even_to_a_mirror(location: str) -> None:
    with pytest.raises(SourceRefusedError, match="plain HTTP"):
        follow(parse_address("https://hub.example/a"), location, LAN)


def test_a_redirect_of_a_lan_mirror_stays_in_it_or_becomes_encrypted() -> None:
    before = parse_address("http://nas.lan:8080/a", LAN)
    assert follow(before, "/b", LAN).target == "/b"
    assert follow(before, "https://cdn.example/b", LAN).is_encrypted
    with pytest.raises(SourceRefusedError, match="plain HTTP"):
        follow(before, "http://elsewhere/b", LAN)


@pytest.mark.parametrize("location", ["file:///etc/shadow", "gopher://hub.example/x", "https://[/", "data:,"])
def test_a_redirect_elsewhere_is_refused(location: str) -> None:
    with pytest.raises(SourceRefusedError):
        follow(parse_address("https://hub.example/a"), location, LAN)
