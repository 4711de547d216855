"""
The venue's own books, as plain values: what a bot's books are compared with at the end.

```
{"now": moment,
 "accounts": {key: {"id", "number", "start", "cash", "earned", "fees", "equity",
                    "positions": {symbol: {"qty", "cost"}},
                    "orders": [order object as REST answers it, legs as orders of their own],
                    "executions": [{"execution_id", "execution_ids", "activity_id", "order_id", "client_order_id",
                                    "symbol", "side", "qty", "price", "at", "position_qty", "fee", "fee_coin",
                                    "assumption", "state"}]}},
 "arrivals": [{"at", "key", "allowed", "method", "path"}],
 "faults": [{"at", "fault", "what"}]}
```

Numbers are decimal strings, moments RFC 3339 in UTC; all lists are oldest first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bridge.venue.accounts import Account
from bridge.venue.core import Core
from bridge.venue.executions import Execution
from bridge.venue.faults.armed import Trip
from bridge.venue.orders import order_json
from bridge.venue.spelling import instant, plain, zulu

__all__ = ["oracle"]


def oracle(core: Core, trips: Iterable[Trip] = ()) -> dict[str, Any]:
    """
    The books as they stand.

    Args:
        trips: Of the faults, `Faults.tripped`.

    Returns:
        As above. An execution has the id that the stream gave its fill, all that it has had since ("execution_ids"),
        and the id among the activities; "qty" is "0" once it is busted, "position_qty" is the position after it as the
        stream told it, "fee" is in quote units, "fee_coin" what of it was taken in the coin.
    """
    return {
        "now": instant(core.now),
        "accounts": {
            account.credential.key: _account(core, account, [e for e in core.executions if e.order.owner == account.id])
            for account in core.accounts.values()
        },
        "arrivals": [
            {"at": instant(each.at), "key": each.key, "allowed": each.allowed, "method": each.method, "path": each.path}
            for each in core.arrivals
        ],
        "faults": [{"at": instant(each.at), "fault": each.fault, "what": each.what} for each in trips],
    }


def _account(core: Core, account: Account, executions: list[Execution]) -> dict[str, Any]:
    return {
        "id": account.id,
        "number": account.number,
        "start": plain(account.start),
        "cash": plain(account.cash),
        "earned": plain(account.earned),
        "fees": plain(account.fees),
        "equity": plain(account.equity(core.last)),
        "positions": {
            symbol: {"qty": plain(holding.quantity), "cost": plain(holding.cost)}
            for symbol, holding in account.holdings.items()
        },
        "orders": [order_json(order) for order in account.orders.values()],
        "executions": [_execution(each) for each in executions],
    }


def _execution(execution: Execution) -> dict[str, Any]:
    order = execution.order
    return {
        "execution_id": execution.ids[0],
        "execution_ids": list(execution.ids),
        "activity_id": execution.activity.id,
        "order_id": order.id,
        "client_order_id": order.client_order_id,
        "symbol": order.asset.symbol,
        "side": order.draft.side.value,
        "qty": plain(execution.quantity),
        "price": plain(execution.price),
        "at": zulu(execution.at),
        "position_qty": plain(execution.position),
        "fee": plain(execution.fee),
        "fee_coin": plain(execution.charge.coin),
        "assumption": execution.assumption,
        "state": execution.state,
    }
