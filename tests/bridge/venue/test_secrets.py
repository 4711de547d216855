"""Secrets stay where they are: in no log, no repr, no file and no answer."""

from __future__ import annotations

import json
import logging

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

from bridge.venue.core import Trader
from bridge.venue.data.protocol import FEEDS, DataProtocol
from bridge.venue.pointing import Pointing
from bridge.venue.recipe import described
from engine.errors import TradingError

SECRET, TOKEN = "0f-a-secret-nobody-says", "0f-a-token-nobody-says"
NEARLY = SECRET[:-1]
MINE = Trader(key="MINE", secret=SECRET)


def test_nothing_says_a_secret(new_venue, new_recipe, new_order, caller_of, connect, tmp_path, caplog):
    """Whoever trades, errs or owns it is answered without one, and none is written or logged."""
    caplog.set_level(logging.DEBUG)
    path = tmp_path / "state"
    recipe = new_recipe(traders=(MINE,))
    venue = new_venue(recipe, token=TOKEN, state=path)
    call = caller_of(venue)
    order = json.loads(new_order().body)
    said = [
        call("POST", "/v2/orders", order, trader=MINE),
        call("POST", "/v2/orders", {"secret": SECRET, "symbol": "AAPL"}, trader=MINE),
        call("GET", "/v2/account", trader=MINE),
        call("GET", "/v2/account", trader=Trader(key="MINE", secret=NEARLY)),
        call("GET", "/v2/stocks/AAPL/trades/latest", trader=Trader(key="MINE", secret=NEARLY)),
        call("GET", "/v2/events/none", trader=MINE),
        call.admin("GET", "oracle"),
        call.admin("POST", "step", {"seconds": 1}),
        call.admin("POST", "step", {"seconds": "x"}),
        call.admin("GET", "faults", token=TOKEN[:-1]),
    ]
    listener = connect(venue).listen(MINE)
    stranger = connect(venue)
    stranger.send({"action": "auth", "key": "MINE", "secret": SECRET, "data": 1, "streams": [SECRET]})
    stranger.send({"action": SECRET[:0], "secret": [SECRET]})
    heard = [stranger.receive(), stranger.receive()]
    call("POST", "/v2/orders", order, trader=MINE)
    heard.append(listener.receive())
    logging.getLogger("of the test").warning(
        "%r %r %r", venue.recipe, venue._server.clockwork.house.core.accounts, said
    )
    logging.getLogger("of the test").warning("%s", described(recipe, venue.now()))
    venue.stop()
    # A client may log what it sends; this one is in the same process.
    logged = [record.getMessage() for record in caplog.records if record.name != "websockets.client"]
    written = "".join([*(repr(each.raw) for each in said), json.dumps(heard), path.read_text(), *logged])

    assert [200, 422, 200, 401, 401, 404, 200, 200, 422, 401] == [each.status for each in said]
    assert SECRET not in written
    assert TOKEN not in written


def test_values_do_not_show_them():
    """Not in a repr, and not in an error that shows one."""
    protocol = DataProtocol(FEEDS["/v2/iex"], authenticate=lambda key, secret: key)
    protocol.credentials("MINE", SECRET)
    pointing = Pointing(url="http://127.0.0.1:1", key="MINE", secret=SECRET)

    assert SECRET not in f"{MINE!r} {protocol!r} {pointing!r}"
    with pytest.raises(TradingError) as raised:
        Trader(key="MINE", secret=SECRET, cash=0)
    assert SECRET not in str(raised.value)
