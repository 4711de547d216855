"""What Alpaca sends can be read: every recorded payload, with what is unknown, and without what may be missing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from engine.brokers.alpaca.wire import (
    Account,
    Asset,
    CalendarDay,
    Failure,
    FillActivity,
    MarketClock,
    Order,
    Position,
    TradeUpdate,
    read,
)
from engine.calendar import FixedCalendar, Session
from engine.errors import RemoteProtocolError

D = Decimal


class Frame(msgspec.Struct):
    stream: str
    data: TradeUpdate


BULK = "an answer of one part for each order, which is the order or why not"
READ = {
    "account": {
        "account": Account,
        "Account": Account,
        "http.account_retrieves_account_details_properly": Account,
    },
    "activities": {
        "TradingActivities": FillActivity,
        "activity.fill": FillActivity,
        "http.account_activity.get_success": list[FillActivity],
    },
    "assets": {
        "Assets": Asset,
        "asset": Asset,
        "asset.crypto": Asset,
        "http.asset.get_success_by_id": Asset,
        "http.asset.get_success_by_symbol": Asset,
        "http.assets_returns_a_well_known_ticker_symbol": Asset,
    },
    "clock_calendar": {
        "legacy_clock": MarketClock,
        "clock": MarketClock,
        "http.clock": MarketClock,
        "http.clock.get_success": MarketClock,
        "calendar": CalendarDay,
        "http.calendar.list_range_success": list[CalendarDay],
    },
    "errors": {
        "error.No Available Position": Failure,
        "error.Short Position": Failure,
        "error.Invalid Symbol": Failure,
        "error.account.get_failure": Failure,
        "error.account_activity.get_not_found": Failure,
        "error.asset.get_not_found": Failure,
        "error.order.create_403": Failure,
        "error.order.create_422": Failure,
        "error.order.delete_not_found": Failure,
        "error.order.edit_failure": Failure,
        "error.order.get_by_client_order_id_failure": Failure,
        "error.order.get_not_found_bad_id": Failure,
        "error.order.get_not_found_welformed_id": Failure,
        "error.position.delete_not_found": Failure,
        "error.position.get_not_found": Failure,
    },
    "orders": {
        "response.post.crypto": Order,
        "response.post.equity": Order,
        "response.post.ipo": Order,
        "response.post.multilegoptions": Order,
        "response.post.options": Order,
        "order": Order,
        "order.crypto": Order,
        "http.order.create_success": Order,
        "http.order.delete_all_success": BULK,
        "http.order.get_success": Order,
        "http.order.list_success": list[Order],
        "http.order_submit_properly_places_a_bracket_order_class": Order,
        "http.order_submit_properly_places_an_oco_order_class": Order,
        "http.order_submit_properly_places_an_oto_order_class": Order,
        "http.order_submit_properly_modifies_the_simple_sell_order": Order,
        "http.order_submit_properly_places_a_simple_buy_order": Order,
        "http.trailing_stop_works_with_a_stop_percent": Order,
        "http.trailing_stop_works_with_a_stop_value": Order,
        "http.cancel_all_final": BULK,
        "http.An_expedited_stop_can_be_placed_with_appropriate_messages": Order,
        "http.Positions_returns_the_appropriate_data": Order,
    },
    "positions": {
        "Position": Position,
        "position": Position,
        "position.crypto": Position,
        "http.position.delete_all_success": BULK,
        "http.position.delete_success": Order,
        "http.position.get_success": Position,
        "http.position.list_success": list[Position],
        "http.order_submit_properly_places_an_oco_order_class": Position,
        "http.trailing_stop_works_with_a_stop_percent": Position,
        "http.An_expedited_stop_can_be_placed_with_appropriate_messages": Position,
        "http.Positions_cancels_complex_orders_correctly": Position,
        "http.Positions_cancels_a_single_order_when_market_is_open": Order,
        "http.Positions_returns_the_appropriate_data": list[Position],
    },
    "trade_updates": {
        "ws.server.trade_updates.fill": Frame,
        "ws.server.trade_updates.new": Frame,
        "sse.broker.v1.new": TradeUpdate,
    },
}
SKIPPED = {
    "account": {
        "PortfolioHistory": "not asked for",
        "portfolio_history": "not asked for",
        "http.account_history.list_success": "not asked for",
        "AccountConfigurations": "not asked for",
        "http.account_config.edit_success": "not asked for",
        "http.account_config.get_success": "not asked for",
        "http.account_config_can_reset_to_default": "not asked for",
    },
    "activities": {"NonTradeActivities": "not asked for", "activity.nta": "not asked for"},
    "orders": {
        "request.crypto": "sent, in test_translate",
        "request.equity": "sent, in test_translate",
        "request.ipo": "sent for an amount of money, which we do not",
        "request.multilegoptions": "sent for options of several legs, which we do not",
        "request.options": "sent, in test_translate",
        "http.order.delete_success": "an empty answer, in test_broker",
    },
    "trade_updates": {
        "ws.client.listen": "the stream's hand-shake, sent",
        "ws.client.authenticate": "the stream's hand-shake, sent",
        "ws.server.listening.ok": "the stream's hand-shake",
        "ws.server.authorization.authorized": "the stream's hand-shake",
        "ws.server.authorization.unauthorized": "the stream's hand-shake",
    },
    "market_data_ws": dict.fromkeys(
        (
            "data.server.success",
            "data.server.error",
            "data.server.subscription",
            "data.client.auth",
            "data.client.subscribe",
            "data.client.unsubscribe",
        ),
        "market data, another host",
    ),
}
CASES = [(file, kind) for file, kinds in READ.items() for kind in kinds]


@pytest.fixture(scope="module")
def samples(shared):
    folder = shared / "alpaca/samples"
    if not folder.is_dir():
        pytest.skip("needs the folder ../shared/alpaca/samples")
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}


def compared(raw, value, where="$"):
    """Every field that both know, as (where, on the wire, as read)."""
    if isinstance(raw, list):
        for number, (each, read_as) in enumerate(zip(raw, value, strict=True)):
            yield from compared(each, read_as, f"{where}[{number}]")
    elif isinstance(raw, dict):
        for name, each in raw.items():
            field = "asset_class" if name == "class" else name
            if hasattr(value, field):
                yield from compared(each, getattr(value, field), f"{where}.{name}")
    else:
        yield where, raw, value


def same(raw, value):
    if isinstance(value, Decimal):
        return Decimal(str(raw)) == value
    if isinstance(value, datetime):  # nanoseconds are rounded
        return abs((datetime.fromisoformat(raw) - value).total_seconds()) < 2e-6
    return raw == value or raw == str(value)


# --- recordings -------------------------------------------------------------------------------------------------------


def test_every_recorded_kind_is_accounted_for(samples):
    """No recorded payload is passed over without a reason that stands above."""
    there = {(file, sample["kind"]) for file, entries in samples.items() for sample in entries}
    known = {(file, kind) for table in (READ, SKIPPED) for file, kinds in table.items() for kind in kinds}

    assert there == known


@pytest.mark.parametrize(("file", "kind"), CASES)
def test_recorded_payloads(samples, file, kind):
    """Each recorded payload can be read, and says what it says on the wire, to the last digit."""
    for sample in samples[file]:
        if sample["kind"] != kind:
            continue
        payload, wanted = sample["payload"], READ[file][kind]
        parts = [(payload, wanted)]
        if wanted is BULK or (isinstance(payload, list) and wanted is Position):
            parts = [(part["body"], Order if part["status"] == 200 else Failure) for part in payload]
        for part, wanted in parts:
            fields = list(compared(part, read(json.dumps(part), wanted)))

            assert len(fields) >= 2
            assert [] == [field for field in fields if not same(field[1], field[2])]


def test_legs_of_a_bracket(samples):
    """The answer to a bracket brings its legs along, held until the entry has filled."""
    (answer,) = (
        sample["payload"]
        for sample in samples["orders"]
        if sample["kind"] == "http.order_submit_properly_places_a_bracket_order_class"
    )
    order = read(json.dumps(answer), Order)

    assert {"limit", "stop_limit"} == {leg.type for leg in order.legs}
    assert {"held"} == {leg.status for leg in order.legs}


# --- tolerance --------------------------------------------------------------------------------------------------------


def test_an_order_needs_only_an_id_and_a_status():
    """What is missing or null or new makes no error."""
    order = read(b'{"id": "a", "status": "news", "qty": null, "legs": null, "colour": {"of": ["tomorrow"]}}', Order)

    assert ("a", "news", None, None, None) == (order.id, order.status, order.qty, order.legs, order.symbol)


def test_numbers_come_as_text_or_as_numbers():
    """No digit is lost either way."""
    long = "1234567890.123456789012345678"

    assert D(long) == read(f'{{"id": "a", "status": "new", "qty": "{long}"}}', Order).qty
    assert D(long) == read(f'{{"id": "a", "status": "new", "qty": {long}}}', Order).qty


def test_nanoseconds_are_rounded_to_the_nearest_microsecond():
    """Zones of either kind are read, and all digits."""
    order = read(b'{"id": "a", "status": "new", "updated_at": "2022-04-19T13:45:05.027690731-04:00"}', Order)

    assert datetime(2022, 4, 19, 17, 45, 5, 27691, tzinfo=UTC) == order.updated_at


@pytest.mark.parametrize(
    ("body", "kind", "where"),
    [
        (b"<html>", Order, "malformed"),
        (b"", Order, "truncated"),
        (b'{"id": "a"', Order, "truncated"),
        (b'{"id": "a"}', Order, "status"),
        (b'{"id": "a", "status": "new", "qty": "many"}', Order, r"\$\.qty"),
        (b'{"id": "a", "status": "new", "updated_at": "2022-04-19T13:45:05"}', Order, r"\$\.updated_at"),
        (b'{"id": "a", "status": "new", "filled_qty": "NaN"}', Order, "NaN: expected a finite number"),
        (b'{"id": "a", "status": "new", "filled_qty": "-1"}', Order, "-1: expected a finite number"),
        (b'[{"id": "a", "status": "new"}, {}]', list[Order], r"\$\[1\]"),
        (b"\xff", Failure, "malformed"),
        (b'{"id": "\xff", "status": "new"}', Order, "utf-8"),
    ],
)
def test_what_cannot_be_read(body, kind, where):
    """What is no JSON or lacks what it is for is an error that says where, and never another one."""
    with pytest.raises(RemoteProtocolError, match=where):
        read(body, kind)


# --- the calendar -----------------------------------------------------------------------------------------------------


def test_a_calendar_of_days():
    """Days become sessions in UTC, in summer, in winter, and on half days; a calendar can be made of them."""
    days = read(
        b'[{"date": "2024-07-03", "open": "09:30", "close": "13:00"},'
        b' {"date": "2024-12-24", "open": "09:30", "close": "13:00", "session_open": "0400", "session_close": "1700"}]',
        list[CalendarDay],
    )
    summer = Session(open=datetime(2024, 7, 3, 13, 30, tzinfo=UTC), close=datetime(2024, 7, 3, 17, tzinfo=UTC))
    winter = Session(open=datetime(2024, 12, 24, 14, 30, tzinfo=UTC), close=datetime(2024, 12, 24, 18, tzinfo=UTC))
    calendar = FixedCalendar(day.session for day in days)

    assert [summer, winter] == [day.session for day in days]
    assert winter == calendar.next_session(summer.open)
