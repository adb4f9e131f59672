"""What a host behind a proxy or a private certificate authority lends to the tools tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.host import trust
from scripts.host.trust import Trust, read_trust

BUNDLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
INSIDE = "/run/host/ca-certificates.crt"


@pytest.fixture(autouse=True)
def no_apt_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_apt_proxy", lambda: "")


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    return path


def test_a_plain_host_lends_nothing(tmp_path: Path) -> None:
    assert read_trust({"HOME": str(tmp_path), "SECRET": "s", "PATH": "/bin"}, tmp_path) == Trust()


@pytest.mark.parametrize("name", ["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"])
@pytest.mark.parametrize("upper", [False, True])
def test_proxies_in_both_spellings(name: str, upper: bool, tmp_path: Path) -> None:
    environ = {name.upper() if upper else name: "http://p.example:3128"}
    assert read_trust(environ, tmp_path).env == {name: "http://p.example:3128"}


def test_the_small_spelling_wins(tmp_path: Path) -> None:
    assert read_trust({"http_proxy": "http://a", "HTTP_PROXY": "http://b"}, tmp_path).env == {
        "http_proxy": "http://a"
    }


def test_an_empty_proxy_is_none(tmp_path: Path) -> None:
    assert read_trust({"http_proxy": ""}, tmp_path).env == {}


def test_the_proxy_of_apt_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_apt_proxy", lambda: "http://apt.example:3142")
    assert read_trust({}, tmp_path).env == {"http_proxy": "http://apt.example:3142"}
    assert read_trust({"http_proxy": "http://e"}, tmp_path).env == {"http_proxy": "http://e"}


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_that_the_environment_names(name: str, tmp_path: Path) -> None:
    bundle = put(tmp_path / "company.pem")
    put(tmp_path / "etc/ssl/certs/ca-certificates.crt")
    lent = read_trust({name: str(bundle)}, tmp_path)
    assert lent.files == {bundle: Path(INSIDE)}
    assert lent.env == dict.fromkeys(BUNDLES, INSIDE)


def test_the_hosts_own_bundle(tmp_path: Path) -> None:
    bundle = put(tmp_path / "etc/ssl/certs/ca-certificates.crt")
    assert read_trust({}, tmp_path).files == {bundle: Path(INSIDE)}


def test_a_bundle_that_is_not_there_is_passed_over(tmp_path: Path) -> None:
    bundle = put(tmp_path / "etc/ssl/certs/ca-certificates.crt")
    lent = read_trust({"SSL_CERT_FILE": str(tmp_path / "gone.pem")}, tmp_path)
    assert lent.files == {bundle: Path(INSIDE)}


@pytest.mark.parametrize("place", ["home/.config/pip/pip.conf", "home/.pip/pip.conf", "etc/pip.conf"])
def test_the_configuration_of_pip(place: str, tmp_path: Path) -> None:
    config = put(tmp_path / place)
    lent = read_trust({"HOME": str(tmp_path / "home")}, tmp_path)
    assert lent.files == {config: Path("/run/host/pip.conf")}
    assert lent.env == {"PIP_CONFIG_FILE": "/run/host/pip.conf"}


def test_the_configuration_that_the_environment_names_comes_first(tmp_path: Path) -> None:
    named = put(tmp_path / "mine.conf")
    put(tmp_path / "etc/pip.conf")
    assert read_trust({"PIP_CONFIG_FILE": str(named)}, tmp_path).files == {named: Path("/run/host/pip.conf")}


def test_the_resolver_is_lent_from_where_its_link_leads(tmp_path: Path) -> None:
    stub = put(tmp_path / "run/systemd/resolve/stub-resolv.conf")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    assert read_trust({}, tmp_path).files == {stub: Path("/etc/resolv.conf")}


def test_a_resolver_whose_link_leads_nowhere_is_not_lent(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/resolv.conf").symlink_to("nowhere")
    assert read_trust({}, tmp_path).files == {}
