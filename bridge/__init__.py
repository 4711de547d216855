"""
The asynchronous side of tradebridge; for now its command line, `tradebridge`.

```
engine (sync)  owns all trading state
bridge (async) owns the sockets that push
between them   immutable messages only:   engine ══outbox══▶ bridge   commands
                                          engine ◀══inbox═══ bridge   facts
imports        bridge ─▶ engine, never back
```
"""

from importlib.util import find_spec
from pathlib import Path

__all__: list[str] = []


def _found() -> str | None:
    """Where `import engine` finds another one than ours; None: it finds ours."""
    spec = find_spec("engine")
    beside = str(Path(__file__).parents[1] / "engine")
    if spec is not None and beside in (spec.submodule_search_locations or ()):
        return None  # it came with this package, and need not be imported to be told from others
    import engine

    return None if getattr(engine, "__distribution__", None) == "tradebridge" else str(engine.__file__)


if (_shadow := _found()) is not None:
    raise ImportError(
        f"bridge needs the package `engine` that came with it, but `import engine` finds {_shadow}: "
        "rename that module, or put the folder it stands in behind site-packages in sys.path"
    )
