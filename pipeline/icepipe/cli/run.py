"""The commands `icepipe run` and `icepipe check`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from icepipe.cli.console import display_path, print_error, print_result
from icepipe.cli.options import ConfigPath, Json, Set
from icepipe.errors import ObservationsFailed

if TYPE_CHECKING:
    from icepipe.config.measure import Measure
    from icepipe.workflow.result import RunResult


def hide_pandas() -> None:
    """Keep pandas out of this process, which pyogrio and pyarrow would load although a run hands them no data frame."""
    # It would cost 0.2 s and 32 MB of every run. Python code that looks for pandas gets an ImportError.
    sys.modules["pandas"] = None  # type: ignore[assignment]
    import pyarrow as pa

    # The compiled code of pyarrow fails on None at the first array; from the second one on it takes pandas for missing.
    with suppress(AttributeError):
        pa.array([])
    pa.array([])


def progress_printer() -> Callable[[str, int, int], None]:
    """Return a function that shows progress: as a bar on a terminal, as a line for each step elsewhere."""
    if sys.stderr is None or not sys.stderr.isatty():
        return lambda step, done, total: print_error(f"icepipe: {step} ({done}/{total})")
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(
        TextColumn("{task.description:>24}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task("")
    bar.start()

    def show(step: str, done: int, total: int) -> None:
        bar.update(task, description=step, completed=done, total=total)
        # The last step: results are printed next, and a bar that is still drawn would overwrite them.
        if step == "publish":
            bar.stop()

    return show


def result_json(result: RunResult, measure: Measure) -> dict[str, Any]:
    """Return a result for programs."""
    from icepipe.measure.area.series import COLUMNS
    from icepipe.publish.tables.trends import alert_documents, trend_document

    return {
        "folder": str(result.folder),
        "observations": len({row.date for row in result.rows}),
        "rows": [dict(zip(COLUMNS, row.cells, strict=True)) for row in result.rows],
        "alerts": None if result.alerts is None else alert_documents(result.alerts),
        "trend": trend_document(result.trends, measure),
        "notes": list(result.notes),
        "failed": [str(fault) for fault in result.faults],
    }


def result_lines(result: RunResult) -> Iterator[str]:
    """Yield lines on a result for people: the series, alerts, notes and the folder."""
    from icepipe.publish.tables.text import align_columns, series_cells

    if result.rows:
        yield from align_columns(series_cells(result.rows))
    for alert in result.alerts or ():
        yield f"alert {alert.date}  {alert.region}: {alert.message}"
    yield from result.notes
    yield f"Written to {display_path(result.folder)}"


def print_run(result: RunResult, measure: Measure, quiet: bool, as_json: bool) -> None:
    """Print a result, and the faults of the inputs that failed."""
    for line in () if quiet else result_lines(result):
        print_result(line)
    if as_json:
        print_result(json.dumps(result_json(result, measure), allow_nan=False))
    for fault in result.faults:
        print_error(f"icepipe: {fault}")


def run(
    config: ConfigPath,
    as_json: Json = False,
    assignments: Set = None,
    only: Annotated[str, typer.Option(help="Update only these dates, e.g. 2024-07-01,2024-07-04.")] = "",
    workers: Annotated[
        int, typer.Option(min=0, max=64, help="Number of observations at once; 0 takes it from the config.")
    ] = 0,
    force: Annotated[bool, typer.Option("--force", help="Process observations that are up to date, too.")] = False,
    rebase: Annotated[
        bool, typer.Option("--rebase", help="Make a new region, grid and model, and process everything again.")
    ] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first input that fails.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only failures.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print every step, and tracebacks.")] = False,
    log_json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append every step to a file, as JSON lines.")
    ] = None,
) -> None:
    """Run the main job: read tiles, name clusters, measure areas, and publish."""
    from icepipe.config.loader import load

    extra = [f"batch.workers={workers}"] if workers else []
    settings = load(config, [*(assignments or []), *extra])
    # scikit-learn, which judges k where the config does not state it, fails on a module that is None.
    if isinstance(settings.segment.k, int):
        hide_pandas()
    # After load_without_pandas: these import the numeric libraries.
    from icepipe.runtime.log import to_file, to_terminal
    from icepipe.workflow.run import no_progress
    from icepipe.workflow.run import run as run_config

    dates = [date.strip() for date in only.split(",") if date.strip()]
    with ExitStack() as stack:
        if verbose:
            stack.enter_context(to_terminal())
        if log_json:
            stack.enter_context(to_file(log_json))
        if verbose or log_json:
            from icepipe.runtime.jit import log_compilation

            stack.enter_context(log_compilation())
        # The log on the terminal already names every step.
        progress = no_progress if quiet or verbose else progress_printer()
        result = run_config(settings, progress, only=dates, force=force, rebase=rebase, fail_fast=fail_fast)
    print_run(result, settings.measure, quiet, as_json)
    if result.faults:
        raise ObservationsFailed(f"{len(result.faults)} input(s) failed, the rest is published")


def check(config: ConfigPath, assignments: Set = None) -> None:
    """Print what a run would do: scenes, dates, masks, grid and an estimate of its cost. Write nothing."""
    from icepipe.config.loader import load

    settings = load(config, assignments or [])
    from icepipe.cli.plan_text import plan_lines
    from icepipe.workflow.plan import make_plan

    plan = make_plan(settings)
    print_result("\n".join(plan_lines(plan)))
    if plan.catalog.faults:
        raise ObservationsFailed(f"{len(plan.catalog.faults)} input(s) cannot be used")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (run, check):
        app.command()(command)
