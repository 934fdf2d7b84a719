"""The surface of ice and water does not move with the pixel size, and the truth is within its bounds."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import rasterio
from affine import Affine

from icepipe.sensors.table import SENSORS
from tests.ground import GREY, SEA, SNOW, covered, lay, picture, spread, texture, write_picture
from tests.rasters import write

STEPS = (1, 4, 8, 32)
"""Cells of 31.25 m to a pixel: 31.25, 125, 250 and 1000 m."""

NO_POLYGONS = {"polygons": {"classes": []}}


def of_region(result, class_="ice"):
    """Best, least and greatest surface and pixel area of a class, in percent of the region."""
    (row,) = (row for row in result.rows if row.class_ == class_)
    found = row.weighted_km2, row.area_low_km2, row.area_high_km2, row.area_km2
    return tuple(100 * km2 / row.region_km2 for km2 in found)


def overlap(found):
    """Whether the bounds of several rows have a value in common."""
    return max(low for _, low, _, _ in found) <= min(high for _, _, high, _ in found)


@pytest.fixture
def seen_at(run_scenes, tmp_path):
    """Runs on one ground seen with pixels of ``step`` cells; without optics and noise unless stated."""

    def call(surface, step, name="x", blur=0.0, noise=0.0, **sections):
        drawn = picture(surface, step, np.random.default_rng(step), blur, noise)
        path = write_picture(tmp_path / f"{name}{step}" / "x_20240601.tif", drawn, step)
        return run_scenes(path, name=f"{name}{step}", publish=NO_POLYGONS, **sections)

    return call


@pytest.mark.parametrize(("share", "size"), [(0.45, 60), (0.30, 8)], ids=["bays", "floes"])
def test_one_ground_has_one_surface_at_all_pixel_sizes(seen_at, share, size):
    ice = covered(texture(np.random.default_rng(size), 1280, size), share)
    surface = lay(SNOW, ice, SEA)
    found = [of_region(seen_at(surface, step)) for step in STEPS]
    print(share, *(" ".join(f"{number:.2f}" for number in row) for row in found), sep="\n")
    surfaces = [best for best, *_ in found]
    assert max(surfaces) - min(surfaces) <= 2
    assert overlap(found)
    for best, low, high, _ in found:
        assert low <= 100 * ice.mean() <= high
        assert abs(best - 100 * ice.mean()) <= 2
    # The pixel area is what moves.
    assert found[-1][3] - found[0][3] > 4


@pytest.mark.parametrize("albedo", [0.15, 0.20, 0.30])
def test_uniform_grey_ice_is_no_mixture_at_any_pixel_size(seen_at, albedo):
    rng = np.random.default_rng(1)
    surface = spread(albedo * GREY, texture(rng, 480, 10), 0.06)
    for step in (1, 4, 8):
        assert of_region(seen_at(surface, step, blur=0.5, noise=1.5))[0] >= 99


@pytest.mark.parametrize("albedo", [0.15, 0.20, 0.30])
def test_uniform_grey_ice_is_no_mixture_under_a_model_with_water_and_snow(seen_at, albedo):
    rng = np.random.default_rng(2)
    grey, noise = spread(albedo * GREY, texture(rng, 480, 10), 0.06), texture(rng, 480, 40)
    winter = lay(spread(SNOW, texture(rng, 480, 12)), covered(noise, 0.4), lay(grey, covered(noise, 0.7), SEA))
    for step in (1, 4):
        sharp = {"blur": 0.5, "noise": 1.5}
        model = seen_at(winter, step, "winter", **sharp).folder / "model.json"
        assert of_region(seen_at(grey, step, "grey", **sharp, segment={"fit": str(model)}))[0] >= 99


def pieces(rng, share, size):
    """Snow in pieces of about ``size`` cells, and water."""
    ice = covered(texture(rng, 960, size), share)
    return lay(spread(SNOW, texture(rng, 960, 12)), ice, spread(SEA, texture(rng, 960, 20), 0.06)), ice


def thin(rng, albedo, share):
    """Snow, a belt of thin ice between it and water, and 45 % water."""
    noise = texture(rng, 960, 40)
    young = spread(albedo * GREY, texture(rng, 960, 10), 0.06)
    belt = lay(young, covered(noise, 0.55), spread(SEA, texture(rng, 960, 20), 0.06))
    return lay(spread(SNOW, texture(rng, 960, 12)), covered(noise, 0.55 - share), belt), covered(noise, 0.55)


def ponds(rng, colour):
    """Melt ponds over 30 % of snow, which covers 60 %; a pond is ice."""
    surface, ice = pieces(rng, 0.60, 40)
    return lay(np.array(colour), ice & covered(texture(rng, 960, 6), 0.3), surface), ice


def leads(rng):
    """Water in winding leads a few cells wide, over 8 % of snow."""
    noise = np.abs(texture(rng, 960, 60))
    ice = covered(noise, 0.92)
    return lay(spread(SNOW, texture(rng, 960, 12)), ice, spread(SEA, texture(rng, 960, 20), 0.06)), ice


KINDS = {
    "control": (lambda rng: pieces(rng, 0.45, 40), 1),
    "brash": (lambda rng: pieces(rng, 0.5, 2), 3),
    "thin ice of albedo 0.13": (lambda rng: thin(rng, 0.13, 0.1), 5),
    "thin ice of albedo 0.20": (lambda rng: thin(rng, 0.20, 0.3), 1),
    "thin ice of albedo 0.25": (lambda rng: thin(rng, 0.25, 0.1), 5),
    "light ponds": (lambda rng: ponds(rng, [0.18, 0.28, 0.36]), 1),
    "dark ponds": (lambda rng: ponds(rng, [0.09, 0.15, 0.20]), 1),
    "leads": (leads, 1),
}
"""Kinds of ground, and how many points of the region the surface may be off: a narrow belt of thin ice looks like an
edge of snow and water, and is in the bounds."""


@pytest.mark.parametrize("kind", KINDS)
def test_the_ground_truth_is_within_the_bounds(seen_at, kind):
    draw, most_points = KINDS[kind]
    surface, ice = draw(np.random.default_rng(5))
    best, low, high, pixels = of_region(seen_at(surface, 4, blur=0.5, noise=1.5))
    truth = 100 * ice.mean()
    print(f"{kind}: truth {truth:.2f}, {best:.2f} [{low:.2f} .. {high:.2f}], pixels {pixels:.2f}")
    assert low <= truth <= high
    assert abs(best - truth) <= most_points


# Real scenes with larger pixels: light is averaged, and sides are cut to a multiple of the largest pixel.

FACTORS = (1, 2, 4, 8)
MODIS = {
    "Barents and Kara seas, terra": "barents_kara_seas-100km-20250507/20250507.250m.terra",
    "Barents and Kara seas, aqua": "barents_kara_seas-100km-20250507/20250507.250m.aqua",
    "Hudson Bay, terra": "hudson_bay-100km-20060513/20060513.250m.terra",
    "Hudson Bay, aqua": "hudson_bay-100km-20060513/20060513.250m.aqua",
    "Laptev Sea, terra": "laptev_sea-200km-20230613/20230613.250m.terra",
}


def write_coarser(path, target, factor, sensor):
    """Write the first bands of a raster with pixels that are means of ``factor`` by ``factor`` in reflectance."""
    with rasterio.open(path) as dataset:
        stored = dataset.read(range(1, min(dataset.count, 3) + 1)).astype(float)
        transform, crs = dataset.transform, dataset.crs
    rows, cols = (length // FACTORS[-1] * FACTORS[-1] for length in stored.shape[1:])
    light = stored[:, :rows, :cols] if sensor is None else sensor.reflectance(stored[:, :rows, :cols])
    mean = light.reshape(len(light), rows // factor, factor, cols // factor, factor).mean(axis=(2, 4))
    coarse = np.rint(mean if sensor is None else sensor.stored(mean)).astype(np.uint8)
    return write(target / path.name, coarse, crs=crs, transform=transform @ Affine.scale(factor))


def surfaces_at(factors, class_, write_at, run_scenes):
    """Best, least and greatest surface and pixel area at every pixel size, with the model of the smallest pixels."""
    found, segment = [], {}
    for factor in factors:
        result = run_scenes(write_at(factor), name=f"x{factor}", segment=segment, publish=NO_POLYGONS)
        segment = segment or {"fit": str(result.folder / "model.json")}
        found.append(of_region(result, class_))
    return found


def moved(found, column=0):
    """How far a column moves from the smallest pixels to each larger size, in points of the region."""
    return [row[column] - found[0][column] for row in found[1:]]


def show(name, found):
    print(name, *(" ".join(f"{number:6.2f}" for number in row) for row in found), sep="\n")
    print("surface moves", *(f"{move:+.2f}" for move in moved(found)))
    print("pixel area moves", *(f"{move:+.2f}" for move in moved(found, 3)))


@pytest.mark.parametrize("scene", MODIS)
def test_larger_pixels_of_a_modis_scene_show_the_same_surface_of_ice(shared_data, run_scenes, tmp_path, scene):
    path = shared_data / "modis-sea-ice" / f"{MODIS[scene]}.truecolor.tiff"
    sensor = SENSORS["modis-truecolor"]
    found = surfaces_at(
        FACTORS, "ice", lambda factor: write_coarser(path, tmp_path / str(factor), factor, sensor), run_scenes
    )
    show(scene, found)
    assert overlap(found)
    assert abs(moved(found)[0]) <= 1.5


def test_larger_pixels_of_a_landsat_scene_show_the_same_surface_of_water(shared_data, run_scenes, tmp_path):
    folder = shared_data / "landsat5-1988"

    def write_at(factor):
        # Numbers are linear in reflectance, so their mean is that of light.
        for path in folder.glob("*.TIF"):
            write_coarser(path, tmp_path / str(factor), factor, None)
        shutil.copy(folder / "LT52240631988227CUB02_MTL.txt", tmp_path / str(factor))
        return tmp_path / str(factor) / "*.TIF"

    found = surfaces_at(FACTORS, "water", write_at, run_scenes)
    show("Landsat 5, 1988, water", found)
    assert overlap(found)
    assert abs(moved(found)[0]) <= 1.5
