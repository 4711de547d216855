"""
Market data of the venue: what was seen is kept, looked up over REST, and told by websockets.

`market_data` is told of the market and answers requests; `streams` has the connections, `protocol` the dialogue of one.

```
moved, ticked, closed ─▶ market_data ─▶ tape ◀─ answers ◀─ requests
                              └─▶ messages ─▶ streams ─▶ protocol ─▶ frames
```

No socket, no clock, no thread; prices come from elsewhere.
"""

__all__: list[str] = []
