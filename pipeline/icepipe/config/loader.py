"""Read a config file and report each fault with its line."""

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
from ruamel.yaml.events import AliasEvent, MappingEndEvent, MappingStartEvent, SequenceEndEvent, SequenceStartEvent

from icepipe.config.schema import Config
from icepipe.errors import ConfigError

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
"""Limits of a config file, far above any that a person writes: larger ones would cost time and memory to parse."""

_VARIABLE = re.compile(r"\$\{(\w+)\}")

Location = tuple[int | str, ...]
"""Keys and list indices from the root of a config to a value."""


def check_structure(text: str, path: Path) -> None:
    """Raise at aliases and deep nesting.

    Raises
    ------
    ConfigError
        With the line of the first alias, or of the first value that is nested too deep.
    """
    depth = 0
    # Events are parsed before anything is built: nested aliases would expand to gigabytes, deep nesting recurses.
    for event in YAML(typ="safe", pure=True).parse(text):
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent):
            raise ConfigError(f"{path}, line {line}: aliases (*name) are not allowed", "write the value out")
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise ConfigError(f"{path}, line {line}: nested more than {MAX_DEPTH} deep", "flatten it")
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            depth -= 1


def read_yaml(path: Path) -> Any:  # noqa: ANN401
    """Return the YAML tree of a file, whose nodes know their lines.

    Raises
    ------
    ConfigError
        If the file cannot be read, is too large, or is not valid YAML.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes", "check that this is the right file")
        text = path.read_text(encoding="utf-8")
        check_structure(text, path)
        # "rt" keeps the line of every key; the safe loader does not.
        return YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        problem = str(error.problem).splitlines()[0]
        raise ConfigError(f"{path}{line}: {problem}", "correct the YAML") from None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})", "check the file") from None


def expand_variables(node: Any) -> Any:  # noqa: ANN401
    """Return a YAML tree as plain Python values, with ``${VAR}`` replaced by environment variables.

    Raises
    ------
    ConfigError
        If a variable is not set.
    """
    if isinstance(node, dict):
        return {str(key): expand_variables(value) for key, value in node.items()}
    if isinstance(node, list):
        return [expand_variables(value) for value in node]
    if isinstance(node, str):
        if missing := [name for name in _VARIABLE.findall(node) if name not in os.environ]:
            raise ConfigError(f"the environment has no variable {missing[0]}", "set it, or remove it from the config")
        return _VARIABLE.sub(lambda match: os.environ[match[1]], node)
    return node


def find_line(tree: Any, location: Location) -> int | None:  # noqa: ANN401
    """Return the line of the deepest key of a location that the YAML tree has; None if it has none."""
    line = None
    for key in location:
        if not isinstance(tree, dict | list) or not hasattr(tree, "lc"):
            break
        try:
            line = (tree.lc.key if isinstance(tree, dict) else tree.lc.item)(key)[0] + 1
            tree = tree[key]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            # A key that is missing, or that `--set` or a default added: the line of its section is the best there is.
            break
    return line


def resolve_key(location: Location) -> tuple[Location, list[str]]:
    """Return the location of a fault in the config, and the known keys of its section.

    Pydantic appends names of union members, ``("segment", "k", "constrained-int")``, which are no keys of a config.
    """
    model: Any = Config
    fields: Any = None
    for depth, part in enumerate(location):
        fields = getattr(model, "model_fields", None)
        if fields is None or part not in fields:
            end = depth + 1 if fields is not None or isinstance(part, int) else depth
            return location[:end], list(fields or ())
        model = fields[part].annotation
    return location, list(fields or ())


def describe_fault(error: Any, tree: Any, path: Path) -> tuple[str, str]:  # noqa: ANN401
    """Return file, line and key of a fault that pydantic reports, and what is wrong."""
    location, known_keys = resolve_key(tuple(error["loc"]))
    unknown = error["type"] == "extra_forbidden"
    if unknown and location[-1] != error["loc"][-1]:
        # The key of a section that is one of several alternatives, or an item of a list.
        location = (*location, error["loc"][-1])
    key = ".".join(map(str, location))
    line = find_line(tree, location)
    place = f"{path}, line {line}" if line else f"{path}"
    problem = error["msg"].removeprefix("Value error, ")
    if not location:
        # A fault between sections: the value would be the whole config.
        return place, problem
    if unknown:
        near = difflib.get_close_matches(str(location[-1]), known_keys, n=1)
        return f"{place}: unknown key {key}", f"did you mean {near[0]}?" if near else ""
    if error["type"] == "missing":
        return f"{place}: {key} is missing", ""
    return f"{place}: {key}", f"{problem}, not {error['input']!r}"


def format_faults(faults: Iterable[tuple[str, str]]) -> str:
    """Return one line per key, with all that is wrong with it joined by ``or``."""
    # A value of a union has a fault for every member that it does not match; it has to match only one of them.
    problems_by_key: dict[str, list[str]] = {}
    for key, problem in faults:
        problems_by_key.setdefault(key, []).append(problem)
    lines = []
    for key, problems in problems_by_key.items():
        text = "; or ".join(dict.fromkeys(problem for problem in problems if problem))
        lines.append(f"{key}{', ' if 'unknown key' in key else ': '}{text}" if text else key)
    return "\n".join(lines)


def apply_assignment(values: dict[str, Any], assignment: str) -> None:
    """Set ``section.key=value`` in nested values in place; the value is YAML.

    Raises
    ------
    ConfigError
        If the assignment is malformed, or goes into a value that is not a section.
    """
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
    """Read and validate a config file.

    Parameters
    ----------
    path
        The file.
    assignments
        ``section.key=value`` texts that override the file.

    Raises
    ------
    ConfigError
        With the line and the key of every fault.
    """
    path = Path(path)
    tree = read_yaml(path)
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: not a mapping of keys to values", "start with `name:` and `inputs:`")
    # The section is put in so that its default folder too is relative to the config file and not to the process.
    values = {"publish": {}} | expand_variables(tree)
    for assignment in assignments:
        apply_assignment(values, assignment)
    try:
        return Config.model_validate(values, context={"base": path.absolute().parent})
    except ValidationError as error:
        raise ConfigError(format_faults(describe_fault(fault, tree, path) for fault in error.errors())) from None
