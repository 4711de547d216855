"""How clients are pointed at a venue."""

from __future__ import annotations

import re

import pytest

from bridge.venue.pointing import Pointing

HERE = Pointing(url="http://127.0.0.1:8765", key="PAPERKEY", secret="papersecret")


def test_the_environment():
    """Five variables say where REST, data and streams are, and who asks."""
    expected = {
        "APCA_API_BASE_URL": "http://127.0.0.1:8765",
        "APCA_API_DATA_URL": "http://127.0.0.1:8765",
        "APCA_API_STREAM_URL": "ws://127.0.0.1:8765",
        "APCA_API_KEY_ID": "PAPERKEY",
        "APCA_API_SECRET_KEY": "papersecret",
    }

    assert expected == HERE.environment


def calls():
    """The calls of the guide, by the class of the client."""
    return dict(re.findall(r"^  ([A-Z]\w+)\((.*)\)$", HERE.guide, re.MULTILINE))


@pytest.mark.filterwarnings("ignore:websockets.legacy:DeprecationWarning")
def test_the_guide_for_alpaca_py():
    """The guide's calls of alpaca-py make clients that ask the venue."""
    pytest.importorskip("alpaca")
    from alpaca.data.historical import StockHistoricalDataClient
    from alpaca.data.live import StockDataStream
    from alpaca.trading.client import TradingClient
    from alpaca.trading.stream import TradingStream

    made = {}
    for cls in (TradingClient, StockHistoricalDataClient, TradingStream, StockDataStream):
        made[cls.__name__] = eval(f"cls({calls()[cls.__name__]})", {"cls": cls})

    assert "http://127.0.0.1:8765" == made["TradingClient"]._base_url
    assert "http://127.0.0.1:8765" == made["StockHistoricalDataClient"]._base_url
    assert "ws://127.0.0.1:8765/stream" == made["TradingStream"]._endpoint
    assert "ws://127.0.0.1:8765/v2/iex" == made["StockDataStream"]._endpoint


def test_the_guide_for_others():
    """The guide has the exports, and the calls of both generations of the JavaScript client."""
    lines = HERE.guide.splitlines()

    assert {f"  export {name}={value}" for name, value in HERE.environment.items()} < set(lines)
    assert '  REST("PAPERKEY", "papersecret", base_url="http://127.0.0.1:8765")' in lines
    assert '  new Alpaca({keyId: "PAPERKEY", secretKey: "papersecret", baseUrl: "http://127.0.0.1:8765"})' in lines
    assert '  new streaming.TradingStream({credentials, url: "ws://127.0.0.1:8765/stream"})' in lines
