"""
Charts as inline SVG: lines, areas, bands, bars, marks and axes.

A chart is as wide as its place: horizontal places are shares of the width, so lines stretch while texts, strokes and
marks keep their size. Colours and fonts are the page's: a shape only names its class.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from engine.report.axes import Tick, thinned

__all__ = ["PIXELS", "Chart"]

PIXELS = 1000  # across, for what is thinned; also the units of a stretched path
_AXIS = 22  # pixels below the plot, for the texts of the horizontal axis


class Chart:
    """
    One plot; what is added later lies on top.

    Args:
        title: What it shows, for those who do not see it.
        height: Of the plot without its axis, pixels.
        low, high: Values at the bottom and at the top.
    """

    def __init__(self, title: str, *, height: int, low: float, high: float) -> None:
        self._title = title
        self._height = height
        self._low = low
        self._span = (high - low) or 1.0
        self._parts: list[str] = []
        self._texts: list[str] = []

    def y(self, value: float) -> float:
        """Where a value stands, pixels from the top."""
        return round((1 - (value - self._low) / self._span) * self._height, 1)

    # --- axes ---------------------------------------------------------------------------------------------------------

    def value_axis(self, ticks: Iterable[Tick], unit: str = "") -> None:
        """Horizontal lines with their values on the left; a tick's place is a share of the height from the bottom."""
        for tick in ticks:
            y = _short((1 - tick.place) * self._height)
            self._parts.append(f'<line class="grid" x2="100%" y1="{y}" y2="{y}"/>')
            self._texts.append(f'<text class="value" x="-8" y="{y}" dy=".32em">{escape(tick.text + unit)}</text>')

    def time_axis(self, ticks: Sequence[Tick]) -> None:
        """Short lines with their moments below the plot; every other one gives way where there is little room."""
        y = self._height
        for number, tick in enumerate(ticks):
            x = _percent(tick.place)
            end = " first" if tick.place < 0.03 else " last" if tick.place > 0.97 else ""
            spare = " spare" if number % 2 else ""
            self._parts.append(f'<line class="tick" x1="{x}" x2="{x}" y1="{y}" y2="{y + 4}"/>')
            self._texts.append(
                f'<text class="moment{end}{spare}" x="{x}" y="{y + _AXIS - 6}">{escape(tick.text)}</text>'
            )
        self._parts.append(f'<line class="axis" x2="100%" y1="{y}" y2="{y}"/>')

    def level(self, value: float, kind: str = "level") -> None:
        """A horizontal line at a value."""
        y = _short(self.y(value))
        self._parts.append(f'<line class="{kind}" x2="100%" y1="{y}" y2="{y}"/>')

    # --- shapes -------------------------------------------------------------------------------------------------------

    def line(
        self,
        places: Sequence[float],
        values: Sequence[float],
        kind: str,
        *,
        name: str = "",
        decimals: int = 2,
        unit: str = "",
    ) -> None:
        """
        A line through points, thinned to the pixels.

        Args:
            name, decimals, unit: How the page's script reads its values out; without a name it does not.
        """
        kept = thinned(places, values, PIXELS)
        read = ""
        if name:
            told = " ".join(f"{values[index]:.{decimals}f}" for index in kept)
            how = f'data-unit="{escape(unit)}" data-decimals="{decimals}"'
            read = f' data-name="{escape(name)}" {how} data-values="{told}"'
        self._stretched(f'<path class="{kind}" d="{self._path(kept, places, values)}"{read}/>')

    def area(self, places: Sequence[float], low: Sequence[float], high: Sequence[float], kind: str) -> None:
        """What lies between two lines over the same places, thinned to the pixels."""
        above = self._path(thinned(places, high, PIXELS), places, high)
        below = self._path(thinned(places, low, PIXELS)[::-1], places, low)
        self._stretched(f'<path class="{kind}" d="{above}L{below.removeprefix("M")}Z"/>')

    def band(self, left: float, right: float, kind: str, title: str) -> None:
        """A stretch of the time axis from bottom to top; at least a pixel or two of it."""
        x, width = _percent(left), _percent(max(right - left, 0.0015))
        self._parts.append(
            f'<rect class="{kind}" x="{x}" width="{width}" height="{self._height}">'
            f"<title>{escape(title)}</title></rect>"
        )

    def bar(self, left: float, right: float, value: float, kind: str, title: str) -> None:
        """A bar from zero to a value."""
        top, bottom = sorted((self.y(0.0), self.y(value)))
        height = max(bottom - top, 1.0)
        self._parts.append(
            f'<rect class="{kind}" x="{_percent(left)}" width="{_percent(right - left)}" y="{_short(top)}" '
            f'height="{_short(height)}"><title>{escape(title)}</title></rect>'
        )

    def mark(self, place: float, value: float, shape: str, title: str) -> None:
        """One of the page's symbols at a point."""
        self._parts.append(
            f'<use href="#{shape}" class="{shape}" x="{_percent(place)}" y="{_short(self.y(value))}">'
            f"<title>{escape(title)}</title></use>"
        )

    # --- the whole ----------------------------------------------------------------------------------------------------

    def svg(self) -> str:
        """The chart as an element to put into a page."""
        title = escape(self._title)
        return (
            f'<svg class="chart" role="img" aria-label="{title}" width="100%" height="{self._height + _AXIS}">\n'
            + "\n".join([*self._parts, *self._texts])
            + "\n</svg>"
        )

    def _path(self, kept: Sequence[int], places: Sequence[float], values: Sequence[float]) -> str:
        points = (f"{_short(places[index] * PIXELS)} {_short(self.y(values[index]))}" for index in kept)
        return "M" + "L".join(points)

    def _stretched(self, shape: str) -> None:
        self._parts.append(
            f'<svg width="100%" height="{self._height}" viewBox="0 0 {PIXELS} {self._height}" '
            f'preserveAspectRatio="none">{shape}</svg>'
        )


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _percent(share: float) -> str:
    return f"{share * 100:.2f}%"
