"""Pieces of the page."""

from __future__ import annotations

from engine.report.markup import SHOWN, attribute, listed, plural, section


def rows(count):
    return listed(
        "orders", "Orders", ["Name", ">Size"], range(count), lambda number: [("", f"n{number}"), ("num", "1")]
    )


def test_a_section_can_be_led_to(parsed):
    """It has its name as an id, its heading escaped, and what stands beside it."""
    page = parsed(section("locks", "A & B", "3 of them", "<p>content</p>", "<span>legend</span>"))

    assert [{"id": "locks"}] == page.named("section")
    assert [("h2", "A & B"), ("span", "3 of them"), ("span", "legend"), ("p", "content")] == page.texts


def test_a_nameless_section_has_no_id(parsed):
    """Nor anything else that it was not given."""
    page = parsed(section("", "Heading", "", "text"))

    assert [{}] == page.named("section")
    assert [] == page.named("span")


def test_a_table_has_its_rows(parsed):
    """A head with its scopes, numbers on the right, a region that the keyboard can scroll, and no fold."""
    page = parsed(rows(3))

    assert [{"scope": "col"}, {"scope": "col", "class": "num"}] == page.named("th")
    assert (4, 6, 0) == (len(page.named("tr")), len(page.named("td")), len(page.named("details")))
    assert ("region", "Orders", "0") == tuple(page.named("div")[1][name] for name in ("role", "aria-label", "tabindex"))
    assert "3" in page.text().split()


def test_a_long_table_is_folded(parsed):
    """It opens without a script."""
    page = parsed(rows(41))

    assert [("summary", "Show 41 rows")] == [each for each in page.texts if each[0] == "summary"]


def test_a_table_has_an_end(parsed):
    """The last rows are shown, and how many more there are, and where."""
    page = parsed(rows(SHOWN + 1_700))

    assert SHOWN + 1 == len(page.named("tr"))
    assert f"n{SHOWN + 1_699}" in page.text() and "n1699 " not in page.text()
    assert "The last 300 of 2,000; 1,700 more stand in orders.csv." in page.text()


def test_small_parts():
    """No class attribute without a class; one of a thing is singular."""
    assert ("", ' class="num"') == (attribute(""), attribute("num"))
    assert ("0 locks", "1 lock", "2 locks") == tuple(f"{count} {plural('lock', count)}" for count in range(3))
