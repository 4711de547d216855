"""What a benchmark measured."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Result"]


@frozen(kw_only=True)
class Result:
    """
    One figure.

    Attributes:
        bench: The NAME of the benchmark.
        case: What was done, e.g. "50,000 bars, sma 20/50".
        value: In ``unit``; None: not measured, because the peer is not installed.
        unit: "bars/s", "us".
        peer: Another program that did the same work; None: it is ours.
    """

    bench: str
    case: str
    value: float | None
    unit: str
    peer: str | None = None
