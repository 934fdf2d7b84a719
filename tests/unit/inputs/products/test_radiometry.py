"""Measured bands: scaling, metadata, quality bits, and the same result for every encoding."""

from __future__ import annotations

import math

import numpy as np
import pytest

from icepipe.classes import ClassCode
from icepipe.config.inputs import Inputs
from icepipe.errors import ConfigError, InputError
from icepipe.inputs.catalog import without_masks
from icepipe.inputs.describe import describe, group_files
from icepipe.inputs.discover import find_files
from icepipe.inputs.products.metadata import earth_sun_distance, landsat_scale, read_mtl, read_sentinel2
from icepipe.inputs.products.quality import is_quality
from icepipe.segment.naming import name_spectrum
from icepipe.segment.rules import RULE_SETS
from icepipe.sensors.table import SENSORS
from tests.rasters import write

ROLES = ("blue", "green", "red", "nir", "swir1", "swir2")
SPECTRA = {
    "w": (0.0605, 0.0550, 0.0440, 0.0220, 0.0110, 0.0110),
    "i": (0.8250, 0.8140, 0.8030, 0.7150, 0.1210, 0.1100),
    "p": (0.0440, 0.0770, 0.0550, 0.3520, 0.1870, 0.0880),
    "g": (0.1210, 0.1650, 0.2090, 0.2640, 0.3190, 0.2750),
}
LETTERS = ["wwii", "wwii", "ppgg", "ppgg"]


def scene(letters=LETTERS):
    """Reflectances of letters, multiples of 0.0011; shape (6, rows, columns)."""
    return np.array([[SPECTRA[letter] for letter in row] for row in letters]).transpose(2, 0, 1)


@pytest.mark.parametrize(
    ("spectrum", "code"),
    [
        (SPECTRA["w"], ClassCode.WATER),
        (SPECTRA["i"], ClassCode.ICE),
        (SPECTRA["p"], ClassCode.OTHER),
        (SPECTRA["g"], ClassCode.OTHER),
        ((0.10, 0.149, 0.200, 0.117, 0.048, 0.045), ClassCode.WATER),
        ((0.36, 0.35, 0.20, 0.07, 0.02, 0.02), ClassCode.ICE),
        ((0.60, 0.60, 0.60, 0.60, 0.45, 0.35), ClassCode.OTHER),
    ],
    ids=["water", "snow", "plants", "ground", "muddy river", "melt pond", "cloud"],
)
def test_typical_spectra(spectrum, code):
    assert name_spectrum(np.array(spectrum) * 1e4, SENSORS["landsat-oli"], RULE_SETS["multispectral"]).code is code


def landsat(folder, product, pixels, gain, offset, mtl=None):
    for role, band in zip(pixels, (2, 3, 4, 5, 6, 7), strict=True):
        numbers = np.rint((role - offset) / gain)
        assert np.abs(numbers * gain + offset - role).max() < 5e-5
        write(folder / f"{product}_B{band}.TIF", numbers[None].astype(np.uint16))
    if mtl:
        (folder / f"{product}_MTL.txt").write_text(mtl)
    return folder


def mtl_text(gain, offset, elevation):
    bands = "".join(
        f"  REFLECTANCE_MULT_BAND_{b} = {gain}\n  REFLECTANCE_ADD_BAND_{b} = {offset}\n" for b in range(2, 8)
    )
    return (
        "GROUP = L1_METADATA_FILE\nGROUP = IMAGE_ATTRIBUTES\n"
        f"  SUN_ELEVATION = {elevation}\nEND_GROUP = IMAGE_ATTRIBUTES\n"
        f"GROUP = RADIOMETRIC_RESCALING\n{bands}END_GROUP = RADIOMETRIC_RESCALING\nEND\n" + "\0" * 50
    )


def encodings(root):
    """The same reflectances as products of five kinds."""
    pixels = scene()
    day = "20240701"
    sun = 30.0
    yield landsat(
        root / "l1", f"LC08_L1TP_233009_{day}_{day}_02_T1", pixels * 0.5, 2e-5, -0.1, mtl_text(2e-5, -0.1, sun)
    )
    yield landsat(root / "l2", f"LC08_L2SP_233009_{day}_{day}_02_T1_SR", pixels, 2.75e-5, -0.2)
    for name, offset in (("N0300", 0), ("N0400", 1000)):
        folder = root / f"S2B_MSIL2A_{day}T150759_{name}_R025_T33XWJ_{day}T082126.SAFE"
        for role, band in zip(pixels, ("02", "03", "04", "08", "11", "12"), strict=True):
            numbers = np.rint(role * 10000 + offset).astype(np.uint16)
            write(folder / f"T33XWJ_{day}T150759_B{band}_10m.tif", numbers[None])
        yield folder
    stacked = write(root / "one" / f"stack_{day}.tif", pixels.astype(np.float32))
    import rasterio

    with rasterio.open(stacked, "r+") as dataset:
        for index, role in enumerate(ROLES, start=1):
            dataset.set_band_description(index, role)
    yield stacked.parent


