"""The basis on disk: what the first run froze, and every later run starts from."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from icepipe.errors import ConfigError
from icepipe.models import Basis
from icepipe.publish.atomic import replace_file

FILE = "basis.json"
_ADAPTER = TypeAdapter(Basis)


def dump_basis(basis: Basis) -> str:
    """The basis as JSON text; floats read back to the same bits."""
    return _ADAPTER.dump_json(basis, indent=1).decode() + "\n"


def basis_hash(basis: Basis) -> str:
    """Twelve hexadecimal digits that change with anything in the basis."""
    return hashlib.sha256(dump_basis(basis).encode()).hexdigest()[:12]


def save_basis(folder: Path, basis: Basis) -> None:
    """Write ``basis.json``."""
    with replace_file(folder / FILE) as part:
        part.write_text(dump_basis(basis), encoding="utf-8")


def load_basis(folder: Path) -> Basis | None:
    """The basis of an earlier run in this folder, or None.

    Raises
    ------
    ConfigError
        If ``basis.json`` is there and is not one.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        return _ADAPTER.validate_json(path.read_bytes())
    except (ValidationError, OSError):
        raise ConfigError(
            f"{path}: not a basis that this icepipe wrote", "run with --rebase to make a new one"
        ) from None
