"""The results as JSON, and as a table in Markdown."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import judge
from benchmarks.contest import IN_MILLISECONDS, MEASURES, Contest, Goal
from benchmarks.contests import KERAS, TORCH
from benchmarks.rounds import Held

HEADER = ("contest", "rounds", "in", "zoo", "stock Keras", TORCH, "ratio [interval]", "goal", "met")


def result(held: Held, *, judged: bool = True) -> dict[str, Any]:
    """Return what came of a contest, as JSON can hold it.

    Args:
        held: The contest.
        judged: Whether goals are met or not; at the smoke size they are not looked at.
    """
    contest = held.contest
    faults = [*held.failures, *judge.disagreement(contest, held.samples)]
    peers = {}
    for peer in contest.peers:
        samples = held.samples.get(peer.name, [])
        numbers = [key for key in (samples[0] if samples else {}) if isinstance(samples[0][key], int | float)]
        peers[peer.name] = {
            "words": [*contest.words, *peer.words],
            "absent": held.absent.get(peer.name),
            "measures": {key: judge.summary([sample[key] for sample in samples]) for key in numbers},
            "losses": samples[0].get("losses") if samples else None,
        }
    return {
        "name": contest.name,
        "about": contest.about,
        "unit": contest.unit,
        "ok": not faults,
        "faults": faults,
        "largest_difference": judge.worst(contest, held.samples),
        "tolerance": None if contest.agree == "nothing" else contest.tolerance,
        "compares": "perplexity" if contest.perplexity else contest.agree,
        "peers": peers,
        "goals": [_goal(goal, held, judged and not faults) for goal in contest.goals],
    }


def _goal(goal: Goal, held: Held, judged: bool) -> dict[str, Any]:
    found = judge.goal(goal, held.samples)
    own = {"over": goal.over, "against": goal.against, "measure": goal.measure, "goal": goal.text, "unit": goal.unit}
    if found is None:
        return {**own, "value": None, "low": None, "high": None, "met": None}
    met = goal.is_met(found.value) if judged else None
    several = len(held.samples[goal.over]) > 1
    low, high = (found.low, found.high) if several else (None, None)
    return {**own, "value": found.value, "low": low, "high": high, "met": met}


def write(results: dict[str, Any], contests: Sequence[Contest], folder: Path) -> None:
    """Write `latest.json` and `latest.md`.

    Args:
        results: Settings, environment, and under `contests` what `result` returned for each.
        contests: Those contests, in the same order.
        folder: Where to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "latest.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (folder / "latest.md").write_text(markdown(results, contests), encoding="utf-8")


def markdown(results: dict[str, Any], contests: Sequence[Contest]) -> str:
    """Return the results as a page."""
    machine, versions = results["machine"], results["versions"]
    names = ("python", "tensorflow", "keras", "torch", "numpy", "mlflow")
    changed = " with changes" if results["changed_since"] else ""
    rounds = f"{results['repeats']} round{'s' * (results['repeats'] > 1)}"
    lines = [
        f"Measured on {results['measured']} at commit {results['commit'][:12]}{changed}: {machine['cpu']}, "
        f"{machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}; "
        f"{', '.join(f'{name} {versions[name]}' for name in names if name in versions)}. "
        f"{rounds} of fresh processes, or fewer where a contest says so, peers interleaved: median (quartiles). The "
        f"interval of a ratio is made by drawing rounds anew; with five rounds it is about their range, and holds the "
        f"true ratio of medians in nine cases of ten, with three in three of four. {_disturbance(results)}",
        "",
    ]
    if results["smoke"]:
        lines += ["The smoke size: the numbers say that everything runs, and nothing about speed.", ""]
    lines += ["| " + " | ".join(HEADER) + " |", "|" + "---|" * len(HEADER)]
    for contest, found in zip(contests, results["contests"], strict=True):
        lines += ["| " + " | ".join(row) + " |" for row in rows(contest, found)]
    lines += ["", *(f"- {found['name']}: {found['about']}." for found in results["contests"])]
    faults = [f"- **{found['name']}** {fault}" for found in results["contests"] for fault in found["faults"]]
    absent = {(name, peer["absent"]) for one in results["contests"] for name, peer in one["peers"].items()}
    absent_lines = [f"- {name} took no part: {reason}." for name, reason in sorted(absent, key=str) if reason]
    if faults or absent_lines:
        lines += ["", *faults, *absent_lines]
    return "\n".join(lines) + "\n"


def _disturbance(results: dict[str, Any]) -> str:
    """Say what other processes did meanwhile; PyTorch, whose threads wait for each other, suffers most from them."""
    peers = [peer for one in results["contests"] for peer in one["peers"].values()]
    cores = sorted(v for peer in peers for v in peer["measures"].get("others_cores", {}).get("samples", []))
    if not cores:
        return ""
    return f"Other processes kept {cores[len(cores) // 2]:.1f} cores busy in the median run, at most {cores[-1]:.1f}."


def rows(contest: Contest, found: dict[str, Any]) -> list[list[str]]:
    """Return the rows of a contest: one for each of our peers and each measure that is shown or that a goal is for."""
    ours = [peer.name for peer in contest.peers if peer.name not in (KERAS, TORCH)]
    wanted = [(name, contest.shown) for name in ours if contest.shown]
    wanted += [(goal.over, goal.measure) for goal in contest.goals]
    table = []
    for name, measure in dict.fromkeys(wanted):
        goals = [goal for goal in found["goals"] if (goal["over"], goal["measure"]) == (name, measure)]
        label = contest.name if len(ours) == 1 else f"{contest.name}, {name.removeprefix('zoo ')}"
        cells = [_cell(found["peers"].get(peer), str(measure)) for peer in (name, KERAS, TORCH)]
        met = ["" if goal["met"] is None else "yes" if goal["met"] else "**no**" for goal in goals]
        table.append(
            [
                label if found["ok"] else f"{label} **failed**",
                _rounds(found["peers"].get(name), str(measure)),
                MEASURES[str(measure)][0].format(unit=contest.unit),
                *cells,
                "<br>".join(map(_ratio, goals)),
                "<br>".join(goal["goal"] for goal in goals),
                "<br>".join(met),
            ]
        )
    return table


def _rounds(peer: dict[str, Any] | None, measure: str) -> str:
    return str(len(peer["measures"].get(measure, {}).get("samples", []))) if peer else ""


def _cell(peer: dict[str, Any] | None, measure: str) -> str:
    if peer is None:
        return ""
    if peer["absent"]:
        return "absent"
    if measure not in peer["measures"]:
        return "–"
    values, form = peer["measures"][measure], MEASURES[measure][1]
    factor = 1e3 if measure in IN_MILLISECONDS else 1.0
    median, first, third = (form.format(values[key] * factor) for key in ("median", "q1", "q3"))
    return f"{median} ({first}–{third})"


def _ratio(goal: dict[str, Any]) -> str:
    if goal["value"] is None:
        return f"– {goal['against']}"
    against = f" × {goal['against']}" if not goal["unit"] else f" {goal['unit']}"
    value = f"{_number(goal['value'])}{against}"
    return value if goal["low"] is None else f"{value} [{_number(goal['low'])}, {_number(goal['high'])}]"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
