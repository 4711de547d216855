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

import engine

__all__: list[str] = []

if getattr(engine, "__distribution__", None) != "tradebridge":
    raise ImportError(
        f"bridge needs the package `engine` that came with it, but `import engine` finds {engine.__file__}: "
        "rename that module, or put the folder it stands in behind site-packages in sys.path"
    )
