"""
Alpaca on localhost: accounts, orders and a market that answer as Alpaca does.

`core` is the heart of it: requests in, answers and stream updates out; no socket, no clock, no thread.

```
request ─▶ core ─▶ rules ─▶ exchange ─▶ engine.market.matching      bars, quotes, trades move the market
answer  ◀─ core ◀─ reads    exchange ─▶ accounts, updates ─▶ frames
```
"""

__all__: list[str] = []
