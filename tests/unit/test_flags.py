"""The table of quality flags, and their text in documents and tables."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter

from icepipe.errors import IntegrityError
from icepipe.flags import EXCLUDING_FLAGS, Flag, flags_text, parse_flags
from icepipe.measure.area.series import COLUMNS, Row
from icepipe.publish.report.published_run import read_published_run
from icepipe.publish.run_folder.record import last_record
from tests.conftest import ROOT
from tests.series import daily


def test_the_table_is_in_the_order_of_the_codes():
    assert list(Flag) == sorted(Flag)
    assert all(flag == flag.name.lower() for flag in Flag)


def test_every_flag_has_a_meaning_of_its_own():
    meanings = [flag.meaning for flag in Flag]
    assert all(meanings)
    assert len(set(meanings)) == len(meanings)


def test_rows_without_a_usable_area_are_excluded_from_trends():
    assert EXCLUDING_FLAGS == (Flag.MODEL_DRIFT, Flag.MODEL_MISFIT, Flag.NOTHING_SEEN, Flag.UNDER_MIN_VALID)


def test_flags_are_published_in_order_and_read_back():
    assert flags_text([Flag.PARTLY_SEEN, Flag.CLOUDY, Flag.CLOUDY]) == "cloudy;partly_seen"
    assert parse_flags("cloudy;partly_seen") == {Flag.CLOUDY, Flag.PARTLY_SEEN}
    assert (flags_text([]), parse_flags("")) == ("", frozenset())


def test_a_document_and_a_table_hold_the_text_of_a_rows_flags():
    (row,) = daily([("2024-07-01", 4.0)], flags="partly_seen;cloudy")
    document = TypeAdapter(Row).dump_json(row)
    assert json.loads(document)["flags"] == "cloudy;partly_seen"
    assert TypeAdapter(Row).validate_json(document) == row
    assert row.cells[COLUMNS.index("flags")] == "cloudy;partly_seen"
    assert Row.from_cells(row.cells) == row


@pytest.fixture
def run_folder(run_scenes):
    return run_scenes([ROOT / "data/samples/arctic/bay_20240610_a.tif"]).folder


def test_a_record_with_a_flag_that_is_not_known_is_treated_as_none(run_folder):
    place = run_folder / "observations/2024-06-10"
    document = json.loads((place / "record.json").read_text())
    for flags, is_read in (("cloudy", True), ("cloudy;of_a_later_version", False)):
        document["rows"][0]["flags"] = flags
        (place / "record.json").write_text(json.dumps(document))
        assert (last_record(place) is not None) == is_read


def test_a_table_with_a_flag_that_is_not_known_is_refused(run_folder):
    path = run_folder / "series.parquet"
    table = pq.read_table(path)
    flags = pa.array(["of_a_later_version"] * len(table))
    pq.write_table(table.set_column(COLUMNS.index("flags"), "flags", flags), path)
    with pytest.raises(IntegrityError, match=r"series\.parquet: cannot be read \('of_a_later_version' is not a valid"):
        read_published_run(run_folder)