def test_one_answer_whatever_the_encoding(run_scenes, tmp_path):
    import rasterio

    found = []
    for number, folder in enumerate(encodings(tmp_path)):
        inputs = {"scale": {"gain": 1.0}} if folder.name == "one" else {}
        result = run_scenes(folder, name=f"r{number}", inputs=inputs)
        (path,) = result.folder.glob("observations/*/*_classes.tif")
        with rasterio.open(path) as dataset:
            found.append(dataset.read(1))
    expected = np.array([[{"w": 1, "i": 2, "p": 3, "g": 3}[letter] for letter in row] for row in LETTERS])
    for classes in found:
        assert np.array_equal(classes, expected)


def test_top_of_atmosphere_from_radiance_where_there_are_no_factors(tmp_path):
    text = (
        "GROUP = A\nDATE_ACQUIRED = 1988-08-14\nSUN_ELEVATION = 49.75588889\n"
        "RADIANCE_MULT_BAND_3 = 1.044\nRADIANCE_ADD_BAND_3 = -2.21398\nEND_GROUP = A\n"
    )
    path = tmp_path / "x_MTL.txt"
    path.write_text(text)
    gain, offset = landsat_scale(read_mtl(path), "landsat-tm", 3, path)
    factor = math.pi * 1.0129**2 / (1536.0 * math.sin(math.radians(49.75588889)))
    assert gain == pytest.approx(1.044 * factor, rel=1e-3)
    assert offset == pytest.approx(-2.21398 * factor, rel=1e-3)
    with pytest.raises(InputError, match="band 4"):
        landsat_scale(read_mtl(path), "landsat-tm", 4, path)


@pytest.mark.parametrize(("day", "distance"), [(4, 0.98331), (186, 1.01672), (227, 1.01276)])
def test_earth_sun_distance_of_published_days(day, distance):
    assert earth_sun_distance(day) == pytest.approx(distance, abs=3e-4)


def test_sentinel2_metadata(shared_data):
    root = shared_data / "sentinel2-metadata"
    by_baseline = {}
    for folder in root.iterdir():
        for path in folder.glob("MTD_MSIL*.xml"):
            by_baseline[folder.name.split("_")[3]] = read_sentinel2(path)
    assert set(by_baseline["N0400"].offsets.values()) == {-1000.0}
    assert len(by_baseline["N0509"].offsets) == 13
    assert not by_baseline["N0212"].offsets
    assert not by_baseline["N0301"].offsets
    assert by_baseline["N0400"].day == "20220413"


def test_numbers_without_a_scale_are_refused(tmp_path):
    import rasterio

    path = write(tmp_path / "x_20240701.tif", scene().astype(np.float32))
    with rasterio.open(path, "r+") as dataset:
        for index, role in enumerate(ROLES, start=1):
            dataset.set_band_description(index, role)
    with pytest.raises(InputError, match=r"to reflectance is unknown.*inputs.scale"):
        describe((path,), Inputs(scenes=(str(path),)))


def test_bands_by_number_and_by_pattern(tmp_path):
    numbers = np.rint(scene() * 10000).astype(np.int16)
    stacked = write(tmp_path / "one_20240701.tif", numbers)
    scale = {"scale": {"gain": 1e-4}}
    by_number = {"bands": {role: index for index, role in enumerate(ROLES, start=1)}} | scale
    described = describe((stacked,), Inputs.model_validate({"scenes": str(stacked)} | by_number))
    assert described.roles == ROLES
    assert [band.index for band in described.bands] == [1, 2, 3, 4, 5, 6]
    for role, band in zip(numbers, (10, 20, 30, 40, 50, 70), strict=True):
        write(tmp_path / "nbar" / f"x_20240701_B{band}.tif", role[None], nodata=-999)
    patterns = {"bands": dict(zip(ROLES, (f"*_B{b}" for b in (10, 20, 30, 40, 50, 70)), strict=True))} | scale
    inputs = Inputs.model_validate({"scenes": str(tmp_path / "nbar")} | patterns)
    (files,) = group_files(find_files(inputs.scenes), inputs)
    described = describe(files, inputs)
    assert described.roles == ROLES
    assert described.bands[0].nodata == (-999.0,)
    with pytest.raises(InputError, match="has no band 9"):
        describe((stacked,), Inputs.model_validate({"scenes": str(stacked), "bands": {"green": 9}}))


