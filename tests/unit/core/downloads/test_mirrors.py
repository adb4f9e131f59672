from __future__ import annotations

from collections.abc import Mapping

import pytest
from sigmavault.core.downloads.mirrors import (
    FolderCandidate,
    HttpCandidate,
    MirrorFile,
    candidates,
    merge,
    parse_mirror_file,
    require_candidates,
)
from sigmavault.core.errors import ConfigError, SourceRefusedError

from tests.unit.core.downloads.builders import HUB, model

PATH = HUB.removeprefix("https://hub.example")
LAN = {"name": "lan", "kind": "hugging-face", "url": "http://nas.lan:8080/hf/", "lan": True}
FILES = {"name": "files", "kind": "files", "url": "https://models.example/gguf"}
STICK = {"name": "stick", "kind": "folder", "path": "/media/stick"}


def parsed(*mirrors: Mapping[str, object], **more: object) -> MirrorFile:
    return parse_mirror_file({"mirrors": list(mirrors), **more}, "10-test.yaml")


def urls(*mirrors: Mapping[str, object], **changed: object) -> list[str]:
    found = candidates(model(**changed), merge([parsed(*mirrors)]))
    return [
        each.address.url if isinstance(each, HttpCandidate) else f"{each.folder}/{each.file}"
        for each in found
    ]


def test_without_mirrors_the_address_of_the_manifest_is_asked() -> None:
    assert urls() == [HUB]


def test_mirrors_come_first_in_their_order() -> None:
    assert urls(STICK, LAN, FILES) == [
        "/media/stick/Tiny.gguf",
        f"http://nas.lan:8080/hf{PATH}",
        "https://models.example/gguf/Tiny.gguf",
        HUB,
    ]


def test_a_mirror_of_the_hub_has_only_what_the_hub_has() -> None:
    other = {"kind": "https", "url": "https://elsewhere.example/files/Tiny.gguf"}
    assert urls(LAN, source=other) == ["https://elsewhere.example/files/Tiny.gguf"]


def test_the_hub_can_be_left_out() -> None:
    sources = merge([parsed(hub=False)])
    assert candidates(model(), sources) == ()
    with pytest.raises(SourceRefusedError, match="no source for tiny"):
        require_candidates(model(), sources)


def test_a_folder_serves_models_that_are_on_no_server() -> None:
    source = {"kind": "https"}
    found = candidates(model(source=source), merge([parsed(STICK)]))
    assert found == (FolderCandidate(name="stick", folder="/media/stick", file="Tiny.gguf"),)


def test_the_last_file_that_says_something_holds() -> None:
    files = [parsed(STICK, limit="10M", hub=False), parsed(FILES, limit=0), parsed(pause_while_busy=True)]
    found = merge(files)
    assert [each.name for each in found.mirrors] == ["stick", "files"]
    assert (found.limit, found.hub, found.pause_while_busy, found.proxy) == (0, False, True, None)


def test_only_lan_mirrors_may_be_asked_over_plain_http() -> None:
    assert merge([parsed(LAN, FILES)]).lan == {"nas.lan:8080"}


def test_two_mirrors_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="stick is there twice"):
        merge([parsed(STICK), parsed(STICK)])


def test_an_empty_file_says_nothing() -> None:
    assert merge([parse_mirror_file(None, "x")]).mirrors == ()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"mirrors": [{**FILES, "url": "http://models.example/x"}]}, "plain http"),
        ({"mirrors": [{**FILES, "url": "https://a/../b"}]}, "url: must be an address"),
        ({"mirrors": [{**FILES, "url": "https://u:p@models.example/x"}]}, "url: must be an address"),
        ({"mirrors": [{**FILES, "url": "https://models.example/x?y=z"}]}, "url: must be an address"),
        ({"mirrors": [{**FILES, "url": "ftp://models.example/x"}]}, "url: must be an address"),
        ({"mirrors": [{**STICK, "path": "media"}]}, "path: must be an absolute path"),
        ({"mirrors": [{**STICK, "kind": "ftp"}]}, "kind must be"),
        ({"mirrors": [{**STICK, "more": 1}]}, "more: is not a known key"),
        ({"limit": "fast"}, "a size such as"),
        ({"limit": -1}, "must be at least 0"),
        ({"proxy": "socks5://x:1"}, "proxy: must be"),
        ({"hub": "yes"}, "hub: must be true or false"),
        ([], "must be a mapping"),
        ({"mirrors": {1, 2}}, "no text, number, list or mapping"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(data: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as error:
        parse_mirror_file(data, "10-test.yaml")
    assert error.value.message.startswith("10-test.yaml")
