"""Real tiles cut, shifted, late, strange: the same bytes, one row a day, or one clear sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import rasterio
from affine import Affine
from rasterio.windows import Window

from tests.e2e.test_identity import assert_same, bytes_of, rows_without_counts

FORKED = True

JP2 = "S2A_OPER_MSI_L2A_TL_ATOS_20220620T162319_A036527_T32TLS_N04.00_R60m_B01.jp2"
GREENLAND = "modis-ne-greenland/ne-greenland.{}.250m/truecolor.tiff"


def cut(source: Path, folder: Path, boxes) -> Path:
    """Tiles of a real scene; boxes are (row, column, height, width)."""
    folder.mkdir()
    with rasterio.open(source) as dataset:
        for number, (row, col, height, width) in enumerate(boxes):
            window = Window(col, row, width, height)
            profile = dataset.profile | {"width": width, "height": height, "tiled": False, "photometric": "RGB"}
            profile["transform"] = dataset.transform @ Affine.translation(col, row)
            for key in ("blockxsize", "blockysize"):
                profile.pop(key, None)
            path = folder / f"20250507.{number:02d}.aqua.truecolor.tif"
            with rasterio.open(path, "w", **profile) as tile:
                tile.colorinterp = dataset.colorinterp
                tile.write(dataset.read(window=window))
    return folder


def test_a_scene_cut_into_tiles_gives_the_same_bytes(shared_data, run_scenes, tmp_path):
    source = shared_data / "modis-sea-ice/barents_kara_seas-100km-20250507/20250507.250m.aqua.truecolor.tiff"
    cuts = {
        "whole": [(0, 0, 400, 400)],
        "four": [(r, c, 230, 230) for r in (0, 170) for c in (0, 170)],
        "many": [(r, c, 50, 50) for r in range(0, 400, 50) for c in range(0, 400, 50)],
    }
    found = {}
    for name, boxes in cuts.items():
        result = run_scenes(cut(source, tmp_path / name, boxes), publish={"folder": str(tmp_path / f"out-{name}")})
        found[name] = bytes_of(result.folder), rows_without_counts(result)
    assert_same(found["whole"], found["four"])
    assert_same(found["whole"], found["many"])


def test_two_passes_on_shifted_grids_are_one_row_and_a_late_day_changes_nothing(shared_data, run_scenes, tmp_path):
    terra, aqua, before = (
        shared_data / GREENLAND.format(day) for day in ("20220914.terra", "20220914.aqua", "20220913.terra")
    )
    one = run_scenes([terra, aqua], publish={"folder": str(tmp_path / "one")})
    other = run_scenes([aqua, terra], publish={"folder": str(tmp_path / "other")})
    assert {row.date for row in one.rows} == {"2022-09-14"}
    assert_same((bytes_of(one.folder), one.rows), (bytes_of(other.folder), other.rows))
    seen = sum(row.area_km2 for row in one.rows if row.class_ in {"ice", "water", "other"})
    assert 29135.294 <= seen <= 29135.294 + 29064.841 - 28_900
    assert one.rows[0].valid_fraction == pytest.approx(1, abs=1e-3)
    folder = one.folder / "observations/2022-09-14"
    kept = bytes_of(folder)
    late = run_scenes([terra, aqua, before], publish={"folder": str(tmp_path / "one")})
    assert {row.date for row in late.rows} == {"2022-09-13", "2022-09-14"}
    assert bytes_of(folder) == kept


@pytest.mark.parametrize(
    ("file", "inputs", "text"),
    [
        ("awkward-rasters/RGB.byte.tif", {}, "no date"),
        ("awkward-rasters/RGB.byte.tif", {"date": "2024-07-01"}, None),
        ("awkward-rasters/cog.tif", {"date": "2024-07-01"}, "do not say which"),
        ("awkward-rasters/cog_dateline.tif", {"date": "2024-07-01"}, "do not say which"),
        ("awkward-rasters/cog_gcps.tif", {"date": "2024-07-01"}, "ground control points"),
        (f"awkward-rasters-2/{JP2}", {}, "do not say which"),
        ("awkward-rasters-2/LE07_L2SP_225078_20110306_02_T1_B1.tif", {}, "has bands blue"),
        ("awkward-rasters-2/cog_rgb_mask.tif", {"date": "2024-07-01"}, None),
        ("landsat7-everest-2000/LE71400412000304SGS00_RGB.tif", {}, None),
        ("modis-sea-ice/hudson_bay-100km-20060513/20060513.250m.aqua.falsecolor.tiff", {}, None),
    ],
)  # fmt: skip
def test_awkward_files_work_or_are_refused_in_one_sentence(shared_data, icepipe, tmp_path, file, inputs, text):
    settings = {"scenes": str(shared_data / file)} | inputs
    config = tmp_path / "c.yaml"
    config.write_text(json.dumps({"name": "bay", "inputs": settings, "publish": {"folder": "out"}}))
    done = icepipe("run", config, "--json")
    if text is None:
        assert done.returncode == 0, done.stderr
        rows = json.loads(done.stdout.splitlines()[-1])["rows"]
        total = sum(row["area_km2"] or 0 for row in rows)
        assert total == pytest.approx(rows[0]["region_km2"], rel=1e-9)
        return
    assert done.returncode == 3
    assert text in done.stderr
    assert Path(file).name in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_mask_inside_a_file_is_counted_to_the_pixel(shared_data, run_scenes):
    path = shared_data / "awkward-rasters-2/cog_rgb_mask.tif"
    result = run_scenes(path, inputs={"date": "2024-07-01"})
    counts = {row.class_: row.n_pixels for row in result.rows}
    assert counts["unobserved"] == 2739
    assert sum(v for v in counts.values() if v) == 88856


def tile_folders(shared: Path) -> list[Path]:
    rasters = [p for p in shared.rglob("*") if p.suffix.lower() in {".tif", ".tiff"}]
    return sorted({shared / p.relative_to(shared).parts[0] for p in rasters} | {p.parent for p in rasters})


def test_init_writes_a_config_that_check_accepts_or_says_what_is_missing(shared_data, icepipe, tmp_path):
    written = {}
    for folder in tile_folders(shared_data):
        made = icepipe("init", folder, cwd=tmp_path)
        name = str(folder.relative_to(shared_data))
        if made.returncode:
            assert made.returncode == 3, (name, made.stderr)
            assert len(made.stderr.strip().splitlines()) == 1, (name, made.stderr)
            assert not made.stdout
            continue
        config = tmp_path / "made.yaml"
        config.write_text(made.stdout)
        checked = icepipe("check", config)
        assert checked.returncode == 0, (name, made.stdout, checked.stderr)
        written[name] = made.stdout
    assert {"landsat7-everest-2000", "modis-ne-greenland", "modis-sea-ice", "cases/08-overlapping-tiles"} <= set(
        written
    )
    assert "{folder}/landmask.tiff" in written["modis-ne-greenland/ne-greenland.20220913.terra.250m"]


def test_init_runs_on_the_samples(icepipe, tmp_path):
    shutil.copytree(Path(__file__).parents[2] / "data/samples", tmp_path / "samples")
    made = icepipe("init", "samples", cwd=tmp_path)
    assert "masks/{stem}_cloud.tif" in made.stdout
    (tmp_path / "made.yaml").write_text(made.stdout)
    done = icepipe("run", "made.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "land_not_masked" in done.stdout


def test_inspect_tells_area_bands_and_what_would_be_refused(shared_data, icepipe):
    case = shared_data / "cases/01-web-mercator-far-north/fjord_20220614.tif"
    said = icepipe("inspect", case, shared_data / "awkward-rasters/cog.tif")
    assert said.returncode == 0
    for text in ("EPSG:3857", "covers 2,5", "date 2022-06-14", "sensor rgb", "seen 100.0%", "a run would refuse it"):
        assert text in said.stdout, text
    assert icepipe("inspect", shared_data / "README.md").returncode == 3
