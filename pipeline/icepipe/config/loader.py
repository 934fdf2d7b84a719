"""A config file: read, with the line of everything that is wrong in it."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, MappingStartEvent, SequenceStartEvent

from icepipe.config.schema import Config
from icepipe.errors import ConfigError

MAX_BYTES = 1_000_000
MAX_DEPTH = 20


def _refuse_traps(text: str, path: Path) -> None:
    """Stop at aliases and deep nesting before anything is built from them."""
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent):
            raise ConfigError(f"{path}, line {line}: aliases (*name) are not allowed", "write the value out")
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise ConfigError(f"{path}, line {line}: nested more than {MAX_DEPTH} deep", "flatten it")
        elif type(event).__name__ in {"MappingEndEvent", "SequenceEndEvent"}:
            depth -= 1


def _parse(path: Path) -> Any:  # noqa: ANN401
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes", "a config is a page, not a book")
        text = path.read_text(encoding="utf-8")
        _refuse_traps(text, path)
        return YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        problem = str(error.problem).splitlines()[0]
        raise ConfigError(f"{path}{line}: {problem}", "correct the YAML") from None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})", "check the file") from None


def _expand_variables(node: Any) -> Any:  # noqa: ANN401
    """Plain Python values with ``${VAR}`` taken from the environment."""
    if isinstance(node, dict):
        return {str(key): _expand_variables(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_expand_variables(value) for value in node]
    if isinstance(node, str):
        return re.sub(r"\$\{(\w+)\}", _variable, node)
    return node


def _variable(match: re.Match[str]) -> str:
    try:
        return os.environ[match.group(1)]
    except KeyError:
        raise ConfigError(f"the environment has no variable {match.group(1)}", "set it or take it out") from None


def _line(tree: Any, location: tuple[int | str, ...]) -> int | None:  # noqa: ANN401
    """Line of the deepest key of ``location`` that the YAML tree has."""
    line = None
    for key in location:
        if not isinstance(tree, dict | list) or not hasattr(tree, "lc"):
            break
        try:
            line = (tree.lc.key if isinstance(tree, dict) else tree.lc.item)(key)[0] + 1
            tree = tree[key]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            break
    return line


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    model: Any = Config
    for key in location:
        model = model.model_fields[key].annotation if key in getattr(model, "model_fields", {}) else None
    return list(getattr(model, "model_fields", {}))


def _key(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Location less what the checker adds of its own: names of alternatives after the last key."""
    model: Any = Config
    for depth, part in enumerate(location):
        fields = getattr(model, "model_fields", None)
        if fields is None or part not in fields:
            return location[: depth + 1] if fields is not None or isinstance(part, int) else location[:depth]
        model = fields[part].annotation
    return location


def _describe(error: Any, tree: Any, path: Path) -> tuple[str, str]:  # noqa: ANN401
    """Where and which key, and what is wrong with it."""
    location = _key(tuple(error["loc"]))
    named = ".".join(map(str, location))
    line = _line(tree, location)
    where = f"{path}, line {line}" if line else f"{path}"
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(location[-1]), _known_keys(location[:-1]), n=1)
        return f"{where}: unknown key {named}", f"did you mean {near[0]}?" if near else ""
    if error["type"] == "missing":
        return f"{where}: {named} is missing", ""
    return f"{where}: {named}", f"{error['msg'].removeprefix('Value error, ')}, not {error['input']!r}"


def _sentences(faults: Iterable[tuple[str, str]]) -> str:
    """One line a key, what is wrong with it joined by ``or``."""
    grouped: dict[str, list[str]] = {}
    for where, what in faults:
        grouped.setdefault(where, []).append(what)
    lines = []
    for where, whats in grouped.items():
        said = "; or ".join(dict.fromkeys(what for what in whats if what))
        lines.append(f"{where}{', ' if 'unknown key' in where else ': '}{said}" if said else where)
    return "\n".join(lines)


def _override(values: dict[str, Any], assignment: str) -> None:
    """Put ``section.key=value`` into nested values; the value is YAML."""
    key, equals, text = assignment.partition("=")
    *sections, last = key.strip().split(".")
    if not equals or not last:
        raise ConfigError(f"--set {assignment}: not of the form section.key=value", "write e.g. segment.k=8")
    try:
        value = YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        raise ConfigError(f"--set {assignment}: the value is not YAML", "quote it") from None
    for section in sections:
        inner = values.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {assignment}: {section} is a value and not a section", "see `icepipe schema`")
        values = inner
    values[last] = value


def load(path: str | Path, assignments: Sequence[str] = ()) -> Config:
    """Read and check a config file.

    Parameters
    ----------
    path
        The file.
    assignments
        ``section.key=value`` texts that win over the file.

    Raises
    ------
    ConfigError
        With the line and the key of everything that is wrong.
    """
    path = Path(path)
    tree = _parse(path)
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: not a mapping of keys to values", "start from `name:` and `inputs:`")
    values = {"publish": {}} | _expand_variables(tree)
    for assignment in assignments:
        _override(values, assignment)
    try:
        return Config.model_validate(values, context={"base": path.absolute().parent})
    except ValidationError as error:
        raise ConfigError(_sentences(_describe(fault, tree, path) for fault in error.errors())) from None
