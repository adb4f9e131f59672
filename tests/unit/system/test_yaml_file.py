from __future__ import annotations

from pathlib import Path

import pytest
from sigmavault.core.errors import ConfigError
from sigmavault.system.yaml_file import read_yaml


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [1, true]\n")
    assert read_yaml(tmp_path / "a.yaml") == {"a": [1, True]}


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\x00", b"!!python/object/apply:os.system [id]"])
def test_what_is_no_plain_yaml_is_refused_with_the_files_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"bad\.yaml: "):
        read_yaml(tmp_path / "bad.yaml")


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_yaml(tmp_path / "none.yaml")
