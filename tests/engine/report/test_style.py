"""How the page looks."""

from __future__ import annotations

import re

import pytest

from engine.report.style import SCRIPT, STYLE, SYMBOLS

BLOCKS = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
LIGHT, DARK, PRINT = (dict(re.findall(r"--(\w+): (#\w+);", block)) for block in BLOCKS)


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colours", [LIGHT, DARK, PRINT], ids=["light", "dark", "print"])
def test_text_can_be_read(colours):
    """Every colour of text has the contrast that WCAG AA asks for, 4.5 to 1."""
    paper = luminance(colours["paper"])
    for name in ("ink", "soft", "gain", "loss", "bad"):
        high, low = sorted((luminance(colours[name]), paper), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, name


def test_every_colour_has_its_dark_and_its_printed_form():
    """No theme lacks a colour, and none is used that no theme has."""
    assert set(LIGHT) == set(DARK) == set(PRINT)
    assert set(LIGHT) == set(re.findall(r"var\(--(\w+)\)", STYLE)) - set()


def test_nothing_is_fetched():
    """Neither style nor script names another place."""
    for text in (STYLE, SCRIPT):
        assert not re.search(
            r"@import|url\((?!#)|fetch\(|XMLHttpRequest|import\(|https?://(?!www\.w3\.org/2000/svg)", text
        )


def test_the_symbols_are_those_of_the_charts(parsed):
    """Marks of both sizes, and the hatching that the style refers to."""
    names = [each["id"] for tag in ("symbol", "pattern") for each in parsed(SYMBOLS).named(tag)]

    assert ["buy", "sell", "buys", "sells", "hatch"] == names
    assert "url(#hatch)" in STYLE
