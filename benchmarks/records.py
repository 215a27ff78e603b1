"""The contests of the record: many processes at once, populations, and what is asked of a hundred thousand runs."""

from dataclasses import replace

from benchmarks.contest import Contest, Goal, Peer
from benchmarks.size import Size

SQLITE, SERVER = "SQLite", "PostgreSQL over http"
_KINDS = {SQLITE: "sqlite", SERVER: "server"}


def load(size: Size) -> Contest:
    """Return the contest of many processes that record at once."""
    processes, runs, points = size.recorded
    spec = {"processes": processes, "runs": runs, "points": points}
    return Contest(
        "record.load",
        f"{processes} processes that record {runs} runs of {points} points each, all at once",
        (),
        _peers("record_load", spec, server=True),
        shown="runs_per_second",
        goals=(Goal(SERVER, None, "wait_seconds", at_most=5, unit="s"),),
        repeats=1,
        agree="nothing",
    )


def bulk(size: Size) -> Contest:
    """Return the contest of a population's record."""
    return Contest(
        "record.bulk",
        f"{size.bulk_runs:,} runs of 800 points that have ended, recorded at once",
        (),
        _peers("record_bulk", {"runs": size.bulk_runs}, server=size.servers),
        shown="milliseconds_per_run",
        goals=(Goal(SERVER, None, "milliseconds_per_run", at_most=15, unit="ms"),) if size.servers else (),
        agree="nothing",
    )


def scale(size: Size) -> list[Contest]:
    """Return a contest for each size of the record."""
    return [
        Contest(
            f"record.{seeds * times}",
            f"list, report of a sweep of {seeds:,} runs, and the best of all, in a record of {seeds * times:,} runs",
            (),
            _peers("record_scale", {"seeds": seeds, "times": times}, server=size.servers),
            shown="report_seconds",
            goals=tuple(
                Goal(peer, None, measure, at_most=5, unit="s")
                for peer in (_KINDS if size.servers else (SQLITE,))
                for measure in ("list_seconds", "report_seconds", "best_seconds")
            ),
            repeats=1,
            agree="nothing",
        )
        for seeds, times in size.records
    ]


def _peers(module: str, spec: dict[str, int], *, server: bool) -> tuple[Peer, ...]:
    peers = (Peer(name, module, spec={**spec, "store": kind}) for name, kind in _KINDS.items())
    return tuple(replace(peer, needs="postgresql") if peer.name == SERVER else peer for peer in peers)[: 1 + server]
