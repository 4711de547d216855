"""What a strategy holds of an order."""

from __future__ import annotations

from decimal import Decimal

from engine.errors import NotSent
from engine.model import OrderRequest, Side, Status
from engine.orders.ticket import Ticket
from engine.testing import Desk

D = Decimal


def test_a_ticket_follows_its_order():
    """Everything it shows is the order's as it stands now."""
    desk = Desk().start()
    ticket = desk.engine.submit(OrderRequest.limit("X", Side.BUY, D(100), D(10), client_order_id="a"))
    before = (ticket.status, ticket.filled, ticket.average, ticket.done, ticket.refusal)
    desk.broker.fill("a", D(100), D("9.5"))
    desk.run()

    assert (Status.WORKING, D(0), None, False, None) == before
    assert (Status.FILLED, D(100), D("9.5"), True) == (ticket.status, ticket.filled, ticket.average, ticket.done)
    assert "<Ticket a buy 100/100 X filled>" == repr(ticket)


def test_a_denied_ticket_says_why():
    """The gate's refusal is on it."""
    desk = Desk(cash=D(1)).start()
    ticket = desk.engine.submit(OrderRequest.limit("X", Side.BUY, D(100), D(10)))

    assert ("INSUFFICIENT_CASH", True) == (ticket.refusal.code, ticket.done)


def test_a_ticket_of_an_order_that_waits_is_not_done():
    """INTENT is no end."""
    desk = Desk().start()
    desk.broker.script("submit", NotSent("rate"))
    ticket = desk.engine.submit(OrderRequest.limit("X", Side.BUY, D(100), D(10)))

    assert isinstance(ticket, Ticket)
    assert (Status.INTENT, False) == (ticket.status, ticket.done)
