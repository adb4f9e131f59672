from __future__ import annotations

import pytest

from scripts.report.status import parse_status, render_packages

STATUS = """\
Package: zfs-dkms
Status: install ok installed
Installed-Size: 10
Architecture: all
Version: 2.3.9-1
Depends: dkms (>= 2.1), libc6-dev | libc-dev,
 perl:any
Description: text
 Depends: not-a-field

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
Depends: nothing

Package: mawk
Status: install ok installed
Architecture: amd64
Version: 1.3.4-2+b1
Priority: required
Pre-Depends: libc6 (>= 2.38)
Provides: awk, awk-virtual (= 2)
"""


def test_only_what_is_installed_counts_sorted_by_name():
    assert list(parse_status(STATUS)) == ["mawk", "zfs-dkms"]


def test_relations_lose_versions_and_architectures():
    package = parse_status(STATUS)["zfs-dkms"]
    assert package.depends == (("dkms",), ("libc6-dev", "libc-dev"))
    assert package.size == 10240
    assert not package.essential


def test_a_required_package_without_a_size():
    package = parse_status(STATUS)["mawk"]
    assert (package.essential, package.size) == (True, 0)
    assert package.depends == (("libc6",),)
    assert package.provides == ("awk", "awk-virtual")


def test_the_list_is_name_version_architecture():
    text = render_packages(parse_status(STATUS).values())
    assert text == "mawk\t1.3.4-2+b1\tamd64\nzfs-dkms\t2.3.9-1\tall\n"


def test_a_relation_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="package relation"):
        parse_status(STATUS.replace("dkms (>= 2.1)", "(>= 2.1)"))
