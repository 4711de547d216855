"""
The synchronous side of tradebridge: it owns all trading state, and runs alone.

```
requests   strategy ─▶ gate ─▶ engine ─▶ broker ─▶ venue
facts      venue ─▶ feed ─▶ tracker ─▶ portfolio ─▶ strategy
imports    bridge ─▶ engine, never back: no asyncio, no websockets and no thread in here
```

Requests go right; facts come back one way, and an order's status changes when a fact arrives, nowhere else. One thread
owns the state, so there are no locks. The engine blocks in `Feed.get`, `Clock.sleep` and `Broker.*` only; each is a
port, so all of it can also run on virtual time.
"""

__all__: list[str] = []

__distribution__ = "tradebridge"  # bridge looks for it: a bot may have a module of its own that is called engine
