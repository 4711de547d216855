"""Mistakes in the gate: what may be sent, and what an exit may close."""

from __future__ import annotations

from mutant import Mutant

__all__ = ["MUTANTS", "TESTS"]

TESTS = [
    "tests/engine/risk/test_gate.py",
    "tests/engine/orders/test_dispatch.py",
    "tests/engine/test_protected_engine.py",
    "tests/engine/orders/test_flatten.py",
]

GATE, SENTRY = "engine/risk/gate.py", "engine/books/sentry.py"
DISPATCH, FLATTEN = "engine/orders/dispatch.py", "engine/orders/flatten.py"

MUTANTS = [
    Mutant(
        "exits-are-entries",
        GATE,
        "self._of_exits if exits or group is not None else self._of_entries",
        "self._of_entries",
        "an exit is refused by a lock",
    ),
    Mutant(
        "exit-of-a-short",
        GATE,
        "exits = bool(held) and (held > 0) is not (request.side is Side.BUY)",
        "exits = held > 0 and request.side is not Side.BUY",
        "what covers a short is taken for an entry",
    ),
    Mutant(
        "free-is-all", GATE, "free = max(held - case.closing, ZERO)", "free = held", "two exits close the same position"
    ),
    Mutant("flip-at-once", GATE, "if quantity <= free:", "if quantity < free:", "the whole position cannot be closed"),
    Mutant("flips", GATE, "if group is None and free == held:", "if False:", "the wrong code for a flip"),
    Mutant(
        "group-forgotten",
        GATE,
        "view.exit_reserved(request.symbol, but_group=group)",
        "view.exit_reserved(request.symbol)",
        "a bracket's second order is in its own way",
    ),
    Mutant(
        "replaced-exit-counts-twice",
        GATE,
        "if case.replaces is not None and group is None:",
        "if False:",
        "an exit cannot be changed",
    ),
    Mutant(
        "halted-passes", GATE, "if state is TradingState.ACTIVE:", "if state is not TradingState.REDUCING:", "HALTED"
    ),
    Mutant(
        "protections-judge-changes",
        GATE,
        "            return None  # it has passed; that it changes is no new entry\n",
        "            pass\n",
        "a change of an order that passed is counted as an entry",
    ),
    Mutant("id-of-its-own", GATE, "if name != case.replaces and", "if", "an order that waited cannot be judged again"),
    Mutant(
        "cash-exactly",
        GATE,
        "if cost <= case.available:",
        "if cost < case.available:",
        "all of the cash cannot be spent",
    ),
    Mutant(
        "own-reservation",
        GATE,
        "            case.available += view.reserved(case.replaces)\n",
        "            pass\n",
        "a change pays twice",
    ),
    Mutant(
        "fee-forgotten",
        GATE,
        "price if not self.fee_rate else price * (1 + self.fee_rate)",
        "price",
        "fees are not kept back",
    ),
    Mutant("order-size", GATE, "cost > limits.max_order:", "cost >= limits.max_order:", "the limit itself is refused"),
    Mutant(
        "exposure-of-others",
        GATE,
        "case.gross = view.gross() - own",
        "case.gross = view.exposure(case.request.symbol) - own",
        "other symbols are not counted",
    ),
    Mutant("leverage-unknown", GATE, "if case.equity is None:", "if False:", "an account of unknown worth may borrow"),
    Mutant("age-exactly", GATE, "age > limits.quote_age:", "age >= limits.quote_age:", "the age itself is refused"),
    Mutant("no-age", GATE, "if age is None or", "if age is not None and", "a price that nobody knows is fresh"),
    Mutant(
        "collar-both-ways",
        GATE,
        "if limit <= bound if buying else limit >= bound:",
        "if limit >= bound if buying else limit <= bound:",
        "the better price is refused",
    ),
    Mutant(
        "collar-of-a-stop",
        GATE,
        "mark = max(mark, request.stop_price) if buying else min(mark, request.stop_price)",
        "pass",
        "a stop-limit order is held against the market, not against its stop",
    ),
    Mutant(
        "rate-exactly",
        GATE,
        "if case.orders < limits.max_orders:",
        "if case.orders <= limits.max_orders:",
        "one too many",
    ),
    Mutant(
        "day-trades-exactly",
        GATE,
        "if case.day_trades < rule.most or",
        "if case.day_trades <= rule.most or",
        "one too many",
    ),
    Mutant("rich-enough", GATE, "case.equity >= rule.equity)", "case.equity > rule.equity)", "25,000 is not enough"),
    Mutant(
        "not-what-was-solved",
        GATE,
        "        case.request, case.changes = solved.request, solved.changes\n",
        "        case.changes = solved.changes\n",
        "what the venue would refuse is sent",
    ),
    Mutant(
        "unknown-held",
        GATE,
        "            if case.held:\n                return None",
        "            if False:\n                return None",
        "a position in an unknown symbol cannot leave",
    ),
    Mutant(
        "nothing-seen",
        GATE,
        "return evolve(refusal, seen=case.seen())",
        "return refusal",
        "a refusal does not say what it was made on",
    ),
    Mutant(
        "solved-change",
        DISPATCH,
        "        change = _as_allowed(change, verdict.request, order)\n",
        "",
        "a change off the grid is sent",
    ),
    Mutant(
        "filled-of-a-change",
        DISPATCH,
        "allowed.quantity + order.filled",
        "allowed.quantity",
        "a change takes back what is filled",
    ),
    Mutant(
        "close-is-today",
        SENTRY,
        "self._begin(at - _INSTANT)",
        "self._begin(at)",
        "the last price belongs to the next day",
    ),
    Mutant(
        "order-at-the-close",
        SENTRY,
        "if day is None or now >= day.close:",
        "if day is None or now > day.close:",
        "an order at the close belongs to the day that ends",
    ),
    Mutant(
        "exit-beside-an-exit",
        FLATTEN,
        "        if self._live(symbol):\n            return  # their",
        "        if ours in self._live(symbol):\n            return  # their",
        "what is held is closed while an exit still works",
    ),
    Mutant(
        "cancels-its-own",
        FLATTEN,
        "for order_id in self._live(symbol) if order_id != ours]",
        "for order_id in self._live(symbol)]",
        "the order to leave is cancelled at once",
    ),
    Mutant(
        "leaves-at-once", FLATTEN, "elif now >= self._wanted[symbol]:", "else:", "a refused order is sent at each step"
    ),
    Mutant("never-over", FLATTEN, "            self._done(symbol)\n", "", "no entry passes ever again"),
    Mutant("strangers", FLATTEN, "and not order.foreign ", "", "somebody else's order is cancelled"),
    Mutant(
        "trades-judged-twice",
        SENTRY,
        "trades, self._books.unjudged = self._books.unjudged, []",
        "trades = self._books.unjudged",
        "judged again",
        equivalent="a lock's id is known, and what is recorded next clears the list",
    ),
]
