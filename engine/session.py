"""
A paper session: market data, a strategy and the engine, from the first bar to the summary.

Everything a session decides follows from its settings, its data and its seed. So a session that was stopped or killed
resumes by running again: as far as its journal goes it must decide the same, and then it goes on.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from attrs import Factory, evolve, frozen

from engine.books.journal import Journal
from engine.books.recovery import Books
from engine.books.rerun import Rerun
from engine.books.tally import Tally
from engine.clock import HostClock, SystemHostClock
from engine.errors import InvalidInput, JournalError
from engine.events import Filled
from engine.execution import ExecutionEngine
from engine.facts import SessionStarted
from engine.market.bars import digest
from engine.model import ZERO
from engine.ports import Stage, Strategy
from engine.recipe import (
    Fees,
    FillsConfig,
    Hours,
    MarketConfig,
    OnError,
    SessionConfig,
    StrategyConfig,
    as_text,
    from_text,
)
from engine.stage import MarketData, StageMaker, fees_of, gate_of, market_data, simulated
from engine.strategies.loading import load_strategy

__all__ = [
    "Fees",
    "FillsConfig",
    "Hours",
    "JOURNAL",
    "MarketConfig",
    "MarketData",
    "OnError",
    "PaperSession",
    "Progress",
    "Result",
    "SessionConfig",
    "StrategyConfig",
    "market_data",
    "open_session",
    "resume_session",
]

JOURNAL = "journal.sqlite"


@frozen
class Progress:
    """
    How far a session is.

    Attributes:
        at: Market time.
        replaying: It is still doing again what its journal says.
        drawdown: Deepest fall of equity from its peak so far, 0.01 = 1 %.
        orders: How many there have been.
    """

    at: datetime
    bars: int
    equity: Decimal
    replaying: bool
    drawdown: Decimal = ZERO
    orders: int = 0


@frozen(kw_only=True)
class Result:
    """
    What a run came to.

    Attributes:
        outcome: "completed", "stopped", or "failed: …" with the strategy's error.
        first, last: Market time of the first bar's start and the last bar's end; None: no bar was played.
        fills: Bookings that moved a position.
        facts: How many facts the journal holds.
        seconds: How long the run took on this machine.
        waived: See `engine.ports.Stage`.
    """

    outcome: str
    first: datetime | None
    last: datetime | None
    fills: int
    facts: int
    seconds: float
    tally: Tally
    books: Books
    waived: Mapping[str, int] = Factory(dict)


class PaperSession:
    """
    One run over its data; made by `open_session` or `resume_session`, over when it is closed.

    Args:
        stage: What it is played on; None: a venue in this process.

    Attributes:
        stage: As given, or made.
        fills: Bookings so far that moved a position.
        error: What the strategy raised; None: nothing.
    """

    def __init__(
        self,
        config: SessionConfig,
        journal: Journal,
        data: MarketData,
        *,
        strategy: Strategy,
        host_clock: HostClock | None = None,
        stage: Stage | None = None,
    ) -> None:
        self.config = config
        self.journal = journal
        self.fills = 0
        self.error: Exception | None = None
        self._data = data
        self._strategy = strategy
        self._host = host_clock or SystemHostClock()
        self.stage = stage or simulated(config, data)
        self.engine = ExecutionEngine(
            self.stage.broker,
            feed=self.stage.feed,
            journal=journal,
            gate=gate_of(config, data.symbols, fees_of(config.market).highest_rate, data.first),
            calendar=data.calendar,
            clock=self.stage.clock,
            host_clock=self._host,
        )
        # The way that the orders take is no part of the name: they have the same ids either way.
        named = as_text(evolve(config, wire=False))
        self._started = SessionStarted(
            at=data.first,
            session_id="tb" + sha256(f"{named}|{data.digest}".encode()).hexdigest()[:8],
            cash=config.cash,
            config=as_text(config),
            data_digest=data.digest,
        )

    def close(self) -> None:
        """Close the journal, and leave the venue."""
        self.journal.close()
        self.stage.close()

    def begin(self) -> None:
        """Make durable what the session is made of; `run` does it if nobody did."""
        self.engine.start(self._started)

    def run(
        self,
        *,
        progress: Callable[[Progress], None] | None = None,
        every: int = 1_000,
        stopped: Callable[[], bool] | None = None,
    ) -> Result:
        """
        Play all bars, or until told to stop.

        Args:
            progress: Called every ``every`` bars.
            stopped: Asked after each bar; True ends the run, which can be resumed.

        Raises:
            InvalidInput: A bar in the file is wrong; the session can be resumed up to there.
            JournalError: The journal cannot be written, or (`Diverged`) a resumed run decides otherwise than before.
        """
        began = self._host.monotonic()
        if self.engine.books.session is None:
            self.begin()
        tally = Tally(self.config.cash)
        outcome, last = self._play(tally, progress, every, stopped)
        if isinstance(self.journal, Rerun) and outcome != "stopped":
            self.journal.ended()
        self.journal.commit()
        return Result(
            outcome=outcome,
            first=None if last is None else self._data.first,
            last=last,
            fills=self.fills,
            facts=len(self.journal),
            seconds=self._host.monotonic() - began,
            tally=tally,
            books=self.engine.books,
            waived=self.stage.waived,
        )

    def _play(
        self,
        tally: Tally,
        progress: Callable[[Progress], None] | None,
        every: int,
        stopped: Callable[[], bool] | None,
    ) -> tuple[str, datetime | None]:
        engine, stage, strategy = self.engine, self.stage, self._strategy
        portfolio, saw = engine.books.portfolio, engine.saw
        rerun = self.journal if isinstance(self.journal, Rerun) else None
        on_bar, positions = strategy.on_bar, portfolio.open_positions
        end: datetime | None = None
        equity_moved, booked = False, self.fills
        for bars in self._data.bars:
            end = bars[0].end
            if rerun is not None:
                rerun.reached(bars[0].start)
                rerun.bar = bars[0].start
            if stage.working:
                for _ in stage.play(bars):
                    if (raised := self._step()) is not None:
                        return self._fail(raised), end
            else:
                stage.skip(bars)
            for bar in bars:
                saw(bar.symbol, bar.close, end)
            try:
                for bar in bars:
                    on_bar(bar, engine)
            except JournalError:
                raise
            except Exception as error:  # noqa: BLE001 - the strategy is the user's; what it raises becomes a fact
                return self._fail(error), end
            if (stage.unheard or engine.pending) and (raised := self._step()) is not None:
                return self._fail(raised), end
            tally.bars += 1
            if positions:
                tally.exposed += 1
                equity_moved = True
                tally.take(portfolio.equity())
            elif equity_moved or self.fills != booked:  # or opened and closed again within the bar
                equity_moved = False
                tally.take(portfolio.equity())
            booked = self.fills
            if progress is not None and tally.bars % every == 0:
                replaying = rerun is not None and rerun.replaying
                orders = engine.books.tracker.total
                progress(Progress(end, tally.bars, portfolio.equity(), replaying, tally.drawdown_ratio, orders))
            if stopped is not None and stopped():
                return "stopped", end
        return "completed", end

    def _step(self) -> Exception | None:
        """Let engine and strategy react until nothing is left to react to; what the strategy raised, if it did."""
        engine, stage, on_event = self.engine, self.stage, self._strategy.on_event
        again = True
        while again:
            events = engine.step()
            for event in events:
                if type(event) is Filled and event.quantity:
                    self.fills += 1
            for event in events:
                try:
                    on_event(event, engine)
                except JournalError:
                    raise
                except Exception as error:  # noqa: BLE001 - as above
                    return error
            again = bool(events) and (stage.unheard or engine.pending)
        return None

    def _fail(self, error: Exception) -> str:
        """Record what the strategy raised, and do with its orders what the settings say."""
        self.error = error
        frames = traceback.extract_tb(error.__traceback__)
        file = getattr(sys.modules.get(type(self._strategy).__module__), "__file__", None)
        # Where the strategy stood; what it called may be anywhere.
        frame = next((frame for frame in reversed(frames) if frame.filename == file), frames[-1])
        what = f"{type(error).__name__}: {error} ({Path(frame.filename).name}, line {frame.lineno})"
        self.engine.fail(what, self.config.on_error.value)
        if self.config.on_error is OnError.CANCEL:
            self.engine.cancel_all("the strategy failed")
        self.fills += sum(type(event) is Filled and bool(event.quantity) for event in self.engine.step())
        return f"failed: {what}"


def open_session(
    config: SessionConfig, directory: Path, *, host_clock: HostClock | None = None, wired: StageMaker | None = None
) -> PaperSession:
    """
    A new session whose journal lies in ``directory``; the folder is made if it is not there.

    Args:
        wired: Makes the stage of a session that is to run over the wire; others do not need it.

    Raises:
        InvalidInput: The settings, the data or the strategy are wrong, or the folder holds a session already.
        JournalError: The journal cannot be made.
    """
    if config.market.bars is not None:
        config = evolve(config, market=evolve(config.market, bars=str(Path(config.market.bars).resolve())))
    if config.symbols is not None:
        rules = str(Path(config.symbols).resolve())
        config = evolve(config, symbols=rules, symbols_digest=config.symbols_digest or digest(rules))
    path = directory / JOURNAL
    if path.exists() and path.stat().st_size:
        with Journal(path) as journal:
            begun = len(journal)
        if begun:
            expected = f"a new folder; to continue this session, resume {directory}"
            raise InvalidInput(str(directory), "a session", expected)
    try:
        config = from_text(as_text(config), "settings")  # what a resumed session will be made from
    except TypeError as error:
        raise InvalidInput("strategy.settings", config.strategy.settings, f"values of TOML: {error}") from error
    data = market_data(config)
    strategy = load_strategy(config.strategy.name, config.strategy.settings)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(str(directory), error.strerror, "a folder that can be made and written to") from error
    stage = _stage(config, data, wired)
    journal = Journal(path)
    try:
        session = PaperSession(config, journal, data, strategy=strategy, host_clock=host_clock, stage=stage)
        session.begin()  # from here on it can be resumed, whatever happens
    except BaseException:
        journal.close()
        stage.close()
        raise
    return session


def _stage(config: SessionConfig, data: MarketData, wired: StageMaker | None) -> Stage:
    if not config.wire:
        return simulated(config, data)
    if wired is None:
        raise InvalidInput("wire", True, "false, or whoever opens the session to give it the stage of one on the wire")
    return wired(config, data)


def resume_session(
    directory: Path, *, host_clock: HostClock | None = None, wired: StageMaker | None = None
) -> PaperSession:
    """
    The session whose journal lies in ``directory``, to be run again from its first bar.

    Args:
        wired: As in `open_session`.

    Raises:
        InvalidInput: There is no session, or its data have changed.
        JournalError: The journal is damaged, another program's, or open elsewhere.
    """
    path = directory / JOURNAL
    if not path.is_file():
        raise InvalidInput(str(directory), "no journal", f"the folder of a session, which holds {JOURNAL}")
    journal = Rerun(path)
    try:
        begun = next(iter(journal.entries()), None)
        if begun is None:
            raise InvalidInput(str(path), "nothing recorded", "a session; begin it anew in this folder")
        if not isinstance(begun.fact, SessionStarted):
            raise JournalError(f"{path}: begins with {type(begun.fact).__name__}, expected SessionStarted")
        config = from_text(begun.fact.config, str(path))
        data = market_data(config)
        if data.digest != begun.fact.data_digest:
            raise InvalidInput(
                str(config.market.bars),
                f"SHA-256 {data.digest[:16]}…",
                f"the file that the session began with, SHA-256 {begun.fact.data_digest[:16]}…",
            )
        strategy = load_strategy(config.strategy.name, config.strategy.settings)
        stage = _stage(config, data, wired)
        try:
            return PaperSession(config, journal, data, strategy=strategy, host_clock=host_clock, stage=stage)
        except BaseException:
            stage.close()
            raise
    except BaseException:
        journal.close()
        raise
