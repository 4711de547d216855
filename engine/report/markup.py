"""Pieces of HTML that the page is put together from; whoever calls escapes what came from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import TypeVar

__all__ = ["Cell", "SHOWN", "attribute", "listed", "plural", "section"]

SHOWN = 300  # rows of a table at most; the rest is in the CSV
_OPEN = 40  # rows that are shown without being asked for

_T = TypeVar("_T")
Cell = tuple[str, str]  # class of the cell ("" none), HTML


def section(name: str, heading: str, what: str, content: str, legend: str = "") -> str:
    """A part of the page under a heading, which a link can lead to by its name."""
    place = f' id="{name}"' if name else ""
    more = f'<span class="soft">{what}</span>' if what else ""
    key = f'<span class="legend">{legend}</span>' if legend else ""
    return f'<section{place}>\n<div class="head"><h2>{escape(heading)}</h2>{more}{key}</div>\n{content}\n</section>'


def attribute(name: str) -> str:
    """The class attribute of an element; nothing for no class."""
    return f' class="{name}"' if name else ""


def plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def listed(
    name: str,
    heading: str,
    columns: Sequence[str],
    items: Sequence[_T],
    row: Callable[[_T], Iterable[Cell]],
    *,
    what: str = "",
) -> str:
    """A section with a table of the last items; a column whose name begins with ">" stands on the right."""
    shown = items[-SHOWN:]
    head = "".join(
        f'<th scope="col" class="num">{column[1:]}</th>' if column[0] == ">" else f'<th scope="col">{column}</th>'
        for column in columns
    )
    body = "\n".join(
        "<tr>" + "".join(f"<td{attribute(kind)}>{cell}</td>" for kind, cell in row(item)) + "</tr>" for item in shown
    )
    table = (
        f'<div class="scroll" role="region" aria-label="{heading}" tabindex="0">\n<table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )
    if len(shown) < len(items):
        table += (
            f'\n<p class="more">The last {len(shown):,} of {len(items):,}; '
            f"{len(items) - len(shown):,} more stand in {name}.csv.</p>"
        )
    if len(shown) > _OPEN:
        table = f"<details>\n<summary>Show {len(shown):,} rows</summary>\n{table}\n</details>"
    return section(name, heading, what or f"{len(items):,}", table)
