from __future__ import annotations

import os

from scripts.report.tree import Distribution, folder_sizes, private_python, sha256


def put(path, content: bytes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_folders_are_cut_at_the_third_level_and_add_up(tmp_path):
    put(tmp_path / "usr/lib/python3/deep/er/file", b"12345")
    put(tmp_path / "usr/lib/file", b"123")
    put(tmp_path / "top", b"1")
    assert folder_sizes(tmp_path) == {"usr/lib/python3": 5, "usr/lib": 3, "": 1}


def test_a_hard_link_counts_once_and_a_symbolic_one_not_at_all(tmp_path):
    file = put(tmp_path / "usr/bin/a", b"1234")
    os.link(file, tmp_path / "usr/bin/b")
    (tmp_path / "usr/bin/c").symlink_to("a")
    assert folder_sizes(tmp_path) == {"usr/bin": 4}


def test_what_the_kernel_mounts_is_not_the_image(tmp_path):
    put(tmp_path / "proc/kcore", b"1" * 100)
    put(tmp_path / "usr/tmp/file", b"1")
    assert folder_sizes(tmp_path) == {"usr/tmp": 1}


def test_private_python_is_read_from_its_metadata(tmp_path):
    base = tmp_path / "usr/lib/sigmavault/python"
    put(
        base / "llama_cpp_python-0.3.36.dist-info/METADATA",
        b"Metadata-Version: 2.1\nName: llama_cpp_python\nVersion: 0.3.36\nLicense: MIT\n"
        b"Project-URL: Issues, https://example.invalid/i\nProject-URL: Homepage, https://example.invalid/\n"
        b"\nName: not this one\n",
    )
    put(base / "a-1.dist-info/METADATA", b"Name: a\nVersion: 1\nLicense-Expression: BSD-3-Clause\n")
    assert private_python(tmp_path) == [
        Distribution(name="a", version="1", licence="BSD-3-Clause", homepage=""),
        Distribution(
            name="llama_cpp_python", version="0.3.36", licence="MIT", homepage="https://example.invalid/"
        ),
    ]


def test_the_checksum_is_that_of_sha256sum(tmp_path):
    assert sha256(put(tmp_path / "x", b"abc")).startswith("ba7816bf8f01cfea414140de5dae2223b00361a3")
