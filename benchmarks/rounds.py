"""Holding contests: what the peers read is prepared, then they take turns, round by round."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.contest import Contest, Peer
from benchmarks.judge import Samples
from benchmarks.measure import Failed, Job

Told = Callable[[str], None]


@dataclass
class Held:
    """What came of a contest.

    Attributes:
        contest: That was held.
        samples: What each peer has measured, round by round.
        absent: Peers that can't take part on this machine, and why.
        failures: Sentences on peers that ended without a result.
    """

    contest: Contest
    samples: Samples = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def hold(contests: Sequence[Contest], repeats: int, folder: Path, tell: Told, *, together: bool = False) -> list[Held]:
    """Hold contests, in rounds in which each peer takes its turn: A B C A B C.

    Args:
        contests: Usually one. The points of a line of the chart come together: a peer runs them in one process.
        repeats: Rounds.
        folder: For files; of this call alone.
        tell: Is told what is being run.
        together: Run all peers of all contests in a few processes, beside each other: for the smoke size.
    """
    held = [Held(contest) for contest in contests]
    for one in held:
        reasons = {peer.name: measure.missing(peer.needs) for peer in one.contest.peers}
        one.absent = {name: reason for name, reason in reasons.items() if reason}
    shapes = _prepare(held, folder, tell)
    by_name = {one.contest.name: one for one in held}
    for number in range(repeats):
        jobs = [
            _job(one.contest, peer, folder, shapes)
            for one in held
            for peer in one.contest.peers
            if peer.name not in one.absent and not one.failures
        ]
        for group in _turns(jobs, together):
            tell(f"round {number + 1} of {repeats}: {group[0].key[1]}")
            for job, values in _run(group, folder, together):
                one = by_name[job.key[0]]
                if isinstance(values, str):
                    one.failures.append(values)
                else:
                    one.samples.setdefault(job.key[1], []).append(values)
    return held


def _turns(jobs: list[Job], together: bool) -> list[list[Job]]:
    """Return what is run at a time: one peer, or everything."""
    if together:
        return [jobs] if jobs else []
    turns: dict[str, list[Job]] = {}
    for job in jobs:
        turns.setdefault(job.key[1], []).append(job)
    return list(turns.values())


def _run(jobs: list[Job], folder: Path, together: bool) -> list[tuple[Job, dict[str, Any] | str]]:
    if together:
        return list(measure.run_together(jobs, folder))
    try:
        return list(zip(jobs, measure.run(jobs, folder), strict=True))
    except Failed as error:
        return [(job, str(error)) for job in jobs]


def _prepare(held: list[Held], folder: Path, tell: Told) -> dict[str, dict[str, Any]]:
    """Write what the peers beside the zoo are given, and return the shapes by contest."""
    jobs = []
    for one in held:
        contest = one.contest
        if any(peer.reads_prepared and peer.name not in one.absent for peer in contest.peers):
            spec = {
                "words": _first_words(contest),
                "to": str(_file(contest, folder)),
                "epochs": contest.epochs,
                "weights": contest.weights,
            }
            jobs.append(Job((contest.name, "prepare"), "prepare", spec))
    # The first run in a folder makes the database; what is timed is any later one.
    jobs.append(Job(("", "prepare"), "open_store"))
    tell("preparing")
    try:
        found = measure.run(jobs, folder)
    except Failed as error:
        for one in held:
            one.failures.append(f"Preparing failed: {error}")
        return {}
    return {job.key[0]: values for job, values in zip(jobs, found, strict=True)}


def _job(contest: Contest, peer: Peer, folder: Path, shapes: dict[str, dict[str, Any]]) -> Job:
    key = (contest.name, peer.name)
    if peer.module == "command":
        return Job(key, "command", {"words": [word.format(root=measure.ROOT) for word in peer.words]})
    spec: dict[str, Any] = {"words": [*contest.words, *peer.words], **peer.spec}
    if peer.reads_prepared:
        own = {"shape": shapes.get(contest.name), "file": str(_file(contest, folder)), "epochs": contest.epochs}
        spec = {**own, **peer.spec}
    return Job(key, peer.module, spec)


def _first_words(contest: Contest) -> list[str]:
    """Return the words of the peer that the others are compared with."""
    return [*contest.words, *contest.peers[0].words, "tracking=off"]


def _file(contest: Contest, folder: Path) -> Path:
    return folder / f"{contest.name}.npz"
