"""Everything about a scene but its pixels, from its one file or its one file a band."""

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
from icepipe.geo.geobox import GeoBox
from icepipe.inputs.masks import describe_mask, describe_quality, is_vector
from icepipe.inputs.products.bands import (
    BAND_FILE,
    alpha_band,
    configured_bands,
    configured_role,
    described_roles,
    measured_sensor,
    name_tells_colours,
    numbered_roles,
    ordered_roles,
    picture_bands,
    picture_sensor,
    product_folder,
    product_names,
)
from icepipe.inputs.products.dates import acquisition_time
from icepipe.inputs.products.metadata import find_mtl, read_mtl, sun_elevation
from icepipe.inputs.products.radiometry import metadata_places, scaling
from icepipe.inputs.products.sensors import platform_in_name, with_roles
from icepipe.inputs.scenes import Band, ClassValues, MaskFile, Scene
from icepipe.inputs.validate import check_raster, open_raster
from icepipe.sensors.sensor import BANDS, CLASSES, Sensor
from icepipe.sensors.table import SENSORS

LOW_SUN_DEGREES = 10.0
"""Under this the atmosphere and shadows rule; NSIDC's MODIS snow products flag such pixels too."""

NUMBERED_BANDS = 3
"""Bands that must be described by their numbers for all to be taken so."""

Files = tuple[Path, ...]
Describe = Callable[[Files, Inputs], Scene]


def group_files(files: Sequence[Path], inputs: Inputs) -> list[Files]:
    """Files that make a scene each: the bands of a product together, every other file alone."""
    if inputs.classes is not None:
        return [(path,) for path in files]
    groups: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    for path in files:
        match = BAND_FILE.match(path.stem)
        named = bool(inputs.bands) and configured_role(path, inputs.bands or {}) is not None
        product = match.group("product") if match and (named or _is_product(path)) else path.name
        groups[product_folder(path), product].append(path)
    return [tuple(members) for members in groups.values()]


def _is_product(path: Path) -> bool:
    return measured_sensor(path, "auto").key != BANDS


def _geobox(dataset: Dataset) -> GeoBox:
    return GeoBox(dataset.crs.to_wkt(), dataset.transform, dataset.width, dataset.height)


def _nodata(dataset: Dataset, inputs: Inputs, fallback: tuple[float, ...] = ()) -> tuple[float, ...]:
    if inputs.nodata == "none":
        return ()
    if isinstance(inputs.nodata, tuple):
        return inputs.nodata
    return fallback if dataset.nodata is None else (float(dataset.nodata), *fallback)


def _picture(path: Path, dataset: Dataset, inputs: Inputs) -> Scene:
    sensor = picture_sensor(path, inputs.sensor)
    if sensor.stretch is None:
        raise InputError(path, f"its bands do not have the names that {sensor.key} needs", "name them in inputs.bands")
    indexes = picture_bands(path, dataset, inputs.sensor != "auto" or name_tells_colours(path))
    kinds = {dataset.dtypes[index - 1] for index in indexes}
    if kinds != {"uint8"}:
        raise InputError(
            path,
            f"its numbers are {', '.join(sorted(kinds))}, and the thresholds of {sensor.key} assume 8-bit colours",
            "scale it to 8 bits by a known curve first, or name its bands in inputs.bands with inputs.scale",
        )
    _refuse_scaled_bytes(path, dataset, indexes, inputs)
    geobox, nodata = _geobox(dataset), _nodata(dataset, inputs)
    bands = tuple(Band(path, index, geobox, nodata=nodata) for index in indexes)
    return _dated(path, dataset, inputs, sensor, bands, alpha_band(dataset))


def _refuse_scaled_bytes(path: Path, dataset: Dataset, indexes: Sequence[int], inputs: Inputs) -> None:
    """Stop at a picture whose bytes are said to mean something else than its sensor's curve says."""
    tagged = any((dataset.scales[i - 1], dataset.offsets[i - 1]) != (1.0, 0.0) for i in indexes)
    bits = dataset.tags(indexes[0], ns="IMAGE_STRUCTURE").get("NBITS", "8")
    if inputs.scale != "auto" or tagged or bits != "8":
        what = "inputs.scale" if inputs.scale != "auto" else "a scale tag" if tagged else f"{bits} bits a colour"
        raise InputError(
            path, f"it is a picture with {what}, which its curve leaves no room for", "name its bands in inputs.bands"
        )


