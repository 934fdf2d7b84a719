"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

MAX_SEED = 2**31 - 1

ConfigPath = Annotated[Path, typer.Argument(help="The config file (YAML).", metavar="CONFIG")]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A config file or an output folder.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set any key of the config, e.g. segment.k=8.")
]
Json = Annotated[bool, typer.Option("--json", help="Last line of the output is one JSON object.")]
