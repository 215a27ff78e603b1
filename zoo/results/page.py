"""The whole answer of a sweep on one page of HTML that needs nothing else: no network, no other file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from zoo.results import markup, numbers, table
from zoo.results.formats import Picture
from zoo.results.leaderboard import Leaderboard
from zoo.results.trials import Trial, short

LISTED = 2000
"""The most runs that the page lists one by one."""
_OPEN = 20  # rows of the leaderboard that are seen at once


@dataclass(frozen=True)
class Page:
    """What the page says.

    Attributes:
        title: Of the sweep.
        answer: The first thing to be read.
        board: The leaderboard.
        pictures: With captions.
        noun: What repeats a choice: a seed, a fold.
        facts: What was swept, when, on what, by name.
        method: How the answer was found, in sentences.
        notes: What a reader has to know before believing the answer, in sentences.
        skipped: Sentences about cells that could not be.
        versions: Of the software, by name.
        link: Gives the address of a run by its id, or None where there is none to give.
        see: How to look at the runs, in a line; may be empty.
    """

    title: str
    answer: str
    board: Leaderboard
    pictures: Sequence[Picture] = ()
    noun: str = "seed"
    facts: Mapping[str, str] = field(default_factory=dict)
    method: Sequence[str] = ()
    notes: Sequence[str] = ()
    skipped: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    link: Callable[[str], str | None] = lambda _: None
    see: str = ""


def write(page: Page, path: Path) -> Path:
    """Write the page.

    Args:
        page: What it says.
        path: Of the file; its folder is made if missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html(page), encoding="utf-8")
    return path


def html(page: Page) -> str:
    """Return the page: everything from outside is escaped, and a policy in its head forbids it to load anything."""
    warnings = [*page.notes, *(picture.warning for picture in page.pictures if picture.warning)]
    parts = [
        markup.opening(page.title, page.answer, warnings),
        markup.definitions(page.facts),
        "<h2>Leaderboard</h2>",
        _leaderboard(page.board.shown, page.noun),
        *(markup.figure(picture.svg, picture.title, picture.caption) for picture in page.pictures),
        markup.section("How this was computed", markup.bullets(page.method)),
        _failures(page),
        markup.section("Left out", markup.bullets(page.skipped)),
        _runs(page),
        markup.section("Made with", markup.definitions(page.versions)),
    ]
    return markup.document(page.title, parts)


def _leaderboard(board: Leaderboard, noun: str) -> str:
    columns = table.columns(board)
    keys = board.trials.keys or ("",)
    drawn = "" if board.is_single else f"; in brackets where 95 % of the ranks lie when {noun}s are drawn anew"
    heads = [
        markup.head("rank", f"By the median{drawn}."),
        *(markup.head(short(key, keys) or "choice") for key in keys),
        *(markup.head(column.name, column.means, is_number=True) for column in columns),
    ]
    rows = []
    for place, row in enumerate(board.rows):
        kind = "best" if place == 0 and board.best else "tied" if row.tied else ""
        values = row.choice or (row.label,)
        cells = [
            f'<td data-key="{row.rank}">{escape(table.rank(row))}{_badge(kind)}</td>',
            *(f"<td>{escape(value)}</td>" for value in values),
            *(f'<td class="n" data-key="{column.key(row):.9g}">{escape(column.text(row))}</td>' for column in columns),
        ]
        hidden = " hidden" if place >= _OPEN else ""
        rows.append(f'<tr class="{kind}"{hidden}>{"".join(cells)}</tr>')
    more = (
        f'<button type="button" class="more">Show all {len(board.rows)} choices</button>' if len(rows) > _OPEN else ""
    )
    return f"{markup.table(heads, rows)}{more}{_selected(board)}"


def _selected(board: Leaderboard) -> str:
    """Return what the best choice reaches on the test split, the only thing there that is."""
    if board.best is None or board.test_median != board.test_median:
        return ""
    metric = escape(board.test_metric)
    median, own = (
        f"<strong>{numbers.metric(board.test_metric, value)}</strong>"
        for value in (board.test_median, board.test_of_best)
    )
    reached = (
        f"{metric} {own}"
        if board.best.runs == 1
        else (f"median {metric} {median}, and {own} of the run that validates best")
    )
    return (
        f"<p>Selected: <strong>{escape(board.best.label)}</strong>. On the test split, which had no part in the "
        f"selection: {reached}.</p>"
    )


def _badge(kind: str) -> str:
    return {"best": ' <span class="badge">best</span>', "tied": ' <span class="badge tie">tied</span>'}.get(kind, "")


def _failures(page: Page) -> str:
    """Return which runs were lost, by reason: equal reasons are told once."""
    trials = page.board.trials
    reasons: dict[tuple[str, str], list[Trial]] = {}
    for row in page.board.rows:
        for trial in trials.of(row.choice):
            if trial.is_lost:
                reasons.setdefault((trial.outcome, trial.reason), []).append(trial)
    if not reasons:
        return ""
    items = []
    for (outcome, reason), lost in sorted(reasons.items(), key=lambda item: -len(item[1]))[:50]:
        choices = list(dict.fromkeys(trials.label(trial.choice) for trial in lost))
        items.append(
            f"<li><strong>{escape(outcome)}</strong>, {numbers.count(len(lost), 'run')}: "
            f"{escape(reason or 'no reason was recorded.')} "
            f"<span class=faint>{escape(numbers.listed(choices))}; such as {_link(page, lost[0])}</span></li>"
        )
    more = f"<p>… and {len(reasons) - 50:,} other reasons.</p>" if len(reasons) > 50 else ""
    return markup.section("Diverged and failed", f"<ul>{''.join(items)}</ul>{more}")


def _runs(page: Page) -> str:
    trials = page.board.trials
    lines = []
    for row in page.board.rows:
        for trial in trials.of(row.choice):
            value = numbers.metric(trials.metric, trial.value)
            cells = f"<td>{escape(row.label)}</td><td>{escape(trial.replicate)}</td><td>{escape(trial.outcome)}</td>"
            lines.append(f'<tr>{cells}<td class="n">{value}</td><td>{_link(page, trial)}</td></tr>')
    cut = f"<p>The first {LISTED:,} of {len(lines):,} runs are listed.</p>" if len(lines) > LISTED else ""
    heads = ("choice", page.noun, "outcome", f"best {trials.metric}", "run")
    head = [markup.head(name, is_number=name.startswith("best ")) for name in heads]
    see = f"<p>{escape(page.see)}</p>" if page.see else ""
    title = f"All {numbers.count(len(lines), 'run')}" if len(lines) > 1 else "The run"
    return markup.section("Runs", markup.details(f"{title}, by id", see + cut + markup.table(head, lines[:LISTED])))


def _link(page: Page, trial: Trial) -> str:
    address = page.link(trial.id)
    name = f"<code>{escape(trial.id)}</code>"
    return f'<a href="{escape(address)}">{name}</a>' if address else name