def test_a_product_with_too_few_bands_says_which_it_has(tmp_path):
    product = "LC08_L2SP_233009_20240701_20240701_02_T1_SR"
    for band in (2, 3):
        write(tmp_path / f"{product}_B{band}.TIF", np.ones((1, 4, 4), np.uint16))
    inputs = Inputs(scenes=(str(tmp_path),))
    (files,) = group_files(find_files(inputs.scenes), inputs)
    with pytest.raises(InputError, match="has bands blue, green"):
        describe(files, inputs)


def test_quality_bits_hide_cloud_and_fill(run_scenes, tmp_path):
    product = "LC08_L2SP_233009_20240701_20240701_02_T1"
    landsat(tmp_path / "tiles", f"{product}_SR", scene(), 2.75e-5, -0.2)
    quality = np.full((1, 4, 4), 21824, np.uint16)
    quality[0, 0, 0] = 1
    quality[0, 0, 1] = 22280
    write(tmp_path / "tiles" / f"{product}_QA_PIXEL.TIF", quality)
    for hide, cloud in ((None, 1), ([], 0)):
        settings = {"quality": "landsat-c2"} | ({} if hide is None else {"hide": hide})
        result = run_scenes(tmp_path / "tiles", name=f"h{cloud}", inputs={"cloud": settings})
        counts = {row.class_: row.n_pixels for row in result.rows}
        assert (counts["cloud"], counts["unobserved"]) == (cloud, 1)
        assert counts["ice"] == 4
    with pytest.raises(ConfigError, match="has no fog"):
        run_scenes(tmp_path / "tiles", name="x", inputs={"cloud": {"quality": "landsat-c2", "hide": ["fog"]}})


def test_quality_rasters_are_no_scenes(tmp_path):
    for name in ("a_QA_PIXEL.TIF", "a_BQA.TIF", "T33_20240701T150759_SCL_20m.jp2", "a_SR_B2.TIF"):
        (tmp_path / name).write_bytes(b"x")
    inputs = Inputs(scenes=(str(tmp_path),))
    assert [p.name for p in without_masks(find_files(inputs.scenes), inputs)] == ["a_SR_B2.TIF"]
    assert is_quality(tmp_path / "a_QA_PIXEL.TIF")


def test_visible_bands_alone_cannot_tell_water(run_scenes, tmp_path):
    path = write(tmp_path / "x_20240701.tif", np.rint(scene()[:3] * 10000).astype(np.int16))
    bands = {"bands": {"blue": 1, "green": 2, "red": 3}, "scale": {"gain": 1e-4}}
    result = run_scenes(path, inputs=bands)
    rows = {row.class_: row for row in result.rows}
    assert rows["water"].area_km2 is None
    assert any("cannot separate water" in note for note in result.notes)
    assert "water_not_separable" in rows["water"].flags
    assert rows["ice"].area_km2 > 0
    assert any("cannot separate ice from bright ground" in note for note in result.notes)
    assert "ice_not_separable" in rows["ice"].flags


def test_a_land_mask_separates_ice_from_ground_in_visible_bands(run_scenes, tmp_path):
    path = write(tmp_path / "x_20240701.tif", np.rint(scene()[:3] * 10000).astype(np.int16))
    write(tmp_path / "land.tif", np.zeros((1, 4, 4), np.uint8))
    bands = {"bands": {"blue": 1, "green": 2, "red": 3}, "scale": {"gain": 1e-4}}
    result = run_scenes(path, inputs=bands | {"land": str(tmp_path / "land.tif")})
    assert not any("ice_not_separable" in row.flags for row in result.rows)


def test_bands_of_other_resolutions_meet_on_the_finest(run_scenes, tmp_path):
    from affine import Affine

    from tests.rasters import TRANSFORM

    day, pixels = "20240701", scene(["wwii", "wwii", "iiww", "iiww"])
    folder = tmp_path / f"S2B_MSIL2A_{day}T150759_N0400_R025_T33XWJ_{day}T082126.SAFE"
    for role, band in zip(pixels, ("02", "03", "04", "08", "11", "12"), strict=True):
        coarse = band in {"11", "12"}
        numbers = np.rint((role[::2, ::2] if coarse else role) * 10000 + 1000).astype(np.uint16)
        transform = TRANSFORM @ Affine.scale(2) if coarse else TRANSFORM
        write(folder / f"T33XWJ_{day}T150759_B{band}_{20 if coarse else 10}m.tif", numbers[None], transform=transform)
    result = run_scenes(folder)
    counts = {row.class_: row.n_pixels for row in result.rows}
    assert (counts["ice"], counts["water"], counts["other"]) == (8, 8, 0)


