"""Read `image.yaml`, or say in which line which key is wrong and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

from scripts.errors import SpecError
from scripts.spec.check import Finding, cross_check
from scripts.spec.model import Spec

Key = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class _Document:
    """A YAML file with the place of each of its keys."""

    path: Path
    root: yaml.Node

    def line(self, key: Key) -> int:
        """The line (from 1) of the deepest part of `key` that is in the file."""
        node = self.root
        line = node.start_mark.line
        for part in key:
            found = _child(node, part)
            if found is None:
                break
            line, node = found
        return line + 1


def _child(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(part):
                return name.start_mark.line, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item.start_mark.line, item
    return None


class _Loader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice: YAML would silently keep the last one."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[object, object]:
    seen: set[object] = set()
    for name, _value in node.value:
        if not isinstance(name, yaml.ScalarNode):
            continue  # construct_mapping says what is wrong with it
        if name.value in seen:
            raise yaml.MarkedYAMLError(problem=f"key given twice: {name.value}",
                                       problem_mark=name.start_mark)  # fmt: skip
        seen.add(name.value)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load_spec(root: Path) -> Spec:
    """The checked specification of the checkout at `root`.

    Raises:
        SpecError: with one line for each thing that is wrong: file, line, key, what is allowed.
    """
    path = root / "image.yaml"
    document, data = _parse(path)
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        findings = [_explain(item) for item in error.errors()]
        raise _spec_error(document, findings) from None
    findings = cross_check(spec, root)
    if findings:
        raise _spec_error(document, findings)
    return spec


def _parse(path: Path) -> tuple[_Document, object]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path.name} cannot be read: {error}") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with one more check
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise SpecError(f"{path.name}:{line}: {error.problem}", "it must be valid YAML") from None
    except yaml.YAMLError as error:
        raise SpecError(f"{path.name}:1: {error}", "it must be valid YAML") from None
    if node is None:
        raise SpecError(f"{path.name}:1: the file is empty")
    return _Document(path, node), data


def _spec_error(document: _Document, findings: Sequence[Finding]) -> SpecError:
    lines = [
        f"{document.path.name}:{document.line(finding.key)}: "
        f"{'.'.join(map(str, finding.key)) or 'file'}: {finding.problem}"
        + (f" (allowed: {finding.allowed})" if finding.allowed else "")
        for finding in findings
    ]
    return SpecError("\n".join(lines), "nothing was built; docs/reference/image-yaml.md has every key")


def _explain(item: object) -> Finding:
    """One pydantic error in plain words."""
    assert isinstance(item, dict)  # noqa: S101 - the library's own documented shape
    key = tuple(part for part in item["loc"] if part != "[key]")  # the key itself does not fit
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return Finding(key, "unknown key", ", ".join(_known_keys(key[:-1])))
    if kind == "missing":
        return Finding(key[:-1] or key, f"the key {key[-1]} is missing")
    if kind == "enum":
        return Finding(key, f"{item['input']!r} is not known", str(context.get("expected", "")))
    if kind == "string_pattern_mismatch":
        return Finding(key, f"{item['input']!r} does not fit", f"pattern {context['pattern']}")
    return Finding(key, f"{item['msg']}, got {item['input']!r}"[:200])


def _known_keys(parents: Key) -> list[str]:
    """The keys allowed below `parents`."""
    model: type[BaseModel] = Spec
    for part in parents:
        field = model.model_fields.get(str(part))
        annotation = field.annotation if field else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
        elif str(part) == "features" and model is Spec:
            from scripts.spec.model import Feature

            model = Feature
    return sorted(model.model_fields)
