"""Observation keys: composition, parsing, and serialization."""

from __future__ import annotations

import copy
import datetime as dt
import pickle

import pytest
from pydantic import TypeAdapter, ValidationError

from icepipe.inputs.observation_key import ObservationKey, PublishedKey, utc_text

DAY = dt.date(2024, 7, 1)
PARTS = [
    ("2024-07-01", (DAY, None, "")),
    ("2024-07-01_terra", (DAY, None, "terra")),
    ("2024-07-01T1030", (DAY, dt.time(10, 30), "")),
    ("2024-07-01T0000_sentinel-2a", (DAY, dt.time(0), "sentinel-2a")),
]


@pytest.mark.parametrize(("text", "parts"), PARTS)
def test_a_key_is_composed_and_parsed_as_published(text, parts):
    key = ObservationKey.of(*parts)
    assert str(key) == text
    assert (key.day, key.time, key.platform) == parts
    assert ObservationKey(text) == key


@pytest.mark.parametrize(
    "text", ["", "bay", "2024-07", "2024-02-30", "2024-07-01T9999", "2024-07-01 copy", "x2024-07-01"]
)
def test_a_text_that_is_no_key_is_refused(text):
    with pytest.raises(ValueError, match=r"not the key|day is out of range"):
        ObservationKey(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-07-01", "2024-07-01"),
        ("2024-07-01T1030_aqua", "2024-07-01T10:30:00Z"),
        ("2024-07-01T103005_aqua", "2024-07-01T10:30:05Z"),
        ("2024-07-01_aqua", "2024-07-01"),
        ("2024-07-01T0000", "2024-07-01T00:00:00Z"),
    ],
)
def test_the_time_of_a_key_is_written_as_utc(text, moment):
    key = ObservationKey(text)
    assert utc_text(key.day, key.time) == moment


def test_keys_sort_as_their_texts():
    texts = ["2024-07-01", "2024-07-01T1030_aqua", "2024-07-01_aqua", "2024-07-02"]
    assert sorted(map(ObservationKey, reversed(texts))) == texts


def test_a_key_is_text_in_a_document_and_a_key_again_when_read():
    adapter = TypeAdapter(PublishedKey)
    read = adapter.validate_json(adapter.dump_json(ObservationKey("2024-07-01T1030_aqua")))
    assert (type(read), read.platform) == (ObservationKey, "aqua")
    with pytest.raises(ValidationError):
        adapter.validate_json(b'"bay"')


def test_copies_of_a_key_are_keys():
    key = ObservationKey("2024-07-01_aqua")
    for copied in (copy.deepcopy(key), pickle.loads(pickle.dumps(key))):
        assert (type(copied), copied) == (type(key), key)
