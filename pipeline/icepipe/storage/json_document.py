"""JSON documents: written atomically, and read back as validated dataclasses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from icepipe.errors import IcepipeError
from icepipe.storage.atomic import replace_file

T = TypeVar("T")


class JsonDocument(Generic[T]):
    """JSON format of the values of one type; floats are read back bit for bit.

    Parameters
    ----------
    kind
        Type of the values: a frozen dataclass, or a mapping of them.
    """

    def __init__(self, kind: type[T]) -> None:
        self._adapter = TypeAdapter(kind)

    def compact(self, value: T) -> str:
        """Return the value as one line of JSON."""
        return self._adapter.dump_json(value).decode()

    def text(self, value: T) -> str:
        """Return the value as the text of a file."""
        return self._adapter.dump_json(value, indent=1).decode() + "\n"

    def save(self, path: Path, value: T) -> None:
        """Write a value to a file atomically.

        Raises
        ------
        IntegrityError
            If the file cannot be written; the old file is unchanged.
        """
        with replace_file(path) as part:
            part.write_text(self.text(value), encoding="utf-8")

    def parse(self, text: str | bytes) -> T | None:
        """Return the value of a text; None if it holds no value of this type."""
        try:
            return self._adapter.validate_json(text)
        except ValidationError:
            return None

    def load_or_none(self, path: Path) -> T | None:
        """Return the value of a file; None if it cannot be read or holds no value of this type."""
        try:
            return self.parse(path.read_bytes())
        except OSError:
            return None

    def load(self, path: Path, error: IcepipeError) -> T:
        """Return the value of a file.

        Raises
        ------
        IcepipeError
            ``error`` itself, if the file cannot be read or holds no value of this type.
        """
        value = self.load_or_none(path)
        if value is None:
            raise error
        return value


def json_text(value: Any) -> str:  # noqa: ANN401
    """Return a value as the JSON text of a file: indented, keys in the given order, no NaN."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401
    """Write a value to a JSON file atomically."""
    with replace_file(path) as part:
        part.write_text(json_text(value), encoding="utf-8")
