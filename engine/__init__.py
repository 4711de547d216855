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

from engine.books.journal import Journal
from engine.books.recovery import Books
from engine.brokers.simulated import SimulatedBroker
from engine.clock import SimulatedClock, SystemClock
from engine.errors import TradingError
from engine.execution import ExecutionEngine, Ticket
from engine.facts import SessionStarted
from engine.market.bars import Bar, read_bars
from engine.model import Exits, OrderRequest, OrderType, Side, Status, TimeInForce
from engine.risk.gate import RiskGate
from engine.session import SessionConfig, open_session, resume_session

__all__ = [
    "Bar",
    "Books",
    "RiskGate",
    "ExecutionEngine",
    "Exits",
    "Journal",
    "OrderRequest",
    "OrderType",
    "SessionConfig",
    "SessionStarted",
    "Side",
    "SimulatedBroker",
    "SimulatedClock",
    "Status",
    "SystemClock",
    "Ticket",
    "TimeInForce",
    "TradingError",
    "open_session",
    "read_bars",
    "resume_session",
]

__distribution__ = "tradebridge"  # bridge looks for it: a bot may have a module of its own that is called engine
