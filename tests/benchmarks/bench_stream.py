"""Frames of the user stream: decoded, through the client's protocol, and on to a fact of the engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from bridge.stream.frames import Encoding, Keys, Update, tell_in
from bridge.stream.protocol import ClientProtocol, VenueProtocol
from engine.brokers.alpaca.translate import update_reported
from result import Result
from timing import best_mean

__all__ = ["NAME", "run"]

NAME = "stream"
FRAMES = 10_000
RECEIVED = datetime(2026, 1, 2, 15, tzinfo=UTC)
KEYS = Keys(key="PK0", secret="s")


def run() -> Iterator[Result]:
    frames = [_fill(number) for number in range(FRAMES)]
    size = len(frames[0])

    client = _listening()
    seconds = best_mean(lambda frame: _fact(client, frame), frames)
    yield Result(bench=NAME, case=f"a fill of {size:,} bytes to a fact", value=seconds * 1e6, unit="us")

    seconds = best_mean(lambda frame: tell_in(frame, Encoding.BINARY), frames)
    yield Result(bench=NAME, case="of that: decoded", value=seconds * 1e6, unit="us")

    client = _listening()
    seconds = best_mean(lambda frame: _through(client, frame), frames)
    yield Result(bench=NAME, case="of that: decoded and through the client", value=seconds * 1e6, unit="us")

    updates = [tell for frame in frames if isinstance(tell := tell_in(frame, Encoding.BINARY), Update)]
    seconds = best_mean(lambda tell: update_reported(tell.update, {}, received=RECEIVED), updates)
    yield Result(bench=NAME, case="of that: translated", value=seconds * 1e6, unit="us")

    venue, data = _heard(), json.loads(frames[0])["data"]
    seconds = best_mean(lambda _: (venue.send_update(data), venue.data_to_send()), range(FRAMES))
    yield Result(bench=NAME, case="an update sent by the venue's side", value=seconds * 1e6, unit="us")


def _listening() -> ClientProtocol:
    client = ClientProtocol(KEYS)
    client.opened()
    client.receive_data('{"stream":"authorization","data":{"status":"authorized","action":"authenticate"}}')
    client.receive_data('{"stream":"listening","data":{"streams":["trade_updates"]}}')
    client.events_received()
    return client


def _heard() -> VenueProtocol:
    venue = VenueProtocol({KEYS: "account"}.get)
    venue.receive_data('{"action":"auth","key":"PK0","secret":"s"}')
    venue.receive_data('{"action":"listen","data":{"streams":["trade_updates"]}}')
    venue.data_to_send()
    return venue


def _through(client: ClientProtocol, frame: bytes) -> None:
    client.receive_data(frame)
    client.events_received()


def _fact(client: ClientProtocol, frame: bytes) -> None:
    client.receive_data(frame)
    for event in client.events_received():
        if isinstance(event, Update):
            update_reported(event.update, {}, received=RECEIVED)


def _fill(number: int) -> bytes:
    """A fill with all fields that Alpaca sends."""
    moment = "2026-01-02T14:30:01.123456789Z"
    order = {
        "id": f"904837e3-3b76-47ec-b432-{number:012}",
        "client_order_id": f"tb0c1d2e3f-{number}",
        "created_at": moment,
        "updated_at": moment,
        "submitted_at": moment,
        "filled_at": moment,
        **dict.fromkeys(("expired_at", "cancel_requested_at", "canceled_at", "failed_at", "replaced_at")),
        **dict.fromkeys(("replaced_by", "replaces", "notional", "stop_price", "trail_percent", "trail_price", "hwm")),
        "asset_id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
        "symbol": "AAPL",
        "asset_class": "us_equity",
        "qty": "10",
        "filled_qty": "10",
        "filled_avg_price": "186.87",
        "order_class": "",
        "order_type": "limit",
        "type": "limit",
        "side": "buy",
        "position_intent": "buy_to_open",
        "time_in_force": "day",
        "limit_price": "187",
        "status": "filled",
        "extended_hours": False,
        "legs": None,
    }
    data = {
        "at": "2026-01-02T14:30:01.124001Z",
        "event": "fill",
        "event_id": f"01KDZ{number:021}",
        "execution_id": f"7922ab44-5b33-4049-ab1a-{number:012}",
        "order": order,
        "position_qty": "10",
        "price": "186.87",
        "qty": "10",
        "swap_rate": "1",
        "settle_date": "2026-01-05",
        "timestamp": moment,
    }
    return json.dumps({"stream": "trade_updates", "data": data}, separators=(",", ":")).encode()
