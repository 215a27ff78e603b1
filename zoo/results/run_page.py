"""One run on one page of HTML that needs nothing else: what it was, how it learnt, what it reached, how to go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from zoo.results import markup, numbers

FILE = "run.html"
MOST_EPOCHS = 100
"""The most rows of the table of epochs."""


@dataclass(frozen=True)
class Drawn:
    """A picture that a run has left.

    Attributes:
        path: Of the file, SVG or PNG.
        title: In a few words.
        caption: What it shows, and how to read it.
        is_wide: Whether it takes the whole width.
    """

    path: Path
    title: str
    caption: str
    is_wide: bool = False


@dataclass(frozen=True)
class Written:
    """A text that a run has left.

    Attributes:
        title: In a few words.
        text: As it stands.
        is_prose: Whether it is to be read, rather than a table set with spaces.
    """

    title: str
    text: str
    is_prose: bool = False


@dataclass(frozen=True)
class RunPage:
    """What the page says.

    Attributes:
        title: The name of the run.
        answer: What came of it, the first thing to be read.
        warnings: What a reader has to know before believing it.
        facts: About the run, by name.
        results: By metric: its values on the splits at the best epoch, and on the test split; NaN where there is none.
        columns: Names of those values.
        pictures: With captions.
        texts: That it wrote, and tables.
        history: Values by epoch and name.
        config: By section, then by key.
        further: What else was measured, by name.
        versions: Of the software, by name.
    """

    title: str
    answer: str
    warnings: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, Sequence[float]] = field(default_factory=dict)
    columns: Sequence[str] = ()
    pictures: Sequence[Drawn] = ()
    texts: Sequence[Written] = ()
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)
    config: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    further: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def write(page: RunPage, folder: Path) -> Path:
    """Write `run.html` and return its path."""
    path = folder / FILE
    path.write_text(html(page), encoding="utf-8")
    return path


def html(page: RunPage) -> str:
    """Return the page: everything from outside is escaped, and a policy in its head forbids it to load anything."""
    figures = "".join(
        f"<div{' class=wide' if one.is_wide else ''}>{markup.figure(one.path, one.title, one.caption)}</div>"
        for one in page.pictures
    )
    parts = [
        markup.opening(page.title, page.answer, page.warnings),
        markup.definitions(page.facts),
        markup.section("Result", _results(page)),
        f'<div class="figures">{figures}</div>' if figures else "",
        *(markup.section(one.title, _text(one)) for one in page.texts),
        markup.section("Epoch by epoch", _history(page.history)),
        markup.section("Also measured", markup.definitions(page.further)),
        markup.section("Configuration", _config(page.config)),
        markup.section("Made with", markup.definitions(page.versions)),
    ]
    return markup.document(page.title, parts)


def _results(page: RunPage) -> str:
    if not page.results:
        return ""
    heads = [markup.head("metric"), *(markup.head(name, is_number=True) for name in page.columns)]
    rows = [
        f"<tr><td>{escape(name.replace('_', ' '))}</td>{''.join(_number(name, value) for value in values)}</tr>"
        for name, values in page.results.items()
    ]
    return markup.table(heads, rows)


def _history(history: Mapping[str, Sequence[float]]) -> str:
    """Return the values of each epoch, or of so many that they can be read."""
    epochs = max(map(len, history.values()), default=0)
    if not epochs:
        return ""
    shown = sorted({round(place * (epochs - 1) / max(1, min(epochs, MOST_EPOCHS) - 1)) for place in range(MOST_EPOCHS)})
    shown = [place for place in shown if place < epochs]
    names = ["epoch", *(name for name in history if name != "epoch")]
    heads = [markup.head(name.replace("_", " "), is_number=True) for name in names]
    counted = history.get("epoch", range(1, epochs + 1))
    rows = []
    for place in shown:
        values = [float(place + 1), *(_at(history[name], place, epochs) for name in names[1:])]
        values[0] = _at(counted, place, epochs)
        rows.append(f"<tr>{''.join(_number(name, value) for name, value in zip(names, values, strict=True))}</tr>")
    what = f"All {epochs:,}" if len(shown) == epochs and epochs > 1 else f"{len(shown):,} of {epochs:,}"
    return markup.details("The only epoch" if epochs == 1 else f"{what} epochs", markup.table(heads, rows))


def _at(values: Sequence[float], place: int, epochs: int) -> float:
    """Return the value of an epoch; of a metric that is measured every few epochs, NaN between them."""
    every = max(1, epochs // len(values)) if len(values) else 1
    at, left = divmod(place + 1, every)
    return float(values[at - 1]) if not left and 0 < at <= len(values) else float("nan")


def _number(name: str, value: float) -> str:
    shown = f"{value:,.0f}" if name == "epoch" and value == value else numbers.metric(name, value)
    if value in (float("inf"), float("-inf")):  # a value of one run; only in a comparison it is lost
        shown = numbers.brief(value)
    return f'<td class="n" data-key="{value:.9g}">{escape(shown)}</td>'


def _text(one: Written) -> str:
    return markup.text(one.text).replace("<pre>", '<pre class="prose">', 1) if one.is_prose else markup.text(one.text)


def _config(config: Mapping[str, Mapping[str, str]]) -> str:
    parts = [f"<div><h3>{escape(name)}</h3>{markup.definitions(values)}</div>" for name, values in config.items()]
    return f'<div class="columns">{"".join(parts)}</div>' if parts else ""
