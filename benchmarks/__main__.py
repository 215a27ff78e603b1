"""The command: `python -m benchmarks [contest ...] [--smoke] [--repeats N] [--output DIR]`."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import environment, report, scaling
from benchmarks.contest import Contest
from benchmarks.contests import FULL, SMOKE, contests
from benchmarks.measure import ROOT
from benchmarks.rounds import Held, hold

RESULTS = Path(__file__).parent / "results"
SMOKE_RESULTS = ROOT / "outputs" / "benchmarks"  # which git ignores


def main(arguments: Sequence[str] | None = None) -> int:
    """Hold the contests that are named and return 0, or 1 where a peer failed or losses disagree."""
    asked = _parse(arguments)
    table, lines = contests(SMOKE if asked.smoke else FULL), scaling.lines(smoke=asked.smoke)
    known = [contest.name for contest in (*table, *(point for line in lines for point in line))]
    for word in asked.contest:
        if not any(_names(word, name) for name in known):
            families = sorted({name.partition(".")[0] for name in known})
            print(f"Unknown contest '{word}'. Available: {', '.join(families)}.", file=sys.stderr)
            return 2
    words = asked.contest or sorted({name.partition(".")[0] for name in known})
    table = [contest for contest in table if any(_names(word, contest.name) for word in words)]
    lines = [[point for point in line if any(_names(word, point.name) for word in words)] for line in lines]
    return run(table, [line for line in lines if line], asked.output, repeats=asked.repeats, smoke=asked.smoke)


def run(
    table: Sequence[Contest], lines: Sequence[Sequence[Contest]], output: Path, *, repeats: int, smoke: bool = False
) -> int:
    """Hold contests, write the report after each of them, and return the exit code.

    Args:
        table: Contests that become rows of the table.
        lines: Points of the chart, one list for each of its lines.
        output: Folder of the report.
        repeats: Rounds of each contest.
        smoke: Everything in one round and a few processes; goals are not judged.
    """
    results: dict[str, Any] = {
        **environment.describe(),
        "repeats": repeats,
        "smoke": smoke,
        "contests": [],
    }
    done: list[Contest] = []
    points: list[Held] = []
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        batches: list[Sequence[Contest]] = [[contest] for contest in table] + list(lines)
        if smoke:
            batches = [[*table, *(point for line in lines for point in line)]]
        for index, batch in enumerate(batches):
            folder = Path(name) / str(index)
            folder.mkdir()
            title = batch[0].name if len(batch) == 1 else f"{batch[0].name} to {batch[-1].name}"

            def tell(what: str, title: str = title) -> None:
                print(f"{title}: {what}", flush=True)

            turns = min(repeats, *(contest.repeats or repeats for contest in batch))
            for held in hold(batch, turns, folder, tell, together=smoke):
                if held.contest.name.startswith(scaling.PREFIX):
                    points.append(held)
                else:
                    done.append(held.contest)
                    results["contests"].append(report.result(held, judged=not smoke))
            results["scaling"] = scaling.results(points)
            report.write(results, done, output)
            shutil.rmtree(folder)
    if points:
        from benchmarks import chart

        chart.draw(results["scaling"], output / "scaling.png")
    print(report.markdown(results, done))
    faults = [*(fault for one in results["contests"] for fault in one["faults"]), *results["scaling"]["faults"]]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _names(word: str, name: str) -> bool:
    return name == word or name.startswith(f"{word}.")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the zoo beside its peers.")
    parser.add_argument("contest", nargs="*", help="lstm, lstm.adam, start, ...; all, if none is named")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, to see that everything runs")
    parser.add_argument("--repeats", type=int, help="rounds of fresh processes; 5, or 1 with --smoke")
    parser.add_argument("--output", type=Path, help="folder of the report; benchmarks/results, or outputs/benchmarks")
    asked = parser.parse_args(arguments)
    if asked.repeats is None:
        asked.repeats = 1 if asked.smoke else 5
    if asked.repeats < 1:
        parser.error(f"--repeats should be at least 1. Received: {asked.repeats}.")
    if asked.output is None:
        asked.output = SMOKE_RESULTS if asked.smoke else RESULTS
    return asked


if __name__ == "__main__":
    sys.exit(main())
