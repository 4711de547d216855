"""The whole story: settings, a session, its summary, the life of an order, and the same again from the journal."""

from __future__ import annotations

import json
import re

from engine.books.journal import Journal
from engine.books.recovery import recovered

SETTINGS = """\
cash = 50_000
seed = 3

[market]
fee_bps = 1

[strategy]
name = "sma-cross"
settings = { fast = 10, slow = 30 }
"""


def test_a_day(tradebridge, tmp_path):
    """What is set is played, what is played is recorded, and what is recorded tells and repeats all of it."""
    (tmp_path / "session.toml").write_text(SETTINGS)

    # Run it: the strategy trades, the summary adds up.
    ran = tradebridge("paper", "--config", "session.toml", "--out", "day")
    summary = json.loads((tmp_path / "day/summary.json").read_bytes())
    cash, equity, profit = (float(summary[name]) for name in ("cash", "equity", "profit"))

    assert 0 == ran.returncode
    assert "completed" == summary["outcome"]
    assert (390, "2024-01-02T14:30:00Z", "2024-01-02T21:00:00Z") == tuple(summary[k] for k in ("bars", "first", "last"))
    assert summary["fills"] == summary["orders"]["filled"] > 10
    assert abs(50_000 + profit - equity) < 1e-6
    assert abs(float(summary["realised"]) + float(summary["unrealised"]) - float(summary["fees"]) - profit) < 1e-6
    assert f"equity      {equity:,.2f}  (cash {cash:,.2f})" in ran.stdout.splitlines()

    # Ask about it: every order is there, and the life of one ends with its evidence.
    orders = tradebridge("explain", "day").stdout.splitlines()
    order_id, quantity, symbol = re.match(r"(\S+) .*  buy (\S+) (\S+) at market", orders[1]).groups()
    life = tradebridge("explain", "day", order_id).stdout.splitlines()

    assert sum(summary["orders"].values()) == len(orders) - 1
    assert f"asks for    buy {quantity} {symbol} at market, gtc" in life
    assert life[5].startswith(" ") and "decided on: trading active, held 0, " in life[5]
    assert ["sent", "working", "filled"] == [line.split()[2] for line in (life[4], *life[6:-3])]
    assert f"end         filled: filled {quantity} of {quantity}" == life[-1]

    # Fold it: the journal alone gives the same books.
    with Journal(tmp_path / "day/journal.sqlite") as journal:
        books, facts = recovered(journal), len(journal)

    assert (summary["books"], summary["facts"]) == (books.fingerprint(), facts)

    # Run it again: every fact is decided as before, and nothing is added.
    again = tradebridge("paper", "--resume", "day")
    repeated = json.loads((tmp_path / "day/summary.json").read_bytes())

    assert 0 == again.returncode
    assert summary | {name: repeated[name] for name in ("finished", "seconds")} == repeated
