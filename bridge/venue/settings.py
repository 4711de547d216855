"""What the owner of an account can set: GET and PATCH /v2/account/configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.venue.errors import Refused, misunderstood

__all__ = ["changed_settings", "settings"]

_CHOICES: dict[str, tuple[object, ...]] = {
    "disable_overnight_trading": (False, True),
    "dtbp_check": ("entry", "exit", "both"),
    "fractional_trading": (True, False),
    "max_margin_multiplier": ("1", "2", "4"),
    "max_options_trading_level": (0, 1, 2, 3),
    "no_shorting": (False, True),
    "pdt_check": ("entry", "exit", "both"),
    "ptp_no_exception_entry": (False, True),
    "suspend_trade": (False, True),
    "trade_confirm_email": ("all", "none"),
}
"""Each setting with what it can be, as it is at first in front."""


def settings(multiplier: int) -> dict[str, Any]:
    """The settings of a new account."""
    return {name: choices[0] for name, choices in _CHOICES.items()} | {"max_margin_multiplier": str(multiplier)}


def changed_settings(before: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """
    The settings with some of them changed; fields that are no setting are ignored.

    Raises:
        Refused: A setting cannot be that.
    """
    after = dict(before)
    for name, choices in _CHOICES.items():
        value = body.get(name)
        if value is None:
            continue
        if name == "max_margin_multiplier" and not isinstance(value, bool):
            value = str(value)  # taken as a number too
        # False is no 0: each choice has a type.
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            raise Refused(misunderstood(f"invalid {name}"))
        after[name] = value
    return after
