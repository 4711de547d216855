"""How clients are pointed at a venue: what its owner is told, and the environment of a client."""

from __future__ import annotations

from attrs import field, frozen

__all__ = ["Pointing"]


@frozen(kw_only=True)
class Pointing:
    """
    Attributes:
        url: Where REST is: ``http://127.0.0.1:8765``.
        key, secret: Whose account; a secret that is not to be shown stands here as what is shown in its place.
    """

    url: str
    key: str
    secret: str = field(repr=False)

    @property
    def stream_url(self) -> str:
        """Where the websockets are, that of the user stream under ``/stream``."""
        return "ws" + self.url.removeprefix("http")

    @property
    def environment(self) -> dict[str, str]:
        """The variables that alpaca-trade-api, its JavaScript and Go namesakes, and many bots read."""
        return {
            "APCA_API_BASE_URL": self.url,
            "APCA_API_DATA_URL": self.url,
            "APCA_API_STREAM_URL": self.stream_url,
            "APCA_API_KEY_ID": self.key,
            "APCA_API_SECRET_KEY": self.secret,
        }

    @property
    def guide(self) -> str:
        """How the official clients are told, a call each."""
        who, url, ws = f'"{self.key}", "{self.secret}"', self.url, self.stream_url
        script = f'keyId: "{self.key}", secret'
        lines = [
            "alpaca-py",
            f'  TradingClient({who}, url_override="{url}")',
            f'  TradingStream({who}, url_override="{ws}/stream")',
            f'  StockHistoricalDataClient({who}, url_override="{url}")',
            f'  StockDataStream({who}, url_override="{ws}/v2/iex")',
            "alpaca-trade-api, by its environment",
            *(f"  export {name}={value}" for name, value in self.environment.items()),
            "or by arguments",
            f'  REST({who}, base_url="{url}")',
            f'  Stream({who}, base_url=URL("{url}"), data_stream_url=URL("{url}"))',
            "JavaScript, @alpacahq/alpaca-trade-api 3",
            f'  new Alpaca({{{script}Key: "{self.secret}", baseUrl: "{url}"}})',
            "and from 4 on",
            f'  credentials = {{{script}: "{self.secret}"}}',
            f'  new trading.OrdersApi(new trading.Configuration({{...credentials, basePath: "{url}"}}))',
            f'  new streaming.TradingStream({{credentials, url: "{ws}/stream"}})',
        ]
        return "\n".join(lines)
