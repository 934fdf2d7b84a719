"""Draw ice of known area, run icepipe on it, and write docs/explanation/mixed-pixels.md: its tables and its picture.

    python benchmarks/mixed_pixels.py

The same floes and bays are seen at four pixel sizes, and grounds that are hard to unmix at one (drawn_ice.py). The
random numbers have a fixed seed, so that the command gives the same figures every time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from compare import replace_table
from drawn_ice import BLUR, CELL_M, HARD, Ground, bays, floes, picture, write_picture
from matplotlib.figure import Figure

import icepipe
from icepipe.arrays import UInt8
from icepipe.flags import Flag

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs/explanation/mixed-pixels.md"
PICTURE = HERE.parent / "docs/explanation/pictures/mixed-pixels.png"
SEED = 20240601
STEPS = 1, 4, 8, 32
"""Cells to each side of a pixel: 31 m to a kilometre."""
HARD_STEP = 16
"""The same for the grounds that are hard to unmix."""
SHOWN = 192
"""Cells to each side of the part that the picture shows."""
SURFACE, PIXELS, TRUTH = "#0077bb", "#cc3311", "#222222"
EXPECTED = {Flag.CLOUD_NOT_SCREENED, Flag.LAND_NOT_MASKED}
"""Flags of every drawn scene, which has neither a cloud mask nor a land mask."""


@dataclass(frozen=True)
class Measured:
    """Ice of a drawn scene in percent of the region: truth, pixel area, surface and bounds; its flags; its picture."""

    truth: float
    pixel_area: float
    surface: float
    low: float
    high: float
    flags: tuple[str, ...]
    bands: UInt8

    @property
    def cells(self) -> str:
        """Cells of a table: truth, pixel area, surface, bounds, whether they hold the truth, and flags."""
        holds = "yes" if self.low <= self.truth <= self.high else "**no**"
        flags = " ".join(f"`{flag}`" for flag in self.flags)
        areas = f"{self.truth:.2f} | {self.pixel_area:.2f} | {self.surface:.2f} | {self.low:.2f} .. {self.high:.2f}"
        return f"{areas} | {holds} | {flags} |"


def measure(ground: Ground, step: int, blur: float, rng: np.random.Generator) -> Measured:
    """Run icepipe with its defaults on a picture of a ground, as the only scene of a run."""
    bands = picture(ground, step, blur, rng)
    with tempfile.TemporaryDirectory() as folder:
        write_picture(bands, step, Path(folder) / "ice_20240601.tif")
        inputs = {"scenes": f"{folder}/*.tif", "sensor": "rgb"}
        publish = {"folder": f"{folder}/out", "report": False, "change": False}
        config = {"name": "drawn", "inputs": inputs, "publish": publish, "batch": {"workers": 1}}
        rows = icepipe.run(icepipe.Config.model_validate(config)).rows
    (ice,) = (row for row in rows if row.class_ == "ice")
    found = (ice.area_km2, ice.weighted_km2, ice.area_low_km2, ice.area_high_km2)
    pixel_area, surface, low, high = (np.nan if km2 is None else 100 * km2 / ice.region_km2 for km2 in found)
    flags = tuple(sorted(ice.flags - EXPECTED))
    return Measured(ground.ice_percent, pixel_area, surface, low, high, flags, bands)


def measure_sizes(draw: Callable[[np.random.Generator], Ground]) -> dict[int, Measured]:
    """Measure one ground at every pixel size, without blur, so that only the size differs."""
    rng = np.random.default_rng(SEED)
    ground = draw(rng)
    return {step: measure(ground, step, 0, rng) for step in STEPS}


def size_name(step: int) -> str:
    """Return the side of a pixel in words."""
    metres = step * CELL_M
    return f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:.0f} m"


HEADER = "truth | pixel area | surface | low .. high | holds the truth | flags |"


def sizes_table(grounds: dict[str, dict[int, Measured]]) -> str:
    """Return the table of grounds at several pixel sizes."""
    lines = [f"| ground | pixel | {HEADER}", "| --- " * 8 + "|"]
    for title, sizes in grounds.items():
        lines += [f"| {title} | {size_name(step)} | {found.cells}" for step, found in sizes.items()]
    return "\n".join(lines)


def hard_table() -> str:
    """Return the table of grounds that are hard to unmix; each is drawn with its own random numbers."""
    lines = [f"| ground | {HEADER}", "| --- " * 7 + "|"]
    for title, draw in HARD.items():
        rng = np.random.default_rng(SEED)
        lines.append(f"| {title} | {measure(draw(rng), HARD_STEP, BLUR, rng).cells}")
    return "\n".join(lines)


def draw_sizes(sizes: dict[int, Measured]) -> Figure:
    """Draw a part of the floes at every pixel size, and the areas below."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    for number, (step, found) in enumerate(sizes.items(), start=1):
        axes = figure.add_subplot(2, len(sizes), number)
        shown = found.bands[:, : SHOWN // step, : SHOWN // step]
        axes.imshow(np.moveaxis(shown, 0, -1), interpolation="nearest")
        axes.set_title(size_name(step))
        axes.set_xticks([])
        axes.set_yticks([])
    axes = figure.add_subplot(2, 1, 2)
    places, all_ = np.arange(len(sizes)), list(sizes.values())
    surface, low, high = (np.array([getattr(found, key) for found in all_]) for key in ("surface", "low", "high"))
    axes.plot(places, [found.pixel_area for found in all_], "s-", color=PIXELS, label="pixel area")
    axes.errorbar(
        places,
        surface,
        yerr=(surface - low, high - surface),
        fmt="o-",
        color=SURFACE,
        capsize=4,
        label="surface, with bounds",
    )
    axes.axhline(all_[0].truth, color=TRUTH, linewidth=1, linestyle="--", label="truth")
    axes.set_xticks(places, [size_name(step) for step in sizes])
    axes.set_xlabel("pixel")
    axes.set_ylabel("ice, % of the region")
    axes.set_ylim(0, 100)
    axes.legend(frameon=False, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def main() -> None:
    """Measure everything, and write the tables and the picture."""
    sizes = {"floes": measure_sizes(floes), "bays": measure_sizes(bays)}
    tables = {"sizes": sizes_table(sizes), "hard": hard_table()}
    page = PAGE.read_text()
    for name, table in tables.items():
        print(table, end="\n\n")
        page = replace_table(page, name, table)
    PAGE.write_text(page)
    draw_sizes(sizes["floes"]).savefig(PICTURE, dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    main()
