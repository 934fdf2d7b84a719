"""What a user may say: every key, every default, nowhere else."""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, MappingStartEvent, SequenceStartEvent

from icepipe.errors import ConfigError

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"


def _absolute(path: str, info: ValidationInfo) -> str:
    base = (info.context or {}).get("base", Path.cwd())
    return os.path.normpath(Path(base) / Path(path).expanduser())


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Inputs(_Section):
    """Which files, and what their numbers mean."""

    scenes: tuple[str, ...] = Field(description="Glob, folder or file, or a list of them; relative to the config")
    sensor: Literal["auto", "rgb", "modis-truecolor"] = Field(
        "auto", description="What the bands are; auto asks descriptions, colour interpretation and file names"
    )
    date: dt.date | str = Field("auto", description="auto, a strptime pattern, a regular expression, or a day")
    nodata: Literal["auto", "none"] | tuple[Annotated[float, Field(allow_inf_nan=False)], ...] = Field(
        "auto", description="auto (the file's tag), none, or values; alpha and mask bands always count"
    )

    @field_validator("scenes", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:  # noqa: ANN401
        return (value,) if isinstance(value, str) else value

    @field_validator("nodata", mode="before")
    @classmethod
    def _one_value_or_many(cls, value: Any) -> Any:  # noqa: ANN401
        return (value,) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("scenes")
    @classmethod
    def _resolve(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not value:
            raise ValueError("names no file")
        return tuple(_absolute(path, info) for path in value)


class Segment(_Section):
    """How pixels become clusters."""

    k: int = Field(6, ge=2, le=32, description="Clusters that the fit starts from")
    sample: int = Field(200_000, ge=1_000, le=5_000_000, description="Pixels that the fit looks at")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Picks the sample and the start of the fit")


class Measure(_Section):
    """How classes become numbers."""

    period: Literal["day", "scene"] = Field("day", description="What one row stands for")
    min_valid: float = Field(0.5, ge=0, le=1, description="Rows that saw less of the region are flagged")


class Polygons(_Section):
    """Which classes become polygons."""

    classes: tuple[Literal["ice", "water", "other"], ...] = Field(("ice", "water"), description="One layer each")


class Publish(_Section):
    """Where results go."""

    folder: str = Field("../out", description="Results are written to <folder>/<name>")
    polygons: Polygons = Polygons()

    @field_validator("folder")
    @classmethod
    def _resolve(cls, value: str, info: ValidationInfo) -> str:
        return _absolute(value, info)


class Config(_Section):
    """A whole run."""

    name: str = Field(pattern=_NAME, description="Names the folder and the files of the run")
    inputs: Inputs
    segment: Segment = Segment()
    measure: Measure = Measure()
    publish: Publish = Field(default_factory=Publish)

    @property
    def run_folder(self) -> Path:
        """Folder that the run writes to."""
        return Path(self.publish.folder) / self.name

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change with every setting but paths."""
        settings = self.model_dump(mode="json")
        del settings["inputs"]["scenes"], settings["publish"]["folder"]
        text = json.dumps(settings, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


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


def _describe(error: Any, tree: Any, path: Path) -> str:  # noqa: ANN401
    location = tuple(error["loc"])
    named = ".".join(str(part) for part in location if not str(part).startswith(("literal[", "tuple[", "function-")))
    line = _line(tree, location)
    where = f"{path}, line {line}" if line else f"{path}"
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(location[-1]), _known_keys(location[:-1]), n=1)
        return f"{where}: unknown key {named}" + (f", did you mean {near[0]}?" if near else "")
    if error["type"] == "missing":
        return f"{where}: {named} is missing"
    return f"{where}: {named}: {error['msg'].removeprefix('Value error, ')}, not {error['input']!r}"


def load(path: str | Path) -> Config:
    """Read and check a config file.

    Raises
    ------
    ConfigError
        With the line and the key of everything that is wrong.
    """
    path = Path(path)
    tree = _parse(path)
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: not a mapping of keys to values", "start from `name:` and `inputs:`")
    try:
        values = {"publish": {}} | _expand_variables(tree)
        return Config.model_validate(values, context={"base": path.absolute().parent})
    except ValidationError as error:
        faults = dict.fromkeys(_describe(fault, tree, path) for fault in error.errors())
        raise ConfigError("\n".join(faults)) from None


def schema() -> dict[str, Any]:
    """JSON Schema of a config file."""
    return Config.model_json_schema()
