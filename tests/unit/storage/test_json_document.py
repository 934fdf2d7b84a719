"""Documents are read back as they were written, or not at all."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from icepipe.errors import ConfigError
from icepipe.storage.json_document import JsonDocument


@dataclass(frozen=True)
class Ridge:
    """What the documents of this test hold."""

    name: str
    height_m: float


RIDGES = JsonDocument(dict[str, Ridge])
NOT_RIDGES = ConfigError("not ridges", "measure again")


def test_a_value_that_was_saved_is_loaded_to_the_same_bits(tmp_path):
    value = {"é": Ridge("North", 0.1 + 0.2), "b": Ridge("South", 1e-310)}
    RIDGES.save(tmp_path / "ridges.json", value)
    assert RIDGES.load(tmp_path / "ridges.json", NOT_RIDGES) == value
    assert RIDGES.parse(RIDGES.compact(value)) == value
    assert (tmp_path / "ridges.json").read_text().endswith("}\n")


@pytest.mark.parametrize("text", ["", "[]", '{"b": {"name": "South"}}', '{"b": {"name": "South", "height_m": 1}'])
def test_what_is_not_such_a_document_is_none_or_the_error_given(tmp_path, text):
    path = tmp_path / "ridges.json"
    path.write_text(text)
    assert RIDGES.parse(text) is None
    assert RIDGES.load_or_none(path) is None
    with pytest.raises(ConfigError, match="not ridges; measure again"):
        RIDGES.load(path, NOT_RIDGES)


def test_a_file_that_is_not_there_or_is_a_folder_is_none_or_the_error_given(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        assert RIDGES.load_or_none(path) is None
        with pytest.raises(ConfigError, match="not ridges"):
            RIDGES.load(path, NOT_RIDGES)
