"""What can be traded at the venue: a handful of shares of every temper, and three coins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

from attrs import Attribute, evolve, field, frozen

from bridge.venue.spelling import plain
from engine.errors import InvalidRequest
from engine.model import require_positive

__all__ = ["ASSETS", "Asset", "Assets"]


def _positive(instance: object, attribute: Attribute[Decimal], value: object) -> None:
    require_positive(attribute.name, value)


@frozen(kw_only=True)
class Asset:
    """
    Attributes:
        symbol: As orders spell it: "AAPL", "BTC/USD".
        price: Where its market begins, quote units, > 0.
        active: False: it is listed as inactive, and no order in it is taken.
        tradable: False: it is active, and no order in it is taken.
        fractionable: It can be bought for an amount of money, or in parts of a share.
        smallest: Of an order in a coin, base units.
    """

    symbol: str
    name: str
    exchange: str
    price: Decimal = field(validator=_positive)
    kind: Literal["us_equity", "crypto"] = "us_equity"
    active: bool = True
    tradable: bool = True
    marginable: bool = True
    shortable: bool = True
    fractionable: bool = True
    smallest: Decimal = Decimal("0.000000002")
    id: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        if (self.kind == "crypto") is not ("/" in self.symbol):
            raise InvalidRequest("symbol", self.symbol, "a pair like BTC/USD for crypto, none for a share")
        object.__setattr__(self, "id", str(uuid5(NAMESPACE_URL, f"tradebridge:asset:{self.symbol}")))

    @property
    def crypto(self) -> bool:
        return self.kind == "crypto"

    @property
    def coin(self) -> str:
        """What is traded against money: "BTC" of "BTC/USD"; of a share its symbol."""
        return self.symbol.partition("/")[0]

    @property
    def short_symbol(self) -> str:
        """As positions spell it: without the slash."""
        return self.symbol.replace("/", "")

    @property
    def json(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": self.id,
            "class": self.kind,
            "exchange": self.exchange,
            "symbol": self.symbol,
            "name": self.name,
            "status": "active" if self.active else "inactive",
            "tradable": self.active and self.tradable,
            "marginable": self.marginable and not self.crypto,
            "maintenance_margin_requirement": 100 if self.crypto else 30,
            "margin_requirement_long": "100" if self.crypto else "30",
            "margin_requirement_short": "100" if self.crypto else "30",
            "shortable": self.shortable and not self.crypto,
            "easy_to_borrow": self.shortable and not self.crypto,
            "fractionable": self.fractionable,
            "attributes": [],
        }
        if self.crypto:
            smallest = plain(self.smallest)
            step = "0.000000001"
            return body | {"min_order_size": smallest, "min_trade_increment": step, "price_increment": step}
        return body | {"borrow_status": "easy_to_borrow" if self.shortable else "hard_to_borrow"}


def _share(symbol: str, name: str, exchange: str, price: str, **more: Any) -> Asset:
    return Asset(symbol=symbol, name=name, exchange=exchange, price=Decimal(price), **more)


def _coin(symbol: str, name: str, price: str) -> Asset:
    return Asset(symbol=symbol, name=name, exchange="CRYPTO", price=Decimal(price), kind="crypto", shortable=False)


ASSETS: tuple[Asset, ...] = (
    _share("AAPL", "Apple Inc. Common Stock", "NASDAQ", "190"),
    _share("AMD", "Advanced Micro Devices, Inc. Common Stock", "NASDAQ", "140"),
    _share("F", "Ford Motor Company", "NYSE", "12"),
    _share("GM", "General Motors Company", "NYSE", "45"),
    _share("MSFT", "Microsoft Corporation Common Stock", "NASDAQ", "410"),
    _share("QQQ", "Invesco QQQ Trust, Series 1", "NASDAQ", "440"),
    _share("SPY", "SPDR S&P 500 ETF Trust", "ARCA", "500"),
    _share("TSLA", "Tesla, Inc. Common Stock", "NASDAQ", "200"),
    _share("DIME", "Below One Dollar Corp.", "AMEX", "0.42"),
    _share("HARD", "Hard To Borrow Inc.", "NYSE", "25", shortable=False),
    _share("WHOLE", "Whole Shares Only Inc.", "NYSE", "60", fractionable=False),
    _share("HALT", "Not Tradable Inc.", "NYSE", "30", tradable=False),
    _share("GONE", "Delisted Inc.", "NYSE", "5", active=False, shortable=False, fractionable=False),
    _coin("BTC/USD", "Bitcoin / US Dollar", "60000"),
    _coin("ETH/USD", "Ethereum / US Dollar", "3000"),
    _coin("DOGE/USD", "Dogecoin / US Dollar", "0.12"),
)
"""On offer where nobody says otherwise; the last five shares exist to be refused in some way."""


class Assets:
    """
    The assets of a venue, found by symbol, with or without the slash, or by id.

    Raises:
        InvalidRequest: A symbol is there twice.
    """

    def __init__(self, assets: Iterable[Asset] = ASSETS) -> None:
        self._all = tuple(assets)
        self._names: dict[str, Asset] = {}
        for asset in self._all:
            for name in {asset.symbol, asset.short_symbol, asset.id}:
                if name in self._names:
                    raise InvalidRequest("assets", asset.symbol, "each symbol once")
                self._names[name] = asset

    def __iter__(self) -> Iterator[Asset]:
        return iter(self._all)

    def find(self, name: str) -> Asset | None:
        return self._names.get(name)

    def at(self, **prices: Decimal) -> Assets:
        """The same assets, some of which begin at another price; of a coin by its symbol without the slash."""
        return Assets(
            evolve(asset, price=prices[asset.short_symbol]) if asset.short_symbol in prices else asset
            for asset in self._all
        )
