"""What a notebook shows: tables, drawings and polygons of a run, and a picture's palette; by the real IPython."""

from __future__ import annotations

import io
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter
from IPython.core.pylabtools import print_figure
from matplotlib.figure import Figure
from PIL import Image

import icepipe
from icepipe.errors import ConfigError, IntegrityError
from icepipe.flags import Flag, flags_text
from icepipe.publish.report import notebook
from icepipe.publish.report import series_plot as plots
from icepipe.publish.vectors import writers as vectors
from tests.conftest import ROOT
from tests.rasters import write

SAMPLES = ROOT / "data/samples/arctic"
SCENES = [SAMPLES / f"bay_{name}.tif" for name in ("20240610_a", "20240610_b", "20240622_a", "20240622_b")]
FORMATS = ["shapefile", "geoparquet", "flatgeobuf", "geopackage"]


class Text(HTMLParser):
    """Tags and words of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.words = set(), []
        self.feed(page)

    def handle_starttag(self, tag, _):
        self.tags.add(tag)

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    polygons = {"format": FORMATS, "classes": ["ice", "water", "other"]}
    settings = {
        "name": "bay",
        "inputs": {"scenes": [str(path) for path in SCENES]},
        "publish": {"folder": str(folder), "polygons": polygons},
    }
    return icepipe.run(icepipe.Config.model_validate(settings))


def shown(thing):
    """What a notebook has to choose from."""
    return DisplayFormatter().format(thing)[0]


@pytest.mark.parametrize("ending", [".parquet", ".fgb", ".shp"])
def test_polygons_of_every_format_add_up_to_the_series(result, monkeypatch, ending):
    monkeypatch.setattr(notebook, "ENDINGS", (ending,))
    frame = result.to_geodataframe()
    assert frame.columns.tolist() == ["observation", *notebook.SCHEMA.names, "flags"]
    assert frame.geometry.is_valid.all()
    assert frame.crs.to_epsg() == 3413
    assert frame["date"].dtype == "datetime64[s]"
    sums = frame.groupby(["observation", "class"])["area_km2"].sum()
    counts = frame.groupby(["observation", "class"]).size()
    for row in result.rows:
        if row.n_polygons:
            assert sums[row.date, row.class_] == pytest.approx(row.area_km2, rel=1e-9)
            assert counts[row.date, row.class_] == row.n_polygons
    assert set(result.to_geodataframe("water", "water")["class"]) == {"water"}
    assert len(result.to_geodataframe("water", "water")) == (frame["class"] == "water").sum()
    assert set(frame["flags"]) == {
        flags_text(row.flags) for row in result.rows if row.class_ in {"ice", "water", "other"}
    }


def test_polygons_that_no_shapefile_can_hold(run_scenes, monkeypatch):
    monkeypatch.setattr(vectors, "shapefile_obstacle", lambda _: "too large")
    result = run_scenes(SCENES[:1])
    assert not list(result.folder.rglob("*.shp"))
    assert set(result.to_geodataframe()["class"]) == {"ice", "water"}
    with pytest.raises(ConfigError, match="no polygons of other are published"):
        result.to_geodataframe("other")


def test_the_series_as_a_table(result):
    frame, read = result.to_dataframe(), pd.read_parquet(result.folder / "series.parquet")
    assert frame.columns.tolist() == read.columns.tolist()
    pd.testing.assert_frame_equal(frame, read, check_dtype=False)
    assert frame["area_km2"].dtype == "float64"


def test_a_run_is_a_table_in_a_notebook(result):
    page = shown(result)["text/html"]
    text = Text(page)
    assert {"table", "ul"} <= text.tags <= {"div", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
    ice = next(row for row in result.rows if row.class_ == "ice")
    assert f"{ice.area_km2:,.3f}" in text.words
    assert f"{ice.area_low_km2:,.3f} .. {ice.area_high_km2:,.3f}" in text.words
    assert f"Written to {result.folder}" in text.words


def test_text_stays_text(result):
    row = result.rows[0]
    hostile = tuple(type(row)(**vars(r) | {"date": "<script>alert(1)</script>"}) for r in result.rows)
    page = notebook.run_html(result.folder, hostile, ["<img src=x onerror=alert(1)>"])
    assert not {"script", "img"} & Text(page).tags


def test_only_the_newest_lines_are_shown(result, monkeypatch):
    monkeypatch.setattr(notebook, "MOST_LINES", 1)
    text = Text(shown(result)["text/html"])
    assert "1 earlier lines are not shown here" in text.words
    assert "2024-06-22" in text.words
    assert "2024-06-10" not in text.words


def test_the_series_is_drawn_as_in_the_report(result):
    figure = result.plot()
    assert isinstance(figure, Figure)
    assert shown(figure)["image/png"] == (result.folder / "series.png").read_bytes()


def test_an_observation_is_drawn_as_in_its_folder(result):
    same_picture(result)
    with pytest.raises(ConfigError, match=r"no observation 2024-06-11.*choose from 2024-06-10, 2024-06-22"):
        result.plot("2024-06-11")


def same_picture(result):
    """Assert that a notebook shows the pixels of the published quicklook, also inline and at twice the resolution."""
    figure = result.plot("2024-06-10")
    assert isinstance(figure, Figure)
    assert figure.get_label()
    image = Image.open(io.BytesIO(shown(figure)["image/png"]))
    quicklook = Image.open(result.folder / "observations/2024-06-10/quicklook.png")
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), np.asarray(quicklook))
    assert figure.get_label() == quicklook.info["Description"]
    twice = Image.open(io.BytesIO(print_figure(figure, bbox_inches=None, dpi=200, base64=False)))
    np.testing.assert_array_equal(np.asarray(twice.convert("RGB"))[::2, ::2], np.asarray(quicklook))
    return quicklook


def test_a_class_whose_area_is_withheld_is_in_the_legend_without_one(tmp_path, run_scenes):
    ice = np.arange(169 * 320).reshape(169, 320) % 7 > 2
    noise = np.random.default_rng(3).integers(0, 100, (3, 169, 320))
    bands = np.repeat(np.where(ice, 6000, 400)[None], 3, axis=0) + noise
    path = write(tmp_path / "v_20240610.tif", bands.astype(np.uint16))
    inputs = {"scale": {"gain": 1e-4}, "bands": {"red": 1, "green": 2, "blue": 3}}
    result = run_scenes(path, inputs=inputs)
    water = next(row for row in result.rows if row.class_ == "water")
    assert water.area_km2 is None
    assert Flag.WATER_NOT_SEPARABLE in water.flags
    texts = same_picture(result).info["Description"].split("; ")
    ice = next(row for row in result.rows if row.class_ == "ice")
    surface = f"ice surface {ice.weighted_km2:,.1f} km², pixel area {ice.area_km2:,.1f} km²"
    assert texts == ["water, area not known", surface]
    assert set(result.to_geodataframe("water")["flags"]) == {flags_text(water.flags)}


def test_damaged_and_missing_files_raise(run_scenes):
    result = run_scenes(SCENES[:1], publish={"polygons": {"format": ["geoparquet", "flatgeobuf"]}})
    folder = result.folder / "observations/2024-06-10"
    (folder / "test_2024-06-10_ice.parquet").write_bytes(b"")
    with pytest.raises(IntegrityError, match=r"ice\.parquet: cannot be read"):
        result.to_geodataframe()
    (folder / "picture.png").unlink()
    with pytest.raises(IntegrityError, match=r"picture\.png: cannot be read"):
        result.plot("2024-06-10")


def test_a_missing_shapefile_raises(run_scenes):
    result = run_scenes(SCENES[:1])
    (result.folder / "observations/2024-06-10/test_2024-06-10_ice.shp").unlink()
    with pytest.raises(IntegrityError, match=r"ice\.shp: cannot be read"):
        result.to_geodataframe()


def test_regions_that_may_overlap_are_not_added_up(run_scenes, tmp_path, monkeypatch):
    outlines = tmp_path / "halves.geojson"
    west, south, east, north = run_scenes(SCENES[:1]).to_geodataframe().total_bounds
    middle = (west + east) / 2
    halves = notebook_regions({"west": (west, south, middle, north), "all": (west, south, east, north)})
    halves.to_file(outlines)
    result = run_scenes(SCENES[:1], name="two", inputs={"regions": {"path": str(outlines), "name": "name"}})
    labels = result.plot("2024-06-10").get_label().split("; ")
    assert set(labels) <= {"ice", "water", "other", "cloud", "land", "unobserved"}
    assert "ice" in labels
    monkeypatch.setattr(plots, "MOST_REGIONS", 1)
    assert result.plot().get_supxlabel() == "1 of 2 regions"


def notebook_regions(boxes):
    import geopandas as gpd
    from shapely.geometry import box

    return gpd.GeoDataFrame({"name": list(boxes)}, geometry=[box(*sides) for sides in boxes.values()], crs=3413)


def test_a_picture_shows_its_palette():
    array = np.zeros((4, 5, 3), dtype=np.uint8)
    array[:, 2:] = (200, 100, 50)
    valid = np.ones((4, 5), dtype=bool)
    valid[0, 0] = False
    segmented = icepipe.segment_image(array, 2, valid=valid)
    text = Text(shown(segmented)["text/html"])
    assert text.words.index("0") < text.words.index("#000000") < text.words.index("1") < text.words.index("#c86432")
    assert {"36.84%", "63.16%", "7", "12"} <= set(text.words)
    panel, swatches = segmented.plot().axes
    image = panel.get_images()[0].get_array()
    assert image[3, 0].tolist() == [0, 0, 0]
    assert image[0, 4].tolist() == [200, 100, 50]
    assert image[0, 0].tolist() in ([204] * 3, [236] * 3)
    assert {"0", "1"} <= {text.get_text() for text in swatches.texts}


def test_sixteen_bits_are_shown_as_the_command_shows_them():
    array = np.full((3, 3), 1000, dtype=np.uint16)
    array[1:] = 5000
    assert {"#000000", "#ffffff"} <= set(Text(shown(icepipe.segment_image(array, 2))["text/html"]).words)
    grey = np.random.default_rng(0).integers(0, 2**16, (40, 40, 3), dtype=np.uint16)
    mean = icepipe.segment_image(grey, 1)
    red, green, blue = bytes.fromhex(next(w for w in Text(shown(mean)["text/html"]).words if w.startswith("#"))[1:])
    assert max(red, green, blue) - min(red, green, blue) < 10
