"""What a run told, kept in the ledger: a run that finds nothing new tells it again without working it out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from icepipe.batch.ledger import Entry, Ledger
from icepipe.config import Config
from icepipe.errors import InputError
from icepipe.inputs.fingerprint import Listing
from icepipe.measure.alerts import AlertRow
from icepipe.measure.area_trend import AreaTrend
from icepipe.measure.series import Row
from icepipe.models import Model
from icepipe.notes import Happened
from icepipe.observe import Work
from icepipe.publish.manifest import FILE as MANIFEST
from icepipe.publish.record import FILE as RECORD
from icepipe.result import RunResult
from icepipe.standing import OBSERVATIONS, Standing, entry_of
from icepipe.unchanged import glance, looked_at_by

TOLD, GLANCE = "run", "glance"


@dataclass(frozen=True)
class _Told:
    """The part of a result that cannot be read off a plan."""

    rows: tuple[Row, ...]
    model: Model | None
    notes: tuple[str, ...]
    trends: tuple[AreaTrend, ...]
    alerts: tuple[AlertRow, ...] | None


_ADAPTER = TypeAdapter(_Told)


def _result(folder: Path, document: str, faults: tuple[InputError, ...]) -> RunResult | None:
    try:
        told = _ADAPTER.validate_json(document)
    except ValidationError:
        return None
    return RunResult(folder, told.rows, told.model, faults, told.notes, told.trends, told.alerts)


def told_before(work: Work, standing: Standing, faults: tuple[InputError, ...]) -> RunResult | None:
    """What the last run told, if it was made from the same and everything it wrote still stands; None else."""
    kept = standing.ledger.outcome(TOLD)
    if kept is None or kept[0] != standing.digest(work, faults):
        return None
    return _result(work.plan.config.run_folder, kept[1], faults)


def told_at_a_glance(config: Config, ledger: Ledger) -> tuple[RunResult, int] | None:
    """What the last run told, and of how many observations, if nothing failed in it and nothing at all has changed."""
    seen, kept = ledger.outcome(GLANCE), ledger.outcome(TOLD)
    if seen is None or not seen[0] or kept is None:
        return None
    held = json.loads(seen[1])
    result = _result(config.run_folder, kept[1], ()) if seen[0] == glance(config, held["looked_at"]) else None
    return (result, held["observations"]) if result else None


def keep_glance(work: Work, ledger: Ledger) -> None:
    """Keep what a later run needs to see at a glance that nothing has changed; the outputs must be whole by now."""
    looked = looked_at_by(work.plan.config, work.plan.catalog.scenes)
    seen = glance(work.plan.config, looked)
    document = json.dumps({"looked_at": looked, "observations": len(work.plan.observations)})
    with ledger.together():
        ledger.save_outcome(GLANCE, seen or "", document if seen else "{}")


def _failed(work: Work, before: Mapping[str, Entry]) -> dict[str, str]:
    """Observations that failed and are still asked for, each with its reason."""
    lacking = {key: str(fault) for key, fault in work.plan.lacking.items()}
    asked = {observation.key for observation in work.plan.observations}
    return lacking | {key: entry.reason for key, entry in before.items() if entry.state == "failed" and key in asked}


def _entries(work: Work, before: Mapping[str, Entry], happened: Happened) -> dict[str, Entry]:
    """What the ledger is to say of every observation after a run."""
    asked, records = {observation.key for observation in work.plan.observations}, happened.records
    found = {key: entry for key, entry in before.items() if key in asked and key not in records}
    for key in happened.stale:
        found[key] = replace(before.get(key, Entry(key, "")), state="stale")
    for key, record in records.items():
        found[key] = entry_of(key, "gone" if key in happened.gone else "done", record)
    for key, reason in _failed(work, before).items():
        found[key] = replace(found.get(key, Entry(key, "")), state="failed", reason=reason)
    return found


def _is_gone(path: str, listing: Listing) -> bool:
    """Whether a file is no longer there; one whose folder cannot be read may be."""
    try:
        return listing.identity(path) is None
    except InputError:
        return False


def _vanished(standing: Standing) -> list[str]:
    """Files that the ledger knows and that are no longer there."""
    listing = Listing()
    return [path for path in standing.ledger.files() if _is_gone(path, listing)]


def keep_told(work: Work, standing: Standing, result: RunResult, happened: Happened) -> None:
    """Bring the ledger up to what stands in the folder, and keep what was told."""
    folder, ledger = work.plan.config.run_folder, standing.ledger
    for path in (folder / MANIFEST, *(folder / OBSERVATIONS / key / RECORD for key in happened.records)):
        standing.fingerprints(path)
    before = ledger.entries()
    entries, vanished = _entries(work, before, happened), _vanished(standing)
    with ledger.together():
        ledger.save_files(standing.fingerprints.take_added())
        ledger.drop_files(vanished)
        ledger.drop_entries(before.keys() - entries.keys())
        ledger.save_entries(entry for key, entry in entries.items() if before.get(key) != entry)
    made = Standing.of(folder, ledger).digest(work, result.faults)
    if made is None:
        return
    told = _Told(result.rows, result.model, result.notes, result.trends, result.alerts)
    with ledger.together():
        ledger.save_outcome(TOLD, made, _ADAPTER.dump_json(told).decode())
