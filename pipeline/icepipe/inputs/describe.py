"""Describe a scene without reading its pixels, from one file or from one file per band."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from icepipe.arrays import Dataset
from icepipe.classes import parse_class_table
from icepipe.config.inputs import Inputs
from icepipe.errors import InputError
from icepipe.flags import Flag
from icepipe.inputs.masks import describe_mask, describe_quality, is_vector
from icepipe.inputs.products.bands import (
    BAND_FILE,
    alpha_band,
    configured_bands,
    configured_role,
    described_roles,
    is_known_product,
    is_named_rgb,
    measured_sensor,
    numbered_roles,
    ordered_roles,
    picture_bands,
    picture_sensor,
    product_folder,
    product_names,
)
from icepipe.inputs.products.dates import acquisition_time
from icepipe.inputs.products.metadata import find_mtl, read_mtl, sun_elevation
from icepipe.inputs.products.radiometry import metadata_paths, scaling
from icepipe.inputs.products.sensors import platform_in_name, with_roles
from icepipe.inputs.scenes import Band, ClassValues, MaskFile, Scene
from icepipe.inputs.validate import check_raster, dataset_grid, open_raster
from icepipe.sensors.sensor import BANDS, CLASSES, Sensor
from icepipe.sensors.table import SENSORS

LOW_SUN_DEGREES = 10.0
"""Below this solar elevation, atmosphere and shadows dominate; NSIDC's MODIS snow products flag such pixels too."""

NUMBERED_BANDS = 3
"""Least number of descriptions that are band numbers of a sensor, for the file to be taken as one of this sensor."""

Files = tuple[Path, ...]
Describe = Callable[[Files, Inputs], Scene]


def group_files(files: Sequence[Path], inputs: Inputs) -> list[Files]:
    """Group files into scenes: the bands of a product together, every other file alone."""
    if inputs.classes is not None:
        return [(path,) for path in files]
    groups: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    for path in files:
        match = BAND_FILE.match(path.stem)
        named = bool(inputs.bands) and configured_role(path, inputs.bands or {}) is not None
        product = match.group("product") if match and (named or is_known_product(path)) else path.name
        groups[product_folder(path), product].append(path)
    return [tuple(members) for members in groups.values()]


def nodata_values(dataset: Dataset, inputs: Inputs, fill: tuple[float, ...] = ()) -> tuple[float, ...]:
    """Return the nodata values by the config, else by the file's tag together with the sensor's fill values."""
    if inputs.nodata == "none":
        return ()
    if isinstance(inputs.nodata, tuple):
        return inputs.nodata
    return fill if dataset.nodata is None else (float(dataset.nodata), *fill)


def describe_picture(path: Path, dataset: Dataset, inputs: Inputs) -> Scene:
    """Describe an 8-bit picture.

    Raises
    ------
    InputError
        If it is not an 8-bit picture, its colours are not identified, or its bytes are scaled.
    """
    sensor = picture_sensor(path, inputs.sensor)
    if sensor.stretch is None:
        raise InputError(path, f"its bands do not have the names that {sensor.key} needs", "name them in inputs.bands")
    indexes = picture_bands(path, dataset, inputs.sensor != "auto" or is_named_rgb(path))
    dtypes = {dataset.dtypes[index - 1] for index in indexes}
    if dtypes != {"uint8"}:
        raise InputError(
            path,
            f"its pixels are {', '.join(sorted(dtypes))}, and the thresholds of {sensor.key} assume 8-bit colours",
            "scale it to 8 bits by a known curve first, or name its bands in inputs.bands with inputs.scale",
        )
    check_unscaled(path, dataset, indexes, inputs)
    grid, nodata = dataset_grid(dataset), nodata_values(dataset, inputs)
    bands = tuple(Band(path, index, grid, nodata=nodata) for index in indexes)
    return make_scene(path, dataset, inputs, sensor, bands, alpha_band(dataset))


def check_unscaled(path: Path, dataset: Dataset, indexes: Sequence[int], inputs: Inputs) -> None:
    """Refuse a picture with a scale, which would contradict the curve of its sensor.

    Raises
    ------
    InputError
        If the config or the file scales its bytes, or it has less than 8 bits per colour.
    """
    tagged = any((dataset.scales[i - 1], dataset.offsets[i - 1]) != (1.0, 0.0) for i in indexes)
    bits = dataset.tags(indexes[0], ns="IMAGE_STRUCTURE").get("NBITS", "8")
    if inputs.scale != "auto" or tagged or bits != "8":
        scaling_name = (
            "inputs.scale" if inputs.scale != "auto" else "a scale tag" if tagged else f"{bits} bits per colour"
        )
        raise InputError(
            path,
            f"it is a picture with {scaling_name}, which contradicts the curve of its sensor",
            "name its bands in inputs.bands",
        )


