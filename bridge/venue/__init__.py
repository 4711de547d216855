"""
Alpaca on localhost: accounts, orders and a market that answer as Alpaca does.

`core` is the heart of it: requests in, answers and stream updates out; no socket, no clock, no thread. `house` puts it
on one line of time with the market that moves its prices, the data that clients are shown, and the faults. `serving` is
what has sockets; `paper_venue` runs all of it in a thread.

```
paper_venue ─▶ serving ─▶ house ─▶ core, market, data, faults

request ─▶ core ─▶ rules ─▶ exchange ─▶ engine.market.matching      bars, quotes, trades move the market
answer  ◀─ core ◀─ reads    exchange ─▶ accounts, updates ─▶ frames
```
"""

__all__: list[str] = []
