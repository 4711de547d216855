"""Markets, real and synthetic: bars, the path within a bar, matching, fees."""

from __future__ import annotations

__all__: list[str] = []
