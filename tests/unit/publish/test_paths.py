"""The table of output files: names, rows of names, and the list in README."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import pytest

from icepipe.classes import ClassCode
from icepipe.publish.run_folder.paths import (
    CHANGE,
    NOT_OUTPUTS,
    OBSERVATIONS,
    POLYGON_ENDINGS,
    ObservationPaths,
    PairPaths,
    RunPaths,
)
from icepipe.publish.stac import MEDIA_TYPES
from icepipe.publish.vectors.writers import WRITERS
from tests.conftest import ROOT

DAY, LATER = "2024-06-10", "2024-06-22"
RUN = RunPaths(Path("out/arctic"), "arctic")
OBSERVATION, PAIR = RUN.observation(DAY), RUN.pair(DAY, LATER)


def test_a_row_is_the_path_of_its_file_in_a_folder_and_the_row_on_the_class():
    assert RUN.series_csv == Path("out/arctic/series.csv")
    assert RUN.project == Path("out/arctic/arctic.qgs")
    assert OBSERVATION.class_raster == Path("out/arctic/observations/2024-06-10/arctic_2024-06-10_classes.tif")
    assert OBSERVATION.for_scene(2).model.name == "arctic_2024-06-10_scene2_model.json"
    assert OBSERVATION.polygon_file(ClassCode.ICE, ".fgb").name == "arctic_2024-06-10_ice.fgb"
    assert PAIR.polygons == Path("out/arctic/change/2024-06-10_2024-06-22.gpkg")
    assert RunPaths.series_csv.pattern == "series.csv"


def test_names_that_need_the_name_of_the_run_are_refused_where_it_is_not_known():
    unnamed = RunPaths(Path("out/arctic"))
    assert unnamed.observation(DAY).record == OBSERVATION.record
    with pytest.raises(ValueError, match="has no name without a stem"):
        _ = unnamed.geopackage
    with pytest.raises(ValueError, match="has no name without a stem"):
        _ = unnamed.observation(DAY).class_raster


def test_the_paths_next_to_a_class_raster_are_those_of_its_observation():
    assert ObservationPaths.from_raster(OBSERVATION.class_raster) == OBSERVATION
    assert OBSERVATION.in_folder(Path("part")).item == Path("part/arctic_2024-06-10.json")


@pytest.mark.parametrize("paths", [RUN, OBSERVATION, OBSERVATION.for_scene(2), PAIR], ids=lambda paths: paths.stem)
def test_the_name_of_every_row_is_of_that_row_alone(paths):
    rows = paths.rows()
    for name, row in vars(type(paths)).items():
        if row in rows and row is not ObservationPaths.polygons:
            file = getattr(paths, name).relative_to(paths.folder).as_posix()
            assert [candidate for candidate in rows if candidate.matches(file, paths.stem)] == [row], file


@pytest.mark.parametrize(
    "name",
    [
        *("", "notes.txt", "series.csv.bak", "seriesxcsv", "xk.png", "other.gpkg", "arctic_2024-06-10_sceneX_k.png"),
        *(f"arctic_2024-06-10_{rest}" for rest in ("ice", "icex.shp", "xice.shp", "cloud.shp")),
    ],
)
def test_files_of_others_are_of_no_row(name):
    assert RUN.find_row(name) is None
    assert OBSERVATION.find_row(name) is None
    assert PAIR.find_row(name) is None


def test_new_polygons_replace_those_of_every_class_and_the_item_and_nothing_else():
    endings = {*POLYGON_ENDINGS, ".shx", ".dbf", ".prj", ".cpg", ".qml"}
    names = {OBSERVATION.polygon_file(code, end).name for code in (ClassCode.ICE, ClassCode.WATER) for end in endings}
    assert all(OBSERVATION.find_row(name) is ObservationPaths.polygons for name in names)
    assert {row for row in ObservationPaths.rows() if row.has_polygons} == {
        ObservationPaths.polygons,
        ObservationPaths.item,
    }
    assert {ending for ending, _ in WRITERS.values()} | {".gpkg"} == set(POLYGON_ENDINGS)


def test_every_file_that_stac_offers_has_a_media_type():
    offered = [row for kind in (RunPaths, ObservationPaths, PairPaths) for row in kind.rows() if row.is_asset]
    suffixes = {Path(row.pattern).suffix for row in offered if row is not ObservationPaths.polygons}
    assert suffixes | set(POLYGON_ENDINGS) <= MEDIA_TYPES.keys()


def listed_in_readme() -> set[str]:
    """Return the paths that README lists, within the folder of a run."""
    block = (ROOT / "README.md").read_text().split("## What you get\n\n    out/arctic/\n")[1].split("\n\n")[0]
    paths, folder = set(), ""
    for line in block.splitlines():
        names = list(takewhile(lambda word: "." in word or word.endswith("/"), line.split()))
        folder = folder if line.startswith(" " * 8) else ""
        if names[0].endswith("/"):
            (folder,) = names
        else:
            paths |= {f"{folder}{name}" for name in names if name != "..."}
    return paths


def test_readme_lists_every_output_and_nothing_else():
    rows_by_folder = {key: set() for key in (RUN, OBSERVATION, PAIR)}
    for listed in listed_in_readme():
        top = listed.split("/")[0]
        paths = {OBSERVATIONS: OBSERVATION, CHANGE: PAIR}.get(top, RUN) if "/" in listed else RUN
        row = paths.find_row(Path(listed).name)
        assert row is not None or listed in NOT_OUTPUTS, listed
        rows_by_folder[paths].add(row)
    unlisted = {
        RunPaths.occlusion,
        ObservationPaths.class_style,
        ObservationPaths.fraction_style,
        ObservationPaths.model,
        ObservationPaths.k_curve,
        PairPaths.record,
        PairPaths.style,
    }
    for paths, rows in rows_by_folder.items():
        assert set(paths.rows()) - unlisted == rows - {None}
