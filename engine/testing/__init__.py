"""
Clocks, fakes and builders for tests of the engine, of strategies, brokers and feeds.

Public: what is here keeps working, and the tests of tradebridge itself are written with it.
"""

from engine.testing.broker import FakeBroker, Lost
from engine.testing.clocks import ManualHostClock
from engine.testing.desk import Desk

__all__ = ["Desk", "FakeBroker", "Lost", "ManualHostClock"]
