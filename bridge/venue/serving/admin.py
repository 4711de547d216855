"""Routes under ``/_venue/``: for who runs the venue, not for who trades at it; they need the token."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from hmac import compare_digest

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.venue.house import House
from bridge.venue.oracle import oracle
from bridge.venue.serving.clockwork import Clockwork
from bridge.venue.serving.mischief import FaultSwitch
from bridge.venue.serving.pace import later
from bridge.venue.serving.requests import UNREAD, read_body
from engine.clock import utc
from engine.errors import ClockError, TradingError

__all__ = ["Admin", "TOKEN_HEADER"]

TOKEN_HEADER = "X-Venue-Token"

_log = logging.getLogger(__name__)

_Handler = Callable[[bytes], object]


class Admin:
    """
    Args:
        token: Whoever has it may do all of this.
    """

    def __init__(self, clockwork: Clockwork, token: str) -> None:
        self._clockwork = clockwork
        self._token = token.encode()
        self._switch = FaultSwitch(clockwork)

    def routes(self) -> list[Route]:
        return [
            Route("/_venue/now", self._guarded(self._now), methods=["GET"]),
            Route("/_venue/step", self._guarded(self._step), methods=["POST"]),
            Route("/_venue/price", self._guarded(self._price), methods=["POST"]),
            Route("/_venue/oracle", self._guarded(self._oracle), methods=["GET"]),
            Route("/_venue/faults", self._guarded(self._faults_active), methods=["GET"]),
            Route("/_venue/faults", self._guarded(self._faults_add), methods=["POST"]),
            Route("/_venue/faults", self._guarded(self._faults_clear), methods=["DELETE"]),
            # Whatever else begins so is no request of a trader.
            Route("/_venue/{rest:path}", _nowhere, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
        ]

    def _guarded(self, handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            if not compare_digest(request.headers.get(TOKEN_HEADER, "").encode(), self._token):
                return _json({"message": f"the header {TOKEN_HEADER} is not right"}, 401)
            body = await read_body(request.receive)
            if isinstance(body, int):
                return _json({"message": UNREAD[body]}, body)
            try:
                try:
                    return _json(handler(body))
                finally:
                    self._clockwork.settle()
            except (TradingError, msgspec.MsgspecError) as error:
                return _json({"message": str(error)}, 422)
            except UnicodeDecodeError as error:
                return _json({"message": f"the body is not UTF-8: {error}"}, 422)
            except Exception:  # noqa: BLE001 - one request must not end the venue
                _log.exception("%s %s", request.method, request.url.path)
                return _json({"message": "internal error, see the log"}, 500)

        return guarded

    # --- time and market ----------------------------------------------------------------------------------------------

    def _now(self, body: bytes) -> object:
        return self._state()

    def _state(self) -> dict[str, object]:
        house = self._clockwork.house
        return {
            "now": self._clockwork.now().isoformat(),
            "event_id": house.last_event,
            "market_ended": _ended(house),
        }

    def _step(self, body: bytes) -> object:
        wanted = msgspec.json.decode(body, type=_Step)
        to = wanted.moment(self._clockwork.now())
        if wanted.stop:
            done = self._clockwork.step_within(to).done
            return self._state() | {"done": done}
        self._clockwork.step(to)
        return self._state()

    def _price(self, body: bytes) -> object:
        wanted = msgspec.json.decode(body, type=_Price)
        house = self._clockwork.house
        house.price(wanted.symbol, wanted.price, self._clockwork.now(), jump=wanted.jump)
        self._clockwork.settle()  # before it is said which event was the last
        return self._state()

    # --- faults and the truth -----------------------------------------------------------------------------------------

    def _oracle(self, body: bytes) -> object:
        self._clockwork.settle()
        return oracle(self._clockwork.house.core, self._clockwork.house.faults.tripped)

    def _faults_active(self, body: bytes) -> object:
        return {"faults": self._switch.active()}

    def _faults_add(self, body: bytes) -> object:
        return {"ids": self._switch.add(body)}

    def _faults_clear(self, body: bytes) -> object:
        """One by its id, ``{"id": …}``; with an empty body all."""
        self._switch.remove(msgspec.json.decode(body, type=_Named).id if body else None)
        return {"faults": self._switch.active()}


def _ended(house: House) -> str | None:
    if house.ended is not None:
        return str(house.ended)
    return "it was played to its end" if house.over else None


class _Named(msgspec.Struct, forbid_unknown_fields=True):
    id: str


class _Step(msgspec.Struct, forbid_unknown_fields=True):
    """
    Either a moment, or how many seconds from now.

    Attributes:
        stop: Not beyond the next thing that is told, see `House.step`.
    """

    to: datetime | None = None
    seconds: float | None = None
    stop: bool = False

    def moment(self, now: datetime) -> datetime:
        if (self.to is None) == (self.seconds is None):
            raise msgspec.ValidationError("expected either `to` or `seconds`")
        if self.to is None:
            return later(now, self.seconds or 0.0)
        try:
            return utc(self.to)
        except (ClockError, OverflowError) as error:
            raise msgspec.ValidationError(f"{error} - at `$.to`") from error


class _Price(msgspec.Struct, forbid_unknown_fields=True):
    symbol: str
    price: Decimal
    jump: bool = False


async def _nowhere(request: Request) -> Response:
    return _json({"message": f"there is no {request.method} {request.url.path}"}, 404)


def _json(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