def _measured_file(path: Path, dataset: Dataset, inputs: Inputs, roles: dict[str, int], sensor: Sensor) -> Scene:
    fitting = with_roles(sensor, roles)
    if fitting is None:
        raise InputError(
            path,
            f"its bands {', '.join(sorted(roles)) or 'without names'} do not suffice to tell ice from water",
            "green, nir and swir1, or blue, green, red and nir are needed; name them in inputs.bands",
        )
    asked = None if inputs.scale == "auto" else inputs.scale
    geobox, nodata = _geobox(dataset), _nodata(dataset, inputs, sensor.fill if sensor.file_roles else ())
    numbers = {role: number for number, role in sensor.band_roles.items()}
    bands = []
    for role in fitting.roles:
        gain, offset = scaling(dataset, roles[role], path, path.stem, sensor, numbers.get(role, ""), asked)
        bands.append(Band(path, roles[role], geobox, gain, offset, nodata))
    # A file of a known order has no alpha band: some writers mark the fourth of four as one.
    alpha = None if ordered_roles(dataset, sensor) else alpha_band(dataset)
    return _dated(path, dataset, inputs, fitting, tuple(bands), alpha)


def _classified(path: Path, dataset: Dataset, inputs: Inputs) -> Scene:
    assert inputs.classes is not None
    alpha = alpha_band(dataset)
    bands = [index for index in dataset.indexes if index != alpha]
    if len(bands) != 1:
        raise InputError(path, f"it holds {len(bands)} bands, and a class raster has one", "write the classes alone")
    band = Band(path, bands[0], _geobox(dataset), nodata=_nodata(dataset, inputs))
    scene = _dated(path, dataset, inputs, SENSORS[CLASSES], (band,), alpha)
    return replace(scene, values=ClassValues(*parse_class_table(inputs.classes)))


def _measured_roles(path: Path, dataset: Dataset, inputs: Inputs) -> tuple[dict[str, int], Sensor] | None:
    """Roles of one file's bands, with their numbers, and its sensor; None where nothing says that they are measured.

    The config says it, else descriptions that are the sensor's own band numbers, else descriptions that are roles, else
    the order of the bands where the sensor has one.
    """
    sensor = measured_sensor(path, inputs.sensor)
    if inputs.bands:
        return configured_bands(path, dataset, inputs.bands), sensor
    for known in SENSORS.values():
        may_be = known.assumed_by_description if inputs.sensor == "auto" else known.key == inputs.sensor
        if may_be and len(numbered := numbered_roles(dataset, known)) >= NUMBERED_BANDS:
            return numbered, known
    for roles in (described_roles(dataset), ordered_roles(dataset, sensor)):
        if sensor.stretch is None and with_roles(sensor, roles) and "nir" in roles:
            return roles, sensor
    return None


def _single(path: Path, inputs: Inputs) -> Scene:
    with open_raster(path) as dataset:
        check_raster(path, dataset)
        if inputs.classes is not None:
            return _classified(path, dataset, inputs)
        measured = _measured_roles(path, dataset, inputs)
        return _measured_file(path, dataset, inputs, *measured) if measured else _picture(path, dataset, inputs)


def _role_of(path: Path, sensor: Sensor, inputs: Inputs) -> str | None:
    if inputs.bands:
        return configured_role(path, inputs.bands)
    match = BAND_FILE.match(path.stem)
    number = match.group("band") if match else ""
    return sensor.band_roles.get(number) or sensor.band_roles.get(number.lstrip("0"))


def _metres(path: Path) -> int:
    """Resolution that a band file's name tells, 0 where it does not."""
    match = BAND_FILE.match(path.stem)
    return int(match.group("metres") or 0) if match else 0