def describe_measured_file(
    path: Path, dataset: Dataset, inputs: Inputs, roles: dict[str, int], sensor: Sensor
) -> Scene:
    """Describe a file of several measured bands, given the band number of each role.

    Raises
    ------
    InputError
        If its bands do not suffice, their scaling is unknown, or the config names the sensor of a picture.
    """
    if sensor.stretch:
        raise InputError(
            path,
            f"inputs.bands makes it measured bands, and inputs.sensor {sensor.key} is a picture",
            "leave out one of the two",
        )
    fitting = with_roles(sensor, roles)
    if fitting is None:
        raise InputError(
            path,
            f"its bands {', '.join(sorted(roles)) or 'without names'} do not suffice to separate ice from water",
            "green, nir and swir1, or blue, green, red and nir are needed; name them in inputs.bands",
        )
    config_scale = None if inputs.scale == "auto" else inputs.scale
    grid, nodata = dataset_grid(dataset), nodata_values(dataset, inputs, sensor.fill if sensor.file_roles else ())
    band_numbers = {role: number for number, role in sensor.band_roles.items()}
    bands = []
    for role in fitting.roles:
        number = band_numbers.get(role, "")
        gain, offset = scaling(dataset, roles[role], path, path.stem, sensor, number, config_scale)
        bands.append(Band(path, roles[role], grid, gain, offset, nodata))
    # A file with a known band order has no alpha band: some writers mark the fourth of four bands as alpha.
    alpha = None if ordered_roles(dataset, sensor) else alpha_band(dataset)
    return make_scene(path, dataset, inputs, fitting, tuple(bands), alpha)


def describe_class_raster(path: Path, dataset: Dataset, inputs: Inputs) -> Scene:
    """Describe a class raster, whose values ``inputs.classes`` defines.

    Raises
    ------
    InputError
        If it does not have exactly one band.
    """
    assert inputs.classes is not None
    alpha = alpha_band(dataset)
    bands = [index for index in dataset.indexes if index != alpha]
    if len(bands) != 1:
        raise InputError(path, f"it has {len(bands)} bands, and a class raster has one", "write the classes alone")
    band = Band(path, bands[0], dataset_grid(dataset), nodata=nodata_values(dataset, inputs))
    scene = make_scene(path, dataset, inputs, SENSORS[CLASSES], (band,), alpha)
    return replace(scene, values=ClassValues(*parse_class_table(inputs.classes)))


def measured_roles(path: Path, dataset: Dataset, inputs: Inputs) -> tuple[dict[str, int], Sensor] | None:
    """Return the band number of each role, and the sensor; None if nothing identifies measured bands.

    The sources, in order of precedence: the config, descriptions that are band numbers of a sensor, descriptions that
    are roles, the band order of the sensor.
    """
    sensor = measured_sensor(path, inputs.sensor)
    if inputs.bands:
        # With bands and scaling from the config, a name that only stands for a band order decides nothing: the scene is
        # of the same sensor as its neighbours without that name.
        if sensor.file_roles and inputs.sensor == "auto" and inputs.scale != "auto":
            sensor = SENSORS[BANDS]
        return configured_bands(path, dataset, inputs.bands), sensor
    for known in SENSORS.values():
        candidate = known.assumed_by_description if inputs.sensor == "auto" else known.key == inputs.sensor
        if candidate and len(numbered := numbered_roles(dataset, known)) >= NUMBERED_BANDS:
            return numbered, known
    for roles in (described_roles(dataset), ordered_roles(dataset, sensor)):
        # Colours alone do not make a measured file: a picture has the same descriptions.
        if sensor.stretch is None and with_roles(sensor, roles) and "nir" in roles:
            return roles, sensor
    return None


def file_role(path: Path, sensor: Sensor, inputs: Inputs) -> str | None:
    """Return the role of a single-band file by the config, else by the band number in its name; None if unknown."""
    if inputs.bands:
        return configured_role(path, inputs.bands)
    match = BAND_FILE.match(path.stem)
    number = match.group("band") if match else ""
    return sensor.band_roles.get(number) or sensor.band_roles.get(number.lstrip("0"))


def resolution_in_name(path: Path) -> int:
    """Return the pixel size in metres that the name of a band file ends with; 0 if it has none."""
    match = BAND_FILE.match(path.stem)
    return int(match.group("metres") or 0) if match else 0


def files_by_role(files: Files, sensor: Sensor, inputs: Inputs) -> dict[str, Path]:
    """Return the file of each role; the finest of a band that comes in several resolutions.

    Raises
    ------
    InputError
        If two files have the same role at the same resolution.
    """
    by_role: dict[str, Path] = {}
    # From fine to coarse: setdefault below keeps the finest file of each role.
    for path in sorted(files, key=resolution_in_name):
        role = file_role(path, sensor, inputs)
        if role and role in by_role and resolution_in_name(path) == resolution_in_name(by_role[role]):
            raise InputError(path, f"and {by_role[role].name} both hold {role} of one product", "name one of them")
        if role:
            by_role.setdefault(role, path)
    return by_role