def test_low_sun_is_flagged(run_scenes, tmp_path):
    product = "LC08_L1TP_233009_20240701_20240701_02_T1"
    sine = math.sin(math.radians(8.0))
    text = mtl_text(2e-5, -0.1, 8.0)
    landsat(tmp_path / "tiles", product, scene() * sine, 2e-5, -0.1, text)
    assert "low_sun" in run_scenes(tmp_path / "tiles").rows[0].flags


@pytest.mark.parametrize("level", ["MSIL1C", "MSIL2A"])
def test_a_safe_folder_opens_as_it_is_downloaded(run_scenes, tmp_path, level):
    """JPEG 2000 bands, in a folder per resolution for Level-2A, with a picture and extras next to them."""
    from affine import Affine

    from tests.rasters import TRANSFORM

    day, side = "20240701", 32
    safe = tmp_path / f"S2B_{level}_{day}T150759_N0400_R025_T33XWJ_{day}T082126.SAFE"
    images = safe / "GRANULE" / f"L2A_T33XWJ_A026000_{day}T150759" / "IMG_DATA"
    picture = scene(["wi"]).repeat(side, axis=1).repeat(side // 2, axis=2)
    options = {"driver": "JP2OpenJPEG", "QUALITY": 100, "REVERSIBLE": "YES"}

    def put(name, pixels, metres):
        folder, ending = (images / f"R{metres}m", f"_{metres}m") if level == "MSIL2A" else (images, "")
        step = metres // 10
        transform = TRANSFORM @ Affine.scale(step)
        path = folder / f"T33XWJ_{day}T150759_{name}{ending}.jp2"
        write(path, pixels[:, ::step, ::step], transform=transform, **options)

    for role, band, finest in zip(picture, ("02", "03", "04", "08", "11", "12"), (10, 10, 10, 10, 20, 20), strict=True):
        numbers = np.rint(role * 10000 + 1000).astype(np.uint16)[None]
        for metres in (10, 20) if level == "MSIL2A" and finest == 10 and band != "08" else (finest,):
            put(f"B{band}", numbers, metres)
    put("TCI", np.full((3, side, side), 200, np.uint8), 10)
    if level == "MSIL2A":
        put("AOT", np.full((1, side, side), 100, np.uint16), 10)
        quality = np.full((1, side, side), 5, np.uint8)
        quality[:, :2] = 9
        put("SCL", quality, 20)
    cloud = {"cloud": {"quality": "sentinel2-scl"}} if level == "MSIL2A" else {}
    result = run_scenes(safe / "**" / "*.jp2", inputs=cloud)
    assert not result.faults
    counts = {row.class_: row.n_pixels for row in result.rows}
    hidden = 64 if level == "MSIL2A" else 0
    assert (counts["ice"], counts["water"], counts["other"]) == (512 - hidden // 2, 512 - hidden // 2, 0)
    assert result.rows[0].sensor == f"sentinel2-{level[3:].lower()}"
    assert result.rows[0].date == "2024-07-01"


def test_a_zero_in_bands_of_ones_own_is_a_number(run_scenes, tmp_path):
    pixels = np.rint(scene() * 10000)
    pixels[5][0, 0] = 0
    for role, band in zip(pixels, range(1, 7), strict=True):
        write(tmp_path / "own" / f"x_20240701_B{band}.tif", role[None].astype(np.uint16))
    bands = {"bands": {role: f"*_B{n}" for n, role in enumerate(ROLES, start=1)}, "scale": {"gain": 1e-4}}
    assert {row.class_: row.n_pixels for row in run_scenes(tmp_path / "own", inputs=bands).rows}["unobserved"] == 0


def test_measured_bands_are_not_those_of_the_sensor_of_a_picture(tmp_path):
    """Their 16-bit numbers are no bytes of a colour."""
    path = write(tmp_path / "x_20240601.tif", np.full((3, 4, 4), 9000, dtype=np.uint16))
    bands, scale = {"red": 1, "green": 2, "blue": 3}, {"gain": 0.0001, "offset": 0}
    inputs = Inputs(scenes=str(path), sensor="rgb", bands=bands, scale=scale)
    with pytest.raises(InputError, match=r"measured bands, and inputs\.sensor rgb is a picture"):
        describe([path], inputs)