def _by_role(files: Files, sensor: Sensor, inputs: Inputs) -> dict[str, Path]:
    """File of each role; of a band that comes in several resolutions, the finest.

    Raises
    ------
    InputError
        If two files hold one role at one resolution.
    """
    found: dict[str, Path] = {}
    for path in sorted(files, key=_metres):
        role = _role_of(path, sensor, inputs)
        if role and role in found and _metres(path) == _metres(found[role]):
            raise InputError(path, f"and {found[role].name} both hold {role} of one product", "name one of them")
        if role:
            found.setdefault(role, path)
    return found


def _one_band(path: Path, role: str, product: str, sensor: Sensor, inputs: Inputs) -> Band:
    with open_raster(path) as dataset:
        check_raster(path, dataset)
        if dataset.count != 1:
            raise InputError(path, f"holds {dataset.count} bands where one was expected", "correct inputs.scenes")
        number = next((number for number, name in sensor.band_roles.items() if name == role), "")
        asked = None if inputs.scale == "auto" else inputs.scale
        gain, offset = scaling(dataset, 1, path, product, sensor, number, asked)
        fill = sensor.fill if sensor.band_roles and dataset.dtypes[0] == "uint16" else ()
        return Band(path, 1, _geobox(dataset), gain, offset, _nodata(dataset, inputs, fill))


def _several(files: Files, inputs: Inputs) -> Scene:
    first = files[0]
    product, sensor = product_name(first), measured_sensor(first, inputs.sensor)
    found = _by_role(files, sensor, inputs)
    fitting = with_roles(sensor, found)
    if fitting is None:
        held = ", ".join(sorted(found)) or "none that is known"
        raise InputError(
            first, f"its product has bands {held}", "green, nir and swir1 are needed to tell ice from water"
        )
    bands = tuple(_one_band(found[role], role, product, sensor, inputs) for role in fitting.roles)
    with open_raster(first) as dataset:
        return _dated(first, dataset, inputs, fitting, bands, None)


def _cloud(inputs: Inputs, path: Path) -> MaskFile | None:
    if inputs.cloud is None:
        return None
    if inputs.cloud.quality:
        return describe_quality(inputs.cloud, path, product_name(path))
    return describe_mask(inputs.cloud, path, "cloud")


def product_name(path: Path) -> str:
    """Name of the product that a file is of: its own where it is all of it."""
    match = BAND_FILE.match(path.stem)
    return match.group("product") if match else path.stem


def _sun(path: Path) -> float | None:
    match = BAND_FILE.match(path.stem)
    mtl = find_mtl(path.with_name(match.group("product"))) if match else None
    return sun_elevation(read_mtl(mtl)) if mtl else None


def _dated(
    path: Path, dataset: Dataset, inputs: Inputs, sensor: Sensor, bands: tuple[Band, ...], alpha: int | None
) -> Scene:
    """A scene of these bands, with its date, its masks and what was assumed of it."""
    day, time = acquisition_time(path, inputs.date, lambda: dict(dataset.tags()))
    sun = _sun(path)
    notes = (Flag.LOW_SUN,) if sun is not None and sun < LOW_SUN_DEGREES else ()
    if sensor.sun_uncorrected and sensor.sun_uncorrected.search(path.name) and inputs.scale != "auto":
        notes = (*notes, Flag.NOT_SUN_CORRECTED)
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
        cloud=_cloud(inputs, path),
        land=describe_mask(inputs.land, path, "land") if inputs.land and not is_vector(inputs.land) else None,
        metadata=tuple(place for place in metadata_places(path, product_name(path), sensor.key) if place.is_file()),
    )


def describe(files: Files, inputs: Inputs) -> Scene:
    """Everything about a scene but its pixels.

    Raises
    ------
    InputError
        If a file of it cannot be used.
    """
    several = inputs.classes is None and (len(files) > 1 or (BAND_FILE.match(files[0].stem) and _is_product(files[0])))
    return _several(files, inputs) if several else _single(files[0], inputs)


def scene_sensor(scene: Scene) -> Sensor:
    """The sensor of a scene with the roles and rules that its bands allow."""
    return replace(SENSORS[scene.sensor], roles=scene.roles, rule_set=scene.rule_set)
