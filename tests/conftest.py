"""What every test may count on: a loop that survives a frozen clock, reproducible Hypothesis runs, shared data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

try:
    import freezegun
except ModuleNotFoundError:
    pass
else:
    # A loop in another thread would read a frozen time.monotonic once and never tick again.
    freezegun.configure(extend_ignore_list=["asyncio"])

try:
    from hypothesis import settings
except ModuleNotFoundError:
    pass
else:
    settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100, print_blob=True)
    settings.register_profile("thorough", deadline=None, max_examples=2000, print_blob=True)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder that lies beside the project's own and is shared with other projects; without it the test skips."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared")
    return SHARED


@pytest.fixture(scope="session")
def shared_data(shared: Path) -> Path:
    """Market data of the shared folder."""
    data = shared / "data"
    if not data.is_dir():
        pytest.skip("needs the folder ../shared/data")
    return data
