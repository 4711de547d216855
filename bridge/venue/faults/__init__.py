"""
What goes wrong at the venue, on purpose: off by default, seeded, and the same for the same seed and the same calls.

```
file ─▶ Faults.add ─▶ armed faults ─▶ request()   ─▶ Treatment         what becomes of a request
                                      frame()     ─▶ [Delivery]        of a frame
                                      handshake() ─▶ Accept | Refuse   of a handshake
                                      due()       ─▶ [Due]             what happens by the clock
```

Nothing here acts: every answer is a value that the server carries out. Moments are arguments.
"""

__all__: list[str] = []
