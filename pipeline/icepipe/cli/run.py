"""Parse, call and print for the main job, and for a look at it beforehand."""

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


def _load_without_pandas() -> None:
    # pyogrio and pyarrow load pandas wherever it is installed, although a run hands neither a data frame: 0.2 s and
    # 32 MB of every run. A module that is None raises ImportError in pyogrio; the compiled code of pyarrow meets None
    # itself, and asks only once, so that the first array settles it.
    if "pandas" in sys.modules:
        return
    sys.modules["pandas"] = None  # type: ignore[assignment]
    import pyarrow as pa
    import pyogrio  # noqa: F401

    with suppress(AttributeError):
        pa.array([])
    del sys.modules["pandas"]


def _progress() -> Callable[[str, int, int], None]:
    """A bar on a terminal, a line a step elsewhere."""
    if sys.stderr is None or not sys.stderr.isatty():
        return lambda what, done, total: print_error(f"icepipe: {what} ({done}/{total})")
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

    def show(what: str, done: int, total: int) -> None:
        bar.update(task, description=what, completed=done, total=total)
        if what == "publish":
            bar.stop()

    return show


def _result_json(result: RunResult, measure: Measure) -> dict[str, Any]:
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


def _result_lines(result: RunResult) -> Iterator[str]:
    """What people are told of a run."""
    from icepipe.cli.plan_text import alert_lines, closing_table

    if result.rows:
        yield from closing_table(result.rows)
    yield from alert_lines(result.alerts or ())
    yield from result.notes
    yield f"Written to {display_path(result.folder)}"


def run(
    config: ConfigPath,
    as_json: Json = False,
    assignments: Set = None,
    only: Annotated[str, typer.Option(help="Work on these dates alone, e.g. 2024-07-01,2024-07-04.")] = "",
    workers: Annotated[int, typer.Option(min=0, max=64, help="Observations at once; 0 is as the config says.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Redo what is up to date, too.")] = False,
    rebase: Annotated[bool, typer.Option("--rebase", help="Make region, grid and model anew, and redo all.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop work at the first input that fails.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but what fails.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print every step, and tracebacks.")] = False,
    log_json: Annotated[Path | None, typer.Option(metavar="FILE", help="Append every step, as JSON lines.")] = None,
) -> None:
    """Do the main job: read tiles, name clusters, measure, and publish."""
    from icepipe.config.loader import load

    extra = [f"batch.workers={workers}"] if workers else []
    settings = load(config, [*(assignments or []), *extra])
    _load_without_pandas()
    from icepipe.runtime.log import to_file, to_terminal
    from icepipe.workflow.run import no_progress
    from icepipe.workflow.run import run as run_stages

    dates = [date.strip() for date in only.split(",") if date.strip()]
    with ExitStack() as stack:
        if verbose:
            stack.enter_context(to_terminal())
        if log_json:
            stack.enter_context(to_file(log_json))
        if verbose or log_json:
            from icepipe.runtime.jit import log_compilation

            stack.enter_context(log_compilation())
        progress = no_progress if quiet or verbose else _progress()
        result = run_stages(settings, progress, only=dates, force=force, rebase=rebase, fail_fast=fail_fast)
        for line in () if quiet else _result_lines(result):
            print_result(line)
        if as_json:
            print_result(json.dumps(_result_json(result, settings.measure), allow_nan=False))
        for fault in result.faults:
            print_error(f"icepipe: {fault}")
    if result.faults:
        raise ObservationsFailed(f"{len(result.faults)} input(s) failed, the rest is published")


def check(config: ConfigPath, assignments: Set = None) -> None:
    """Show what a run would do, without doing it. Writes nothing."""
    from icepipe.config.loader import load

    settings = load(config, assignments or [])
    from icepipe.cli.plan_text import plan_lines
    from icepipe.workflow.plan import make_plan

    planned = make_plan(settings)
    print_result("\n".join(plan_lines(planned)))
    if planned.catalog.faults:
        raise ObservationsFailed(f"{len(planned.catalog.faults)} input(s) cannot be used")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (run, check):
        app.command()(command)
