"""Measure how much the ice fraction varies with k and the seed, before and after clusters are split.

    python benchmarks/stability.py PLOT.png KIND=SCENES [KIND=SCENES ...] [--seeds 10] [--sensor KEY]

Fit every KIND as one run over its scenes would, for k = 4..12 and each seed; print a table and write a plot. The table
has the surface of ice beside its pixels.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from icepipe.classes import ClassCode
from icepipe.config.schema import Config
from icepipe.errors import InputError
from icepipe.geo.geobox import Block
from icepipe.inputs.reading.pixels import Pixels
from icepipe.measure.area.tally import Tally
from icepipe.segment.classification.classifier import DirectLookup
from icepipe.segment.classification.strata import ClusterStrata, mask_stratum
from icepipe.segment.clustering.assignment import nearest
from icepipe.segment.clustering.kmeans import distinct_values, k_means
from icepipe.segment.clustering.sampling import POOL_FACTOR, PixelSample, thin_sample
from icepipe.segment.clustering.splitting import Fit, fit
from icepipe.segment.mixtures.mixed_pixels import MixedPixelScanner
from icepipe.segment.mixtures.shares import Bound
from icepipe.segment.model import Model
from icepipe.segment.naming import name_clusters
from icepipe.workflow.fit import candidate_pixels
from icepipe.workflow.plan import Clustering, Plan, make_plan

KS = range(4, 13)
SIZE = 200_000


@dataclass(frozen=True)
class Scene:
    """A scene with a plan of its own, its pixels, and its distinct colours with the number of pixels of each."""

    name: str
    plan: Plan
    pixels: Pixels
    colours: np.ndarray
    counts: np.ndarray


def load_scene(path: str) -> Scene:
    """Read a scene and count its colours."""
    plan = make_plan(Config.model_validate({"name": "stability", "inputs": {"scenes": path}}))
    with plan.reader(plan.observations[0]) as reader:
        grid = plan.grid
        pixels = reader.read(Block(0, 0, grid.height, grid.width))
    colours, counts = np.unique(pixels.bands[:, pixels.valid].T, axis=0, return_counts=True)
    return Scene(Path(path).name, plan, pixels, colours, counts)


def draw_sample(scenes: Sequence[Scene], seed: int) -> PixelSample:
    """Draw a sample of all scenes, as a run over them would."""
    rate = POOL_FACTOR * SIZE / sum(int(scene.counts.sum()) for scene in scenes)
    pools = []
    for scene in scenes:
        segment = scene.plan.config.segment.model_copy(update={"seed": seed})
        plan = replace(scene.plan, config=scene.plan.config.model_copy(update={"segment": segment}))
        pool = candidate_pixels(plan, rate, plan.observations[0])
        if isinstance(pool, InputError):
            raise pool
        pools.append(pool)
    return thin_sample(pools, SIZE)


def ice_fractions(model: Model, scenes: Sequence[Scene]) -> list[float]:
    """Return the share of pixels of each scene in clusters that are named ice."""
    is_ice = np.array([cluster.code is ClassCode.ICE for cluster in model.clusters])
    return [
        float(scene.counts[is_ice[nearest(scene.colours, model.centroids)]].sum() / scene.counts.sum())
        for scene in scenes
    ]


def ice_surfaces(model: Model, scenes: Sequence[Scene]) -> np.ndarray:
    """Return the share of the seen pixels of each scene that ice covers, by bound; shape (scenes, 3).

    Mixed pixels count by their shares, as in a run.
    """
    table, ice, found = ClusterStrata([model]), ClassCode.ICE, []
    strata_by_bound = {
        Bound.LOW: table.certain(ice),
        Bound.BEST: table.class_strata(ice),
        Bound.HIGH: table.possible(ice),
    }
    for scene in scenes:
        bands, valid = scene.pixels.bands, scene.pixels.valid
        strata = DirectLookup(model, scene.plan.sensor, 0, table.n).strata(bands, valid)
        strata[~valid] = mask_stratum(ClassCode.UNOBSERVED)
        scanner, tally = MixedPixelScanner(table, scene.plan.sensor, valid.shape[1]), Tally()
        units, keys = np.ones(valid.shape, dtype=np.int64), np.zeros(valid.shape, dtype=np.uint16)
        tally.add(strata, units)
        for rows in (*scanner.add(Block(0, 0, *valid.shape), strata, bands), *scanner.finish()):
            tally.add_mixtures(0, keys[rows.block.slices], rows, units[rows.block.slices])
        surfaces = (tally.surface_units(members, ice, bound) for bound, members in strata_by_bound.items())
        found.append([surface / int(valid.sum()) for surface in surfaces])
    return np.array(found)


def unsplit_model(how: Clustering, sample: PixelSample, k: int, seed: int) -> Model:
    """Return the model of k clusters, before clusters that straddle a threshold are split."""
    centroids, record = k_means(distinct_values(sample, how.space), len(sample.values), k, seed)
    n = len(centroids)
    nothing = np.zeros(n)
    raw = Fit(centroids, centroids, np.arange(n), nothing, n, record, (0.0, 0.0, 0.0), 0.0, nothing, 0.0, 0.0)
    return name_clusters(raw, k, how.space, how.rules)


def matching_files(pattern: str) -> list[str]:
    """Return the files that match a pattern, sorted."""
    anchor = Path(pattern).anchor or "."
    return sorted(str(path) for path in Path(anchor).glob(pattern.removeprefix(Path(pattern).anchor)))


@dataclass(frozen=True)
class Sweep:
    """Ice fractions of all fits, shape (fits, scenes), with the bounds of the fit with k = 6 and seed 0.

    ``before`` and ``after`` count pixels, before and after splitting; ``surface`` counts what mixed pixels hold.
    """

    scenes: tuple[str, ...]
    before: np.ndarray
    after: np.ndarray
    surface: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n_clusters: tuple[int, ...]


def sweep(paths: Sequence[str], n_seeds: int) -> Sweep:
    """Fit scenes of one kind with every k and seed."""
    scenes = [load_scene(path) for path in paths]
    how, before, after, surface, n_clusters = scenes[0].plan.clustering, [], [], [], []
    assert how is not None
    low = high = np.zeros(len(scenes))
    for seed in range(n_seeds):
        sample = draw_sample(scenes, seed)
        for k in KS:
            model = name_clusters(fit(sample, k, seed, how.space, how.rules), k, how.space, how.rules)
            before.append(ice_fractions(unsplit_model(how, sample, k, seed), scenes))
            after.append(ice_fractions(model, scenes))
            surfaces = ice_surfaces(model, scenes)
            surface.append(surfaces[:, Bound.BEST])
            n_clusters.append(len(model.clusters))
            if (k, seed) == (6, 0):
                low, high = surfaces[:, Bound.LOW], surfaces[:, Bound.HIGH]
        print(f"seed {seed}", file=sys.stderr, flush=True)
    return Sweep(
        scenes=tuple(scene.name for scene in scenes),
        before=np.array(before),
        after=np.array(after),
        surface=np.array(surface),
        low=low,
        high=high,
        n_clusters=tuple(n_clusters),
    )


def table_lines(kind: str, result: Sweep) -> Iterator[str]:
    """Yield the lines of a Markdown table of the spread of each scene, in percentage points."""
    yield f"| {kind} | spread before | spread after | range after | low..high at k = 6 | surface spread | range |"
    yield "|---|---|---|---|---|---|---|"
    for i, name in enumerate(result.scenes):
        before, after, surface = (100 * found[:, i] for found in (result.before, result.after, result.surface))
        yield (
            f"| {name} | {np.ptp(before):.2f} points | {np.ptp(after):.2f} points | {after.min():.2f} .. "
            f"{after.max():.2f} % | {100 * result.low[i]:.2f} .. {100 * result.high[i]:.2f} % | "
            f"{np.ptp(surface):.2f} points | {surface.min():.2f} .. {surface.max():.2f} % |"
        )
    yield f"\n{min(result.n_clusters)} to {max(result.n_clusters)} clusters after splitting.\n"


def draw_plot(path: Path, sweeps: dict[str, Sweep]) -> None:
    """Plot the ice fraction of every fit as the distance from the median after splitting."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.2 * len(sweeps)), dpi=90)
    for axes, (kind, result) in zip(np.atleast_1d(figure.subplots(len(sweeps), 1)), sweeps.items(), strict=True):
        for i, _ in enumerate(result.scenes):
            for values, shift, colour in ((result.before, -0.17, "#bb5566"), (result.after, 0.17, "#004488")):
                middle = 100 * (values[:, i] - np.median(result.after[:, i]))
                axes.plot(np.full(len(middle), i + shift), middle, "_", color=colour, markersize=14, alpha=0.5)
        axes.set_xticks(range(len(result.scenes)), [str(i) for i in range(1, len(result.scenes) + 1)])
        axes.set_xlabel("scene, in the order of the table", fontsize=8)
        axes.set_ylabel("points from the median")
        axes.set_title(
            f"{kind}: ice share over k = 4..12 and all seeds; left before, right after splitting", fontsize=9
        )
        axes.grid(axis="y", alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    """Sweep every kind, print the tables, write the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plot", type=Path)
    parser.add_argument("kinds", nargs="+", metavar="KIND=SCENES")
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    sweeps = {}
    for kind, pattern in (text.split("=", 1) for text in arguments.kinds):
        sweeps[kind] = sweep(matching_files(pattern), arguments.seeds)
        print("\n".join(table_lines(kind, sweeps[kind])), flush=True)
    draw_plot(arguments.plot, sweeps)


if __name__ == "__main__":
    main()
