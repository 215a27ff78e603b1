"""The HTML that pages are made of: everything from outside is escaped, and nothing is loaded from anywhere."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from zoo.results.page_style import SCRIPT, STYLE

# Forbids the page to load anything, whatever may have got into it.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


def document(title: str, parts: Iterable[str]) -> str:
    """Return a whole page.

    Args:
        title: Of the page, as text.
        parts: Of its body, as HTML; empty ones are left out.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(filter(None, parts))
        + f"\n</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def opening(title: str, answer: str, warnings: Iterable[str] = ()) -> str:
    """Return what a page begins with: its title, what is to be read first, and what has to be known before."""
    return "\n".join(
        [
            f"<h1>{escape(title)}</h1>",
            f'<p class="answer">{escape(answer)}</p>',
            *(f'<p class="warning" role="note">{escape(one)}</p>' for one in warnings),
        ]
    )


def figure(file: Path, title: str, caption: str) -> str:
    """Return a picture with its caption, the file (SVG or PNG) within the page."""
    data = base64.b64encode(file.read_bytes()).decode("ascii")
    return (
        f"<h2>{escape(title)}</h2>\n<figure>"
        f'<img alt="{escape(title)}: {escape(caption)}" src="data:{_TYPES[file.suffix]};base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def section(title: str, content: str) -> str:
    """Return HTML under a heading; nothing where there is none."""
    return f"<h2>{escape(title)}</h2>\n{content}" if content else ""


def bullets(sentences: Sequence[str]) -> str:
    """Return a list of sentences."""
    return f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in sentences)}</ul>" if sentences else ""


def definitions(pairs: Mapping[str, str]) -> str:
    """Return names with what they stand for."""
    if not pairs:
        return ""
    return f"<dl>{''.join(f'<dt>{escape(key)}</dt><dd>{escape(value)}</dd>' for key, value in pairs.items())}</dl>"


def head(name: str, means: str = "", *, is_number: bool = False) -> str:
    """Return the head of a column, with what it means."""
    title = f' title="{escape(means)}"' if means else ""
    return f'<th scope="col"{" class=n" if is_number else ""}{title}>{escape(name)}</th>'


def table(heads: Iterable[str], rows: Iterable[str]) -> str:
    """Return a table that can be sorted, of heads and rows in HTML."""
    return (
        f'<div class="scroll"><table class="sortable"><thead><tr>{"".join(heads)}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def details(summary: str, content: str, *, is_open: bool = False) -> str:
    """Return HTML that is seen on demand."""
    return f"<details{' open' if is_open else ''}><summary>{escape(summary)}</summary>{content}</details>"


def text(content: str) -> str:
    """Return a text as it stands, line by line."""
    return f"<pre>{escape(content)}</pre>"
