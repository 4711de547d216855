"""A session's folder and its report."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from engine.books.journal import Journal
from engine.clock import SimulatedClock
from engine.errors import InvalidInput, JournalError
from engine.facts import Intended, Sent, SessionStarted
from engine.report.figures import figures
from engine.report.folder import REPORT, as_html, read_session, save_report
from engine.report.summary import save, summarise
from engine.session import JOURNAL, MarketConfig, SessionConfig, StrategyConfig, open_session
from engine.testing import ManualHostClock

D = Decimal
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def run(directory, *, bars=None, symbol=None, fast=2, slow=5, stop_after=None):
    """A session of the crossing averages in a folder, with its summary; what it came to."""
    config = SessionConfig(
        market=MarketConfig(bars=bars, symbol=symbol),
        strategy=StrategyConfig(settings={"fast": fast, "slow": slow}),
    )
    session = open_session(config, directory, host_clock=ManualHostClock())
    left = iter(range(10**9 if stop_after is None else stop_after - 1))
    try:
        result = session.run(stopped=lambda: next(left, None) is None)
    finally:
        session.journal.close()
    save(summarise(result, SimulatedClock(START)), directory)
    return result


@pytest.fixture
def bars(tmp_path):
    """A file of a hundred bars that go up and down."""
    path = tmp_path / "bars.csv"
    lines = ["timestamp,open,high,low,close,volume"]
    for number in range(100):
        price = 100 + abs(number % 20 - 10)
        lines.append(f"{(START + number * MINUTE).isoformat()},{price},{price + 1},{price - 1},{price},5")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_completed_session(tmp_path):
    """Its title, its outcome, and the very figures that it ended with; nothing limits them."""
    result = run(tmp_path / "s")
    session = read_session(tmp_path / "s")

    assert ("sma-cross on AAPL, MSFT, SPY", "completed", ()) == (session.title, session.outcome, session.notes)
    assert result.books.portfolio.equity() == figures(session.history).end
    assert (result.last, result.books.fingerprint()) == (session.history.last, session.history.fingerprint)


def test_a_stopped_session_is_shown_as_far_as_it_came(tmp_path, bars):
    """The bars behind the one in which it was stopped are not part of it."""
    run(tmp_path / "s", bars=str(bars), symbol="A/B", stop_after=30)
    session = read_session(tmp_path / "s")

    assert ("stopped", START + 30 * MINUTE) == (session.outcome, session.history.last)
    assert 31 == len(session.history.curve.at)


def test_a_killed_session_is_shown_as_far_as_its_journal_goes(tmp_path, bars):
    """Without a summary nobody knows the last bar, so the last fact is the end; nobody said how it ended."""
    run(tmp_path / "s", bars=str(bars), symbol="A/B")
    (tmp_path / "s" / "summary.json").unlink()
    session = read_session(tmp_path / "s")
    with Journal(tmp_path / "s" / JOURNAL) as journal:
        *_, entry = journal.entries()

    assert None is session.outcome
    assert entry.at == session.history.last < START + 100 * MINUTE


@pytest.mark.parametrize("summary", [{"facts": 1, "outcome": "stopped", "last": None}, {"outcome": 5}, {}])
def test_a_summary_of_another_run_is_not_believed(tmp_path, bars, summary):
    """What a run that was resumed and killed left behind is about an earlier end."""
    run(tmp_path / "s", bars=str(bars), symbol="A/B")
    (tmp_path / "s" / "summary.json").write_text(json.dumps(summary))

    assert None is read_session(tmp_path / "s").outcome


def test_bars_that_are_gone(tmp_path, bars):
    """The report is made from the journal alone and says why."""
    run(tmp_path / "s", bars=str(bars), symbol="A/B")
    bars.unlink()
    session = read_session(tmp_path / "s")

    assert (False, "sma-cross on A/B") == (session.history.curve.by_bar, session.title)
    (note,) = session.notes
    assert str(bars) in note and "equity is known at fills alone" in note


def test_bars_that_have_changed(tmp_path, bars):
    """Other bars than the session was played on would make up another history."""
    run(tmp_path / "s", bars=str(bars), symbol="A/B")
    bars.write_text(bars.read_text().replace(",5\n", ",6\n"))
    session = read_session(tmp_path / "s")

    assert not session.history.curve.by_bar
    assert "is not the file that this session was played on" in session.notes[0]


def test_bars_that_end_in_an_error(tmp_path, bars):
    """A session that wrong bars ended has its report up to there, and the line that is wrong."""
    run(tmp_path / "whole", bars=str(bars), symbol="A/B")
    with Journal(tmp_path / "whole" / JOURNAL) as journal:
        meant = [entry.at for entry in journal.entries() if isinstance(entry.fact, Intended)]
    last = next(at for at in meant if at > START + 70 * MINUTE)
    line = (last - START) // MINUTE + 3  # behind the bar of that order and the two that are read ahead
    lines = bars.read_text().splitlines()
    lines[line] = lines[line].replace(",5", ",five")
    bars.write_text("\n".join(lines) + "\n")
    with pytest.raises(InvalidInput):
        run(tmp_path / "s", bars=str(bars), symbol="A/B")
    session = read_session(tmp_path / "s")

    assert (last, None, True) == (session.history.last, session.outcome, session.history.curve.by_bar)
    (note,) = session.notes
    assert f"The bars cannot be read any further: {bars}, line {line + 1}" in note


def test_a_session_that_was_not_made_of_settings(tmp_path):
    """A journal of an engine by hand has no bars to be found; it is named by its session."""
    with Journal(tmp_path / JOURNAL) as journal:
        journal.append(SessionStarted(at=START, session_id="by-hand", cash=D(5), config="mine", data_digest=""), START)
    session = read_session(tmp_path)

    assert ("Session by-hand", None, ()) == (session.title, session.outcome, session.notes)


def test_where_there_is_no_session(tmp_path):
    """No journal, an empty one, and one that begins with something else are told apart."""
    with pytest.raises(InvalidInput, match="no journal"):
        read_session(tmp_path)
    with Journal(tmp_path / JOURNAL):
        pass
    with pytest.raises(InvalidInput, match="nothing recorded"):
        read_session(tmp_path)
    with Journal(tmp_path / JOURNAL) as journal:
        journal.append(Sent(at=START, order_id="x"), START)
    with pytest.raises(JournalError, match="begins with Sent, expected SessionStarted"):
        read_session(tmp_path)


def test_no_setting_is_told(tmp_path, bars):
    """Whatever stands in a session's settings is not in its report."""
    run(tmp_path / "s", bars=str(bars), symbol="A/B", fast=2, slow=47)
    text = as_html(read_session(tmp_path / "s"))

    assert "47" in json.dumps(_config(tmp_path / "s"))
    assert "fast" not in text and str(bars) not in text


def _config(directory):
    with Journal(directory / JOURNAL) as journal:
        return json.loads(next(journal.entries()).fact.config)


def test_the_same_folder_gives_the_same_bytes(tmp_path):
    """A report can be made again at any time; when and how fast the session ran is not in it."""
    run(tmp_path / "a")
    run(tmp_path / "b")
    summary = json.loads((tmp_path / "b" / "summary.json").read_bytes())
    (tmp_path / "b" / "summary.json").write_text(
        json.dumps(summary | {"finished": "2031-01-01T00:00:00Z", "seconds": 9.0})
    )

    assert as_html(read_session(tmp_path / "a")) == as_html(read_session(tmp_path / "b"))


def test_a_report_is_written_whole_or_not_at_all(tmp_path):
    """A file that cannot be written leaves the one before."""
    run(tmp_path / "s")
    session = read_session(tmp_path / "s")
    path = tmp_path / REPORT
    save_report(session, path)
    before = path.read_bytes()
    (tmp_path / f"{REPORT}.part").mkdir()

    with pytest.raises(OSError):
        save_report(session, path)
    assert before == path.read_bytes() == as_html(session).encode()
