"""
The venue among sockets: what is heard goes into a house with the venue's time, and what the house tells goes out.

```
connections, local          who may connect, and how long one may dawdle
requests ─▶ treating        REST; admin: for who runs the venue
trades, feeds, subscribers  the user stream, market data, server-sent events
     └─▶ switchboard ─▶ line
pace ─▶ clockwork           real time, × N, or stepped
server                      all of it in one event loop
```
"""

__all__: list[str] = []
