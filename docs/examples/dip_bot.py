"""
A bot as many are: synchronous, on alpaca-py, with a loop that looks, acts and sleeps.

It buys when a share has fallen from the highest price it has seen, and then sells with a gain or a loss.
"""

import time

from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockLatestTradeRequest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import MarketOrderRequest

WORKING = {"pending_new", "accepted", "new", "partially_filled"}


class DipBot:
    """Buys at a fall of 2 %; sells 1 % above what it paid, or 3 % below."""

    def __init__(self, trading, data, symbol="AAPL", quantity=10, pause=1.0):
        self.trading = trading
        self.data = data
        self.symbol = symbol
        self.quantity = quantity
        self.pause = pause
        self.high = 0.0
        self.paid = None  # the price of what it holds
        self.running = True

    def run(self):
        while self.running:
            self.look()
            time.sleep(self.pause)

    def look(self):
        """One turn of the loop."""
        request = StockLatestTradeRequest(symbol_or_symbols=self.symbol)
        price = self.data.get_stock_latest_trade(request)[self.symbol].price
        self.high = max(self.high, price)
        if self.paid is None and price <= self.high * 0.98:
            self.paid = self.trade(OrderSide.BUY)
        elif self.paid is not None and not self.paid * 0.97 < price < self.paid * 1.01:
            self.trade(OrderSide.SELL)
            self.paid, self.high = None, price

    def trade(self, side):
        """Send an order and wait until it is done; the average price."""
        order = MarketOrderRequest(symbol=self.symbol, qty=self.quantity, side=side, time_in_force=TimeInForce.DAY)
        sent = self.trading.submit_order(order)
        while (found := self.trading.get_order_by_id(sent.id)).status.value in WORKING:
            time.sleep(self.pause)
        return float(found.filled_avg_price)


if __name__ == "__main__":
    import os

    key, secret = os.environ["APCA_API_KEY_ID"], os.environ["APCA_API_SECRET_KEY"]
    here = os.environ.get("APCA_API_BASE_URL")  # None: Alpaca's paper trading
    DipBot(
        TradingClient(key, secret, url_override=here),
        StockHistoricalDataClient(key, secret, url_override=os.environ.get("APCA_API_DATA_URL")),
    ).run()