def describe_band(path: Path, role: str, product: str, sensor: Sensor, inputs: Inputs) -> Band:
    """Describe one single-band file of a product.

    Raises
    ------
    InputError
        If it has several bands, or its scaling is unknown.
    """
    with open_raster(path) as dataset:
        check_raster(path, dataset)
        if dataset.count != 1:
            raise InputError(path, f"has {dataset.count} bands, and one was expected", "correct inputs.scenes")
        number = next((number for number, name in sensor.band_roles.items() if name == role), "")
        config_scale = None if inputs.scale == "auto" else inputs.scale
        gain, offset = scaling(dataset, 1, path, product, sensor, number, config_scale)
        # Fill values are those of the 16-bit products; 0 is a valid reflectance in floating point.
        fill = sensor.fill if sensor.band_roles and dataset.dtypes[0] == "uint16" else ()
        return Band(path, 1, dataset_grid(dataset), gain, offset, nodata_values(dataset, inputs, fill))


def describe_band_files(files: Files, inputs: Inputs) -> Scene:
    """Describe a product of one file per band.

    Raises
    ------
    InputError
        If its bands do not suffice, or one of the files cannot be used.
    """
    first = files[0]
    product, sensor = product_name(first), measured_sensor(first, inputs.sensor)
    by_role = files_by_role(files, sensor, inputs)
    fitting = with_roles(sensor, by_role)
    if fitting is None:
        known = ", ".join(sorted(by_role)) or "none that is known"
        raise InputError(
            first, f"its product has bands {known}", "green, nir and swir1 are needed to separate ice from water"
        )
    bands = tuple(describe_band(by_role[role], role, product, sensor, inputs) for role in fitting.roles)
    with open_raster(first) as dataset:
        return make_scene(first, dataset, inputs, fitting, bands, None)


def product_name(path: Path) -> str:
    """Return the name of the product that a file belongs to; the stem of a file that is a product of its own."""
    match = BAND_FILE.match(path.stem)
    return match.group("product") if match else path.stem


def product_sun_elevation(path: Path) -> float | None:
    """Return the solar elevation in degrees by the product's MTL file; None if there is none."""
    match = BAND_FILE.match(path.stem)
    mtl = find_mtl(path.with_name(match.group("product"))) if match else None
    return sun_elevation(read_mtl(mtl)) if mtl else None


def describe_cloud(path: Path, inputs: Inputs) -> MaskFile | None:
    """Describe the cloud mask of a scene: a quality raster of its product, or a mask file; None if not configured."""
    if inputs.cloud is None:
        return None
    if inputs.cloud.quality:
        return describe_quality(inputs.cloud, path, product_name(path))
    return describe_mask(inputs.cloud, path, "cloud")


def make_scene(
    path: Path, dataset: Dataset, inputs: Inputs, sensor: Sensor, bands: tuple[Band, ...], alpha: int | None
) -> Scene:
    """Return the scene of these bands, with its date, masks, metadata files and quality flags."""
    day, time = acquisition_time(path, inputs.date, lambda: dict(dataset.tags()))
    sun = product_sun_elevation(path)
    notes = (Flag.LOW_SUN,) if sun is not None and sun < LOW_SUN_DEGREES else ()
    if sensor.sun_uncorrected and sensor.sun_uncorrected.search(path.name) and inputs.scale != "auto":
        notes = (*notes, Flag.NOT_SUN_CORRECTED)
    # Coarser bands are resampled to the grid of the finest.
    finest = min((band.geobox for band in bands), key=lambda box: box.planar_pixel_area)
    return Scene(
        path=path,
        date=day,
        time=time,
        platform=next(filter(None, map(platform_in_name, product_names(path))), ""),
        sensor=sensor.key,
        roles=sensor.roles,
        rule_set=sensor.rule_set,
        geobox=finest,
        bands=bands,
        alpha=alpha,
        sun_elevation=sun,
        notes=notes,
        cloud=describe_cloud(path, inputs),
        # A vector file of land is the same for all scenes and is read once per run.
        land=describe_mask(inputs.land, path, "land") if inputs.land and not is_vector(inputs.land) else None,
        metadata=tuple(file for file in metadata_paths(path, product_name(path), sensor.key) if file.is_file()),
    )


def describe(files: Files, inputs: Inputs) -> Scene:
    """Describe a scene: everything except its pixels.

    Raises
    ------
    InputError
        If one of its files cannot be used.
    """
    # A single band file of a known product is an incomplete product, and is reported as one.
    path = files[0]
    one_per_band = len(files) > 1 or (BAND_FILE.match(path.stem) and is_known_product(path))
    if inputs.classes is None and one_per_band:
        return describe_band_files(files, inputs)
    with open_raster(path) as dataset:
        check_raster(path, dataset)
        if inputs.classes is not None:
            return describe_class_raster(path, dataset, inputs)
        if measured := measured_roles(path, dataset, inputs):
            return describe_measured_file(path, dataset, inputs, *measured)
        return describe_picture(path, dataset, inputs)


def scene_sensor(scene: Scene) -> Sensor:
    """Return the sensor of a scene, with the roles and rules of its bands."""
    return replace(SENSORS[scene.sensor], roles=scene.roles, rule_set=scene.rule_set)
