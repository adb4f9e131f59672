"""Answers: what is accepted, and the sentence that a person reads when something is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sigmavault.core.errors import ConfigError
from sigmavault.core.network import Method, networkd_file, parse_networkd_file
from sigmavault.core.setup.answers import (
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    Administrator,
    Answers,
    complaint,
    parse_answers,
)
from sigmavault.system import samba

ANNA = {"name": "anna", "full_name": "Anna Maier", "password": "correct horse"}
TANK = {"name": "tank", "layout": "mirror", "disks": ["ata-A_1", "ata-A_2"]}
EVERYTHING: dict[str, Any] = {
    "version": 1, "host_name": "attic", "administrator": ANNA, "time_zone": "Europe/Vienna",
    "network": {"method": "static", "port": "enp3s0", "address": "192.168.1.10/24", "gateway": "192.168.1.1",
                "name_servers": ["192.168.1.1"]},
    "pool": TANK, "shares": [{"name": "Photos", "preset": "media", "everybody": "read"}],
    "models": ["qwen3-0.6b"],
}  # fmt: skip


def parsed(**changes: object) -> Answers:
    return parse_answers({**EVERYTHING, **changes}, "answers.yaml")


def test_all_of_it_is_read_and_nothing_has_to_be_said() -> None:
    found = parsed()
    assert found.network is not None
    assert (found.host_name, found.network.method) == ("attic", Method.STATIC)
    assert parse_answers({}, "x") == Answers()


def test_the_password_is_nowhere_but_in_its_place() -> None:
    found = parsed()
    assert found.administrator is not None
    assert found.administrator.password is not None
    assert found.administrator.password.get_secret_value() == "correct horse"
    assert "horse" not in repr(found) + json.dumps(found.public())
    again = parse_answers(found.public(), "journal")
    assert again.administrator == Administrator(name="anna", full_name="Anna Maier")


@pytest.mark.parametrize(("changes", "told"), [
    ({"host_name": "Attic NAS"}, "answers.yaml.host_name: must be 1 to 15 small letters"),
    ({"host_name": "a-very-long-host-name"}, "1 to 15"),
    ({"host_name": "localhost"}, "must not be localhost"),
    ({"time_zone": "../../etc/shadow"}, "must be a time zone such as"),
    ({"administrator": {**ANNA, "name": "root"}}, "administrator.name: must not be root"),
    ({"administrator": {**ANNA, "name": "Anna"}}, "administrator.name: must be small letters"),
    ({"administrator": {**ANNA, "full_name": "a:b"}}, "without colons"),
    ({"administrator": {**ANNA, "password": "short"}}, "administrator.password: must have 8 to 127"),
    ({"administrator": {**ANNA, "password": "two\nlines of it"}}, "must not have line breaks"),
    ({"network": {"method": "static", "port": "enp3s0"}}, "a fixed address needs the address as well"),
    ({"network": {"address": "10.0.0.2/24"}}, "leave it out"),
    ({"network": {"method": "static", "port": "e", "address": "10.0.0.2"}}, "must have its prefix"),
    ({"network": {"method": "static", "port": "e", "address": "10.0.0.0/24"}}, "address of one machine"),
    ({"network": {"method": "static", "port": "e", "address": "10.0.0.2/24", "gateway": "10.0.1.1"}},
     "not in the network 10.0.0.0/24"),
    ({"pool": {**TANK, "disks": ["sda", "sda"]}}, "there twice"),
    ({"pool": {**TANK, "disks": ["../sda", "b"]}}, "must be a name of /dev/disk/by-id"),
    ({"pool": {**TANK, "layout": "raidz2"}}, "a raidz2 has 4 to 15 disks, not 2"),
    ({"pool": {**TANK, "layout": "stripe"}}, "would take all data with it"),
    ({"pool": {**TANK, "layout": "raid5"}}, "pool.layout: must be"),
    ({"pool": {**TANK, "overwrite": ["ata-B"]}}, "overwrite: ata-B is none of the disks"),
    ({"shares": [{"name": "Photos"}, {"name": "photos"}]}, "two of them would be called photos"),
    ({"shares": [{"name": "models"}]}, "is where models are kept"),
    ({"shares": [{"name": "homes"}]}, "must not be a name that Samba keeps"),
    ({"shares": [{"name": "x", "preset": "models"}]}, "shares[0].preset: must be"),
    ({"pool": None}, "has to lie in a pool"),
    ({"administrator": None}, "nobody could write to Photos"),
    ({"models": ["../x"]}, "the id of a model"),
    ({"models": ["a", "a"]}, "a is there twice"),
    ({"hostname": "x"}, "answers.yaml.hostname: is not a known key"),
    ({"version": 2}, "version: must be 1"),
])  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        parsed(**changes)
    assert told in error.value.message
    assert "horse" not in error.value.message
    assert "two\nlines" not in error.value.message


@pytest.mark.parametrize("data", [None, [], "text", {"shares": object()}, {"models": {1: 2}}])
def test_what_is_no_mapping_of_plain_values_is_refused(data: object) -> None:
    with pytest.raises(ConfigError):
        parse_answers(data, "answers.yaml")


def test_one_answer_is_checked_while_it_is_typed() -> None:
    assert complaint(Answers, "host_name", "attic") == ""
    assert complaint(Answers, "host_name", "At tic").startswith("must be 1 to 15")
    assert complaint(Administrator, "password", "short") == "must have 8 to 127 characters"
    assert complaint(Administrator, "name", "-anna").startswith("must be small letters")


def test_a_password_that_is_taken_here_is_taken_by_samba() -> None:
    assert (SHORTEST_PASSWORD, LONGEST_PASSWORD) == (samba.SHORTEST_PASSWORD, samba.LONGEST_PASSWORD)


def test_a_fixed_address_is_written_as_networkd_reads_it() -> None:
    text = networkd_file("enp3s0", "192.168.1.10/24", "192.168.1.1", ("192.168.1.1", "9.9.9.9"))
    told = parse_networkd_file(text)
    assert (told["Name"], told["Address"], told["Gateway"]) == (
        ("enp3s0",), ("192.168.1.10/24",), ("192.168.1.1",)
    )  # fmt: skip
    assert told["DNS"] == ("192.168.1.1", "9.9.9.9")
