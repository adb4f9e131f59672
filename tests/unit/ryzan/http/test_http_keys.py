from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from sigmavault.core.errors import ConfigError
from sigmavault.ryzan.http.keys import Keys, read_keys

from tests.unit.ryzan.http.scripted import ScriptedService, app, call, post

CHAT = "/v1/chat/completions"
HELLO = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
DIGEST = hashlib.sha256(b"secret").digest()


def write(folder: Path, text: str, mode: int = 0o600) -> str:
    file = folder / "keys"
    file.write_text(text)
    file.chmod(mode)
    return str(file)


def test_keys_are_read_plain_and_hashed(tmp_path: Path) -> None:
    keys = read_keys(write(tmp_path, f"# mine\n\nsecret\nsha256:{hashlib.sha256(b'two').hexdigest()}\n"))
    assert keys.space("secret") == f"key:{DIGEST.hex()[:16]}"
    assert keys.space("two")
    assert keys.space("three") is None
    assert keys.space("") is None


def test_no_file_asks_for_no_key() -> None:
    assert not read_keys("")


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o644])
def test_file_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigError, match="others"):
        read_keys(write(tmp_path, "secret\n", mode))


@pytest.mark.parametrize("text", ["", "# none\n", "sha256:12\n", "two words\n", "schlüssel\n"])
def test_file_without_a_usable_key_is_refused_and_tells_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_keys(write(tmp_path, text))
    assert "words" not in str(refused.value)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read_keys(str(tmp_path / "none"))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic secret", "secret"])
def test_request_without_the_key_is_turned_away(header: str) -> None:
    service = ScriptedService()
    answer = post(service, CHAT, HELLO, keys=Keys([DIGEST]), authorization=header)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert service.wishes == []


@pytest.mark.parametrize("header", ["Bearer secret", "bearer secret"])
def test_key_names_the_space_of_its_holder(header: str) -> None:
    service = ScriptedService()
    assert post(service, CHAT, HELLO, keys=Keys([DIGEST]), authorization=header).status_code == 200
    assert service.callers[0].space == f"key:{DIGEST.hex()[:16]}"


def test_without_keys_everybody_on_this_machine_shares_one_space() -> None:
    service = ScriptedService()
    assert post(service, CHAT, HELLO, authorization="Bearer none").status_code == 200
    assert service.callers[0].space == "local"


def test_health_needs_no_key_and_figures_do() -> None:
    guarded = app(ScriptedService(), Keys([DIGEST]))
    assert call(guarded, "GET", "/health").status_code == 200
    for path in ("/metrics", "/v1/models", "/openapi.json", "/health/", "//health"):
        assert call(guarded, "GET", path).status_code == 401
