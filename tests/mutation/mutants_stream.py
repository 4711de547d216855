"""Mistakes in the dialogue of the user stream, in its facts, and in the thread with a loop."""

from __future__ import annotations

from mutant import Mutant

__all__ = ["MUTANTS", "TESTS"]

TESTS = [
    "tests/bridge/stream",
    "tests/bridge/test_loopthread.py",
    "tests/engine/brokers/alpaca/test_translate.py",
]

FRAMES, PROTOCOL = "bridge/stream/frames.py", "bridge/stream/protocol.py"
THREAD, TRANSLATE = "bridge/loopthread.py", "engine/brokers/alpaca/translate.py"

MUTANTS = [
    Mutant(
        "early-updates-lost",
        PROTOCOL,
        "for kind in (*anywhere, told.UPDATE)",
        "for kind in (*anywhere, *([told.UPDATE] if at is state.LISTENING else []))",
        "an update before the acknowledgement is lost",
    ),
    Mutant(
        "listens-to-nothing",
        PROTOCOL,
        "return Told.LISTENING if TRADE_UPDATES in frame.streams else Told.NOT_LISTENING",
        "return Told.LISTENING",
        "an acknowledgement without trade_updates is taken for one",
    ),
    Mutant("falls-back-twice", PROTOCOL, "            self.legacy = True\n", "", "the current form is sent again"),
    Mutant(
        "error-shows-the-key",
        PROTOCOL,
        "self._events.append(Complaint(self._credentials.hidden(frame.message)))",
        "self._events.append(frame)",
        "what the venue sends back shows the secret",
    ),
    Mutant(
        "message-shows-the-key",
        PROTOCOL,
        "else self._credentials.hidden(verdict.message)",
        "else verdict.message",
        "what the venue sends back shows the secret",
    ),
    Mutant(
        "another-account",
        PROTOCOL,
        "if self.account not in (None, account):",
        "if False:",
        "a connection changes its account",
    ),
    Mutant(
        "mute-listener",
        PROTOCOL,
        "if self.state is not VenueState.LISTENING:",
        "if self.state is VenueState.CLOSED:",
        "an update reaches who does not listen",
    ),
    Mutant(
        "late-is-all",
        PROTOCOL,
        "        if self.state is VenueState.CONNECTED:\n            self.state",
        "        if self.state is not VenueState.CLOSED:\n            self.state",
        "who is authenticated is closed too",
    ),
    Mutant(
        "malformed-stays",
        PROTOCOL,
        '        self.close = Close(1008, "malformed message")\n',
        "",
        "the connection of who talks nonsense stays open",
    ),
    Mutant("null-is-an-update", FRAMES, "if told.data == _NULLS[packed]:", "if False:", "null is an error"),
    Mutant(
        "no-heartbeat",
        FRAMES,
        '_BEATS = ("\\x01", b"\\x01")',
        '_BEATS = ("\\x01", b"\\x02")',
        "a heartbeat is an error",
    ),
    Mutant(
        "deep-frames",
        FRAMES,
        "msgspec.DecodeError, UnicodeError, RecursionError)",
        "msgspec.DecodeError, UnicodeError)",
        "a deep frame ends the reader",
    ),
    Mutant(
        "cause-holds-the-frame",
        FRAMES,
        'why = "missing" if data == _MISSING else str(error)\n',
        'why = "missing" if data == _MISSING else str(error)\n        raise RemoteProtocolError(f"{where}: {why}")\n',
        "the error's context has the message, secret included",
    ),
    Mutant("shown-key", FRAMES, "    key: str = field(repr=False, ", "    key: str = field(", "a repr shows the key"),
    Mutant(
        "cumulative-of-one",
        TRANSLATE,
        "        cumulative=update.order.filled_qty or ZERO,\n        quantity=update.qty,",
        "        cumulative=update.qty,\n        quantity=update.qty,",
        "two fills of a size are taken for one",
    ),
    Mutant(
        "bust-keeps",
        TRANSLATE,
        "quantity, price = ZERO, price or",
        "quantity, price = quantity or ZERO, price or",
        "a bust leaves the execution as it was",
    ),
    Mutant(
        "corrects-itself",
        TRANSLATE,
        "which = update.previous_execution_id or update.execution_id",
        "which = update.execution_id",
        "a correction names itself",
    ),
    Mutant(
        "asked-after-the-end",
        THREAD,
        "            if self._state is not State.RUNNING:\n                raise NotSent",
        "            if self._state is State.NEW:\n                raise NotSent",
        "what is handed to a loop that has ended waits for ever",
    ),
    Mutant(
        "unknown-although-known",
        THREAD,
        "given_up = not future.done() and future.cancel()",
        "future.cancel()\n            given_up = True",
        "an outcome that is there is called unknown",
    ),
    Mutant(
        "goes-on-after-all",
        THREAD,
        "        future.add_done_callback(partial(self._given_up, task))\n",
        "",
        "a call that was given up goes on",
    ),
    Mutant(
        "begins-after-all",
        THREAD,
        "        if future.cancelled():\n            return  # given up before it began\n",
        "",
        "a call that was given up begins",
    ),
    Mutant(
        "collected-tasks",
        THREAD,
        "        self._tasks.add(task)\n",
        "",
        "a task may be collected while it waits",
    ),
    Mutant(
        "late-start-stays",
        THREAD,
        "started = self._state is State.STARTING",
        "started = True",
        "a loop that was given up runs for ever",
    ),
    Mutant(
        "unseen-errors",
        THREAD,
        "        if told or not heard:\n            self._report(what, error)\n",
        "",
        "what fails unseen is lost",
    ),
    Mutant(
        "generators-left",
        THREAD,
        "        await asyncio.get_running_loop().shutdown_asyncgens()\n",
        "",
        "generators are not closed",
    ),
    Mutant("no-atexit", THREAD, "atexit.register(_stop_all)\n", "", "a program that ends warns of a loop left open"),
    Mutant(
        "no-fork",
        THREAD,
        "    os.register_at_fork(after_in_child=_after_fork)",
        "    pass",
        "the child waits for a thread that is not there",
    ),
    Mutant(
        "own-thread",
        THREAD,
        "if threading.current_thread() is self._thread:",
        "if False:",
        "a call from the loop waits for itself",
    ),
    Mutant(
        "block-hides-its-error",
        THREAD,
        "            if error is None:\n                raise\n",
        "            raise\n",
        "the block's own error is hidden",
    ),
]
