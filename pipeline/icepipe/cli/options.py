"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# The limit of segment.seed in the config.
MAX_SEED = 2**31 - 1

ConfigPath = Annotated[Path, typer.Argument(help="The config file (YAML).", metavar="CONFIG")]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A config file or the output folder of a run.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a key of the config, e.g. segment.k=8.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object on the last line.")]
