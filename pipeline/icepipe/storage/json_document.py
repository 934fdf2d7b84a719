"""JSON documents: written whole, and read back as the dataclass that they hold, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from icepipe.errors import IcepipeError
from icepipe.storage.atomic import replace_file

T = TypeVar("T")


class JsonDocument(Generic[T]):
    """How values of one type are written as JSON and read again; floats read back to the same bits.

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
        """Write a file whole.

        Raises
        ------
        IntegrityError
            If it cannot be written; the old one is untouched.
        """
        with replace_file(path) as part:
            part.write_text(self.text(value), encoding="utf-8")

    def parse(self, text: str | bytes) -> T | None:
        """Return the value that a text holds; None where it holds none of this type."""
        try:
            return self._adapter.validate_json(text)
        except ValidationError:
            return None

    def load_or_none(self, path: Path) -> T | None:
        """Return the value of a file; None where it cannot be read or holds none of this type."""
        try:
            return self.parse(path.read_bytes())
        except OSError:
            return None

    def load(self, path: Path, error: IcepipeError) -> T:
        """Return the value of a file.

        Raises
        ------
        IcepipeError
            The one given, if the file cannot be read or holds no value of this type.
        """
        value = self.load_or_none(path)
        if value is None:
            raise error
        return value


def json_text(value: Any) -> str:  # noqa: ANN401
    """JSON for files: indented, keys as given, no NaN."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401
    """Write a JSON file whole."""
    with replace_file(path) as part:
        part.write_text(json_text(value), encoding="utf-8")
