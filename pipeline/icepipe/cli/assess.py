"""The commands `icepipe assess sample` and `icepipe assess estimate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from icepipe.assess.options import RARE_STRATUM_POINTS, Allocation, SampleOptions
from icepipe.cli.console import display_path, print_result
from icepipe.cli.options import MAX_SEED, Json, Run
from icepipe.errors import ConfigError

if TYPE_CHECKING:
    from icepipe.config.schema import Config


app = typer.Typer(
    help="Assess the accuracy of a map: draw points to label, and estimate accuracy and areas from the labels.",
    no_args_is_help=True,
)


def open_run(target: Path) -> tuple[Path, Config | None]:
    """Return the folder of a run, and its config if the target is a config."""
    if target.is_dir():
        return target.resolve(), None
    # Imported here, as everywhere in this package: the command must start fast, whatever its subcommands need.
    from icepipe.config.loader import load

    config = load(target)
    return config.run_folder, config


@app.command()
def sample(
    target: Run,
    date: Annotated[str, typer.Argument(metavar="DATE", help="One observation, e.g. 2024-07-04.")],
    points: Annotated[int, typer.Option(min=2, max=100_000, help="Number of points in total.")] = SampleOptions.points,
    allocation: Annotated[
        Allocation,
        typer.Option(help=f"By true area, at least {RARE_STRATUM_POINTS} per class; or equal for all."),
    ] = SampleOptions.allocation,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of the random points.")] = SampleOptions.seed,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="New folder; default RUN/assess/DATE.")] = None,
) -> None:
    """Draw a stratified random sample of pixels, with images, for people to label."""
    # With a config, the scenes are known and the sample gets image chips.
    folder, config = open_run(target)
    from icepipe.assess.draw_sample import draw_sample, write_sample
    from icepipe.assess.text import sample_lines
    from icepipe.publish.run_folder.class_map import open_class_map
    from icepipe.publish.run_folder.paths import RunPaths

    class_map = open_class_map(folder, date)
    design = draw_sample(class_map, folder.name, SampleOptions(points, allocation, seed))
    written = write_sample((out or RunPaths(folder).assessment(date)).resolve(), design, class_map, config)
    print_result("\n".join(sample_lines(design, display_path(written), config is not None)))


@app.command()
def estimate(
    target: Run,
    labelled: Annotated[Path, typer.Argument(metavar="SAMPLE", help="The labelled GeoPackage.")],
    as_json: Json = False,
) -> None:
    """Print error matrix, accuracies, and error-adjusted areas with intervals of a labelled sample."""
    folder, _ = open_run(target)
    from icepipe.assess.design import read_design
    from icepipe.assess.estimate import assess_observation
    from icepipe.assess.reference_points import check_labels, read_points
    from icepipe.assess.text import estimate_json, estimate_lines
    from icepipe.publish.run_folder.class_map import open_class_map

    points, design = read_points(labelled), read_design(labelled)
    # Labels first: they are checked without the run, and errors in them are the common case.
    check_labels(labelled, points, design)
    if not folder.is_dir():
        raise ConfigError(f"{folder}: this run does not exist", "run `icepipe run` first")
    assessed = assess_observation(open_class_map(folder, design.observation), labelled, design, points)
    print_result("\n".join(estimate_lines(assessed)))
    if as_json:
        print_result(json.dumps(estimate_json(assessed, labelled), allow_nan=False))
