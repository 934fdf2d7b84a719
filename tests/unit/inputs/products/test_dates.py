"""Acquisition dates from the names of real products."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from icepipe.errors import InputError
from icepipe.inputs.products.dates import acquisition_time


def date_of(name: str, how="auto", tags=None) -> str:
    day, time = acquisition_time(Path(name), how, lambda: tags or {})
    return f"{day.isoformat()}{time.strftime('T%H%M%S') if time else ''}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bay_20240701.tif", "2024-07-01"),
        ("bay_2024-07-01.tif", "2024-07-01"),
        ("bay_2024_07_01_rgb.tif", "2024-07-01"),
        ("bay-20240701T103045Z.tif", "2024-07-01T103045"),
        ("bay_2024183.tif", "2024-07-01"),
        ("x.A2024183.tif", "2024-07-01"),
        ("20250507.250m.aqua.truecolor.tiff", "2025-05-07"),
        ("ne-greenland.20220914.aqua.250m/truecolor.tiff", "2022-09-14"),
        ("2024-07-01/scene.tif", "2024-07-01"),
        ("LC08_L2SP_233009_20210704_20210902_02_T1_SR_B2.TIF", "2021-07-04"),
        ("LE71400412000304SGS00_RGB.tif", "2000-10-30"),
        ("LT52240631988227CUB02_B6.TIF", "1988-08-14"),
        ("S2B_MSIL2A_20220413T150759_N0400_R025_T33XWJ_20220414T082126.tif", "2022-04-13T150759"),
        ("T33XWJ_20220413T150759_TCI_10m.tif", "2022-04-13T150759"),
        ("MCD43A4.A2017006.h21v11.006.2017018074804_B02.TIF", "2017-01-06"),
        ("MOD09GA.A2017006.1030.h21v11.006.2017018074804.tif", "2017-01-06T103000"),
        ("LS5_TM_NBAR_P54_GANBAR01-002_090_084_19920323_B70.tif", "1992-03-23"),
        ("tile_12345678_20240701.tif", "2024-07-01"),
    ],
)
def test_names(name, expected):
    assert date_of(name) == expected


def test_two_dates_that_differ_are_an_error_naming_both():
    with pytest.raises(InputError, match="2024-07-01 and 2024-08-02"):
        date_of("bay_20240701_20240802.tif")


def test_the_same_day_twice_is_one_day_and_keeps_its_time():
    assert date_of("bay_20240701_20240701T1030.tif") == "2024-07-01T103000"


def test_metadata_come_before_the_tag_of_the_writer():
    tags = {"TIFFTAG_DATETIME": "2024:08:01 00:00:01", "DATE_ACQUIRED": "2024-07-01"}
    assert date_of("bay.tif", tags=tags) == "2024-07-01"
    assert date_of("bay.tif", tags={"TIFFTAG_DATETIME": "2024:07:01 10:30:00"}) == "2024-07-01T103000"


def test_no_date_at_all_is_an_error():
    with pytest.raises(InputError, match=r"no date in .*set inputs.date"):
        date_of("bay.tif")


def test_a_day_or_a_pattern_from_the_config_decides():
    assert date_of("bay_20240701_20240802.tif", how=dt.date(2024, 8, 2)) == "2024-08-02"
    assert date_of("bay_20240701_20240802.tif", how=r"_(\d{8})\.tif") == "2024-08-02"
    assert date_of("d01-07-2024.tif", how="d%d-%m-%Y") == "2024-07-01"
    with pytest.raises(InputError, match="finds no date"):
        date_of("bay_20240701.tif", how="x%Y")
    with pytest.raises(InputError, match="is not a date"):
        date_of("d41-07-2024.tif", how="d%d-%m-%Y")
