"""What is committed is read back, whatever happens to program, disk or file; or an error says what is wrong."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from engine.books import journal as journal_module
from engine.books.journal import FORMAT, Entry, Journal, decode, encode
from engine.decisions import Refusal, Seen, TradingState
from engine.errors import JournalError
from engine.facts import (
    Adopted,
    CancelRefused,
    CancelRequested,
    DayBegan,
    DeclaredLost,
    Denied,
    ExecutionCorrected,
    ExecutionReported,
    Fact,
    Flattened,
    FlattenRequested,
    Intended,
    Locked,
    LocksReleased,
    NotFound,
    OrderReported,
    PositionAdjusted,
    PositionMismatched,
    RejectedByVenue,
    Reopened,
    ReplaceDenied,
    ReplaceRefused,
    ReplaceRequested,
    Sent,
    SessionStarted,
    StrategyFailed,
    SyncBegan,
    Synced,
    TradingStateChanged,
    Unanswered,
    Unsent,
    Withdrawn,
)
from engine.model import (
    Correction,
    Execution,
    Exits,
    OrderRequest,
    OrderType,
    Replacement,
    Role,
    Side,
    TimeInForce,
    VenueStatus,
)

D = Decimal
ROOT = Path(journal_module.__file__).parents[2]
AT = datetime(2024, 1, 2, 14, 30, 0, 123456, tzinfo=UTC)
VENUE = datetime(2024, 1, 2, 9, 30, 0, 1000, tzinfo=timezone(timedelta(hours=-5)))
REQUEST = OrderRequest(
    symbol="BTC/USD",
    side=Side.BUY,
    type=OrderType.STOP_LIMIT,
    quantity=D("0.12345678"),
    time_in_force=TimeInForce.GTC,
    limit_price=D("1E+4"),
    stop_price=D("9999.10"),
    time_to_live=timedelta(days=1, microseconds=1),
    exits=Exits(take_profit=D("11000.0"), stop_loss=D(9000), stop_limit=D("8999.99")),
    client_order_id="tb-1",
)
TRAILING = OrderRequest(
    symbol="AAPL",
    side=Side.SELL,
    type=OrderType.TRAILING_STOP,
    quantity=D(1),
    trail_percent=D("1.5"),
    client_order_id="é",
)
EXECUTION = Execution(
    id="x1",
    cumulative=D("0.10"),
    quantity=D("0.1"),
    price=D("9999.5"),
    at=VENUE,
    fee=D("0.01"),
    position_after=D("-0.9"),
)
EXAMPLES = (
    SessionStarted(at=AT, session_id="tb", cash=D("100000.00"), config='{"a":"é"}', data_digest="ab"),
    Intended(at=AT, request=REQUEST, role=Role.ENTRY, group="g", reserve_price=D("1.0"), opening=D(0)),
    Denied(at=AT, request=TRAILING, refusal=Refusal(code="NO_CASH", message="no", value="1", bound=None)),
    Sent(at=AT, order_id="tb-1"),
    Unsent(at=AT, order_id="tb-1", reason="rate", earliest=AT + timedelta(seconds=1)),
    Unsent(at=AT, order_id="tb-1", reason="rate", earliest=None),
    Withdrawn(at=AT, order_id="tb-1", reason="asked for"),
    Unanswered(at=AT, order_id="tb-1", reason="time-out"),
    RejectedByVenue(at=AT, order_id="tb-1", reason="no"),
    CancelRequested(at=AT, order_id="tb-1", reason="asked for"),
    CancelRefused(at=AT, order_id="tb-1", reason="filled"),
    ReplaceRequested(at=AT, order_id="tb-1", change=Replacement(client_order_id="tb-1.r1", quantity=D(2))),
    ReplaceRefused(at=AT, order_id="tb-1", client_order_id="tb-1.r1", reason="no"),
    NotFound(at=AT, order_id="tb-1"),
    DeclaredLost(at=AT, order_id="tb-1", answers=3, since=AT),
    Reopened(at=AT, order_id="tb-1", evidence="listed"),
    Adopted(at=AT, request=TRAILING, foreign=True),
    SyncBegan(at=AT, epoch=1),
    Synced(
        at=AT,
        epoch=1,
        gap=0.1,
        recovered=1,
        duplicates=2,
        provisional_replaced=3,
        orphans=4,
        shadows=5,
        mismatches=6,
    ),
    PositionMismatched(at=AT, epoch=1, symbol="AAPL", book=D(-1), venue=D("1.5"), trusted=False),
    PositionAdjusted(at=AT, id="adjust-1", symbol="AAPL", quantity=D("-2.5"), price=D(0), reason="why"),
    DayBegan(at=AT, number=2, opens=AT, closes=VENUE, equity=None),
    Locked(
        at=AT,
        id="cooldown.1/AAPL/3",
        protection="cooldown",
        symbol="AAPL",
        side=Side.SELL,
        until=VENUE,
        reason="why",
        trades=(1, 3),
    ),
    Locked(at=AT, id="x", protection="max-drawdown", symbol=None, side=None, until=VENUE, reason="why"),
    LocksReleased(at=AT, ids=("x", "y"), reason="why"),
    TradingStateChanged(at=AT, state=TradingState.HALTED, reason="why"),
    ReplaceDenied(
        at=AT,
        order_id="tb-1",
        change=Replacement(client_order_id="tb-1.r1", quantity=D(2)),
        refusal=Refusal(code="EXIT_WORKING", message="why", seen=Seen(state=TradingState.ACTIVE, held=D(1))),
    ),
    FlattenRequested(at=AT, symbol="AAPL", reason="why"),
    Flattened(at=AT, symbol="AAPL"),
    StrategyFailed(at=AT, error="ZeroDivisionError: x", policy="cancel"),
    OrderReported(
        at=VENUE,
        client_order_id="tb-1",
        broker_order_id="b1",
        symbol="BTC/USD",
        side=Side.BUY,
        status=VenueStatus.PARTIALLY_FILLED,
        quantity=D("0.12345678"),
        cumulative=D("0.1"),
        average=D("9999.50"),
        execution=EXECUTION,
        replaces="b0",
        request=REQUEST,
    ),
    OrderReported(at=AT, symbol="AAPL", broker_order_id="b2", side=Side.SELL, status=VenueStatus.RESTING),
    ExecutionReported(at=VENUE, broker_order_id="b1", symbol="BTC/USD", side=Side.BUY, execution=EXECUTION),
    ExecutionCorrected(
        at=VENUE,
        client_order_id="tb-1",
        symbol="BTC/USD",
        side=Side.BUY,
        correction=Correction(id="c1", execution_id="x1", quantity=D(0), price=D("0.5"), at=VENUE),
    ),
)


ALL = len(EXAMPLES)


def written(path, count=ALL, *, per_commit=3):
    """A journal of ``count`` facts, closed; every fact at its own moment."""
    with Journal(path) as journal:
        append(journal, count, per_commit=per_commit)
    return path


def append(journal, count, *, per_commit=3):
    for number in range(len(journal), len(journal) + count):
        journal.append(EXAMPLES[number % len(EXAMPLES)], moment(number))
        if number % per_commit == per_commit - 1:
            journal.commit()
    journal.commit()


def moment(number):
    return AT + timedelta(microseconds=7 * number)


def left_open(path, count=ALL, *, per_commit=3):
    """A journal as a killed process leaves it: the file, and its write-ahead log beside it."""
    made = path.with_name("made.sqlite")
    journal = Journal(made)
    append(journal, count, per_commit=per_commit)
    shutil.copyfile(made, path)
    shutil.copyfile(f"{made}-wal", f"{path}-wal")
    journal.close()
    return path


def read(path):
    with Journal(path) as journal:
        return list(journal.entries())


def read_or_refused(path):
    try:
        return read(path)
    except JournalError as error:
        assert str(path) in str(error)
        return None


def by_hand(path, *statements):
    """Change a journal with another program."""
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


# --- facts ------------------------------------------------------------------------------------------------------------


def test_every_kind_of_fact_has_an_example():
    """A new kind of fact needs an example here."""
    assert set(get_args(Fact)) == {type(example) for example in EXAMPLES}


@pytest.mark.parametrize("fact", EXAMPLES, ids=lambda fact: type(fact).__name__)
def test_facts_survive_their_encoding(fact):
    """A fact is read back equal, and would be written again to the same bytes, digits of Decimals included."""
    again = decode(type(fact).__name__, encode(fact))

    assert fact == again
    assert encode(fact) == encode(again)


def test_unknown_kinds_are_refused():
    """A kind that this version does not have is named, and so is the likely reason."""
    with pytest.raises(JournalError, match="unknown kind of fact 'Dreamt': written by a newer version"):
        decode("Dreamt", b"{}")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"{}", b"[]", b'{"at":"2024-01-02T14:30:00","order_id":"a"}\xff', b'{"at":1,"order_id":2}']
)
def test_bodies_that_are_no_fact_are_refused(body):
    """What is cut off or of another form is a JournalError that names the kind."""
    with pytest.raises(JournalError, match="a Sent that cannot be read"):
        decode("Sent", body)


def test_values_are_checked_when_they_are_read():
    """A fact whose values could not have been made is not made by reading either."""
    body = encode(EXAMPLES[1]).replace(b'"0.12345678"', b'"-1"')

    with pytest.raises(JournalError, match="an Intended|a Intended"):
        decode("Intended", body)


# --- writing and reading ----------------------------------------------------------------------------------------------


def test_what_is_committed_is_read_back(tmp_path):
    """Facts come back in their order, numbered from 1, with our moment and whom they are about."""
    entries = read(written(tmp_path / "j"))

    assert [Entry(i + 1, moment(i), entries[i].order_id, fact) for i, fact in enumerate(EXAMPLES)] == entries
    assert [None, "tb-1", "é", "tb-1"] == [entry.order_id for entry in entries[:4]]
    assert ["tb-1", "b2", "b1", "tb-1"] == [entry.order_id for entry in entries[-4:]]


def test_a_journal_goes_on_where_it_ended(tmp_path):
    """Opened again it appends behind the last fact, in one unbroken chain."""
    for _ in range(3):
        with Journal(tmp_path / "j") as journal:
            append(journal, 5)

    assert [EXAMPLES[number] for number in range(15)] == [entry.fact for entry in read(tmp_path / "j")]


def test_only_what_is_committed_is_read():
    """Facts that are not durable yet are counted and not read."""
    journal = Journal(None)
    append(journal, 2)
    journal.append(EXAMPLES[2], AT)

    assert (3, 2) == (len(journal), len(list(journal.entries())))
    journal.commit()
    assert (3, 3) == (len(journal), len(list(journal.entries())))
    journal.close()


def test_closing_commits(tmp_path):
    """What was appended and not committed is durable once the journal is closed."""
    with Journal(tmp_path / "j") as journal:
        journal.append(EXAMPLES[0], AT)

    assert 1 == len(read(tmp_path / "j"))


def test_closing_twice_does_nothing(tmp_path):
    """A second close is harmless, and a fact for a closed journal is an error."""
    journal = Journal(tmp_path / "j")
    journal.close()
    journal.close()
    journal.append(EXAMPLES[0], AT)

    with pytest.raises(JournalError, match="cannot be written.*closed"):
        journal.commit()


def test_a_closed_journal_is_one_file(tmp_path):
    """The write-ahead log is folded in, so the file alone can be copied."""
    written(tmp_path / "j")

    assert [tmp_path / "j"] == list(tmp_path.iterdir())


def test_a_commit_is_durable(tmp_path):
    """Synchronous FULL in WAL mode, and checkpoints by the writer alone."""
    journal = Journal(tmp_path / "j")
    settings = [journal._db.execute(f"pragma {name}").fetchone()[0] for name in ("synchronous", "wal_autocheckpoint")]
    journal.close()

    assert [2, 0] == settings


def test_many_facts_are_written_before_they_fill_the_memory(tmp_path, monkeypatch):
    """A long stretch without a commit is written in parts, and the log is folded into the file now and then."""
    monkeypatch.setattr(journal_module, "_FLUSH_AFTER", 10)
    monkeypatch.setattr(journal_module, "_CHECKPOINT_AFTER", 25)
    journal = Journal(tmp_path / "j")
    for number in range(95):
        journal.append(EXAMPLES[number % len(EXAMPLES)], moment(number))

    assert 90 == len(list(journal.entries()))
    assert (5, [(90, 1)]) == (
        len(journal._pending),
        journal._db.execute("select seq, chain = (select chain from facts where seq = 90) from seal").fetchall(),
    )
    journal.close()
    assert 95 == len(read(tmp_path / "j"))


# --- files that are no journal ----------------------------------------------------------------------------------------


def test_an_empty_file_becomes_a_journal(tmp_path):
    """A file of no bytes is as good as none."""
    (tmp_path / "j").touch()

    assert [] == read(tmp_path / "j")
    assert 3 == len(read(written(tmp_path / "j", 3)))


def test_another_programs_database_is_left_untouched(tmp_path):
    """A SQLite file that is no journal is refused and stays as it was, to the byte."""
    by_hand(tmp_path / "j", "create table mine (x)", "insert into mine values (1)")
    before = (tmp_path / "j").read_bytes()

    with pytest.raises(JournalError, match="database of another program, not a tradebridge journal; left untouched"):
        Journal(tmp_path / "j")
    assert before == (tmp_path / "j").read_bytes()


@pytest.mark.parametrize("content", [b"x", b"hello, world\n" * 1000, b"SQLite format 3\0", b"SQLite format 3\0" * 100])
def test_a_file_that_is_no_database_is_left_untouched(tmp_path, content):
    """Any other file is refused and stays as it was."""
    (tmp_path / "j").write_bytes(content)

    with pytest.raises(JournalError, match="j: (not a journal|cannot be read)"):
        Journal(tmp_path / "j")
    assert content == (tmp_path / "j").read_bytes()


def test_another_format_is_refused(tmp_path):
    """A journal of another version says which, and stays as it was."""
    by_hand(written(tmp_path / "j"), f"pragma user_version={FORMAT + 1}")
    before = (tmp_path / "j").read_bytes()

    with pytest.raises(JournalError, match=f"journal of format {FORMAT + 1}, this version reads format {FORMAT}"):
        Journal(tmp_path / "j")
    assert before == (tmp_path / "j").read_bytes()


@pytest.mark.parametrize("path", ["missing/j", "."])
def test_a_path_that_cannot_be_opened_says_what_to_check(tmp_path, path):
    """A folder that is not there, or in place of the file."""
    with pytest.raises(JournalError, match=r"cannot be opened: .*\(check that the folder exists and can be written\)"):
        Journal(tmp_path / path)


@pytest.fixture
def unprivileged():
    """A folder outside of the superuser's own, and no rights but those that files give to everybody."""
    if not hasattr(os, "geteuid"):
        pytest.skip("needs the rights of POSIX")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    superuser = os.geteuid() == 0
    if superuser:
        os.chown(folder, 65534, -1)
        os.seteuid(65534)
    yield folder
    if superuser:
        os.seteuid(0)
    folder.chmod(0o777)  # or it could not be removed
    shutil.rmtree(folder)


def test_a_folder_that_cannot_be_written_to_is_an_error(unprivileged):
    """No journal is begun where no file can be made."""
    unprivileged.chmod(0o555)

    with pytest.raises(JournalError, match="cannot be opened: .*folder"):
        Journal(unprivileged / "j")


@pytest.mark.parametrize("folder", [0o777, 0o555])
def test_a_file_that_cannot_be_written_to_is_an_error(unprivileged, folder):
    """A journal that could be read only is refused at once, not at the first commit."""
    written(unprivileged / "j").chmod(0o444)
    unprivileged.chmod(folder)

    with pytest.raises(JournalError, match="read-only|can be written"):
        Journal(unprivileged / "j")


# --- one writer -------------------------------------------------------------------------------------------------------


def test_a_journal_is_open_once(tmp_path):
    """A second journal on the file is refused as long as the first is open."""
    first = Journal(tmp_path / "j")

    with pytest.raises(JournalError, match=r"locked \(another process has it open; stop that session first\)"):
        Journal(tmp_path / "j")
    first.close()
    assert [] == read(tmp_path / "j")


@pytest.mark.parametrize("count", [0, 3])
def test_another_process_is_kept_out(tmp_path, count):
    """Nobody else can read or write the file, also before the first fact and behind a commit."""
    with Journal(tmp_path / "j") as journal:
        append(journal, count)
        ran = opened_elsewhere(tmp_path / "j")

    assert 1 == ran.returncode
    assert "JournalError" in ran.stderr and "another process has it open; stop that session first" in ran.stderr


def opened_elsewhere(path):
    """What another process gets that opens the journal."""
    code = f"from engine.books.journal import Journal\nfrom pathlib import Path\nJournal(Path({str(path)!r}))"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


# --- what breaks ------------------------------------------------------------------------------------------------------


def test_a_disk_that_is_full_stops_the_journal(tmp_path):
    """The commit is a JournalError that says why; nothing more is taken, and what was durable before stays."""
    journal = Journal(tmp_path / "j")
    append(journal, 5)
    pages = journal._db.execute("pragma page_count").fetchone()[0]
    journal._db.execute(f"pragma max_page_count={pages + 1}")
    with pytest.raises(JournalError, match="cannot be written: .*disk is full; make room and resume"):
        append(journal, 200, per_commit=1000)

    with pytest.raises(JournalError, match="disk is full"):
        journal.append(EXAMPLES[0], AT)
    with pytest.raises(JournalError, match="disk is full"):
        journal.commit()
    assert 5 == len(list(journal.entries()))
    journal.close()
    assert [EXAMPLES[number] for number in range(5)] == [entry.fact for entry in read(tmp_path / "j")]


def test_a_journal_that_failed_stays_failed(tmp_path):
    """Room on the disk does not bring a journal back whose facts were refused: the session has to be resumed."""
    journal = Journal(tmp_path / "j")
    journal._db.execute("pragma max_page_count=4")
    with pytest.raises(JournalError):
        append(journal, 200, per_commit=1000)
    journal._db.execute("pragma max_page_count=1000000")

    with pytest.raises(JournalError, match="disk is full"):
        journal.commit()
    journal.close()
    assert [] == read(tmp_path / "j")


def test_every_committed_fact_survives_a_kill(tmp_path):
    """A process that is killed without warning has lost nothing whose commit had returned."""
    code = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from engine.books.journal import Journal
from engine.facts import Sent
at = datetime(2024, 1, 2, tzinfo=UTC)
journal = Journal(Path({str(tmp_path / "j")!r}))
number = 0
while True:
    number += 1
    journal.append(Sent(at=at, order_id=str(number)), at)
    journal.commit()
    print(number, flush=True)
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    )
    try:
        told = [child.stdout.readline().strip() for _ in range(60)]
    finally:
        child.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        told += child.stdout.read().split()
        child.wait()
        child.stdout.close()
    entries = read(tmp_path / "j")

    assert told[:60] == [str(number) for number in range(1, 61)]
    assert [entry.fact.order_id for entry in entries][: len(told)] == told
    assert len(entries) - len(told) in (0, 1)


# --- damage -----------------------------------------------------------------------------------------------------------


def test_a_file_that_was_cut_off_is_refused(tmp_path):
    """At whatever length a journal is cut off, it is refused, or it had lost nothing; 0 bytes are a new one."""
    whole = written(tmp_path / "whole", 60).read_bytes()
    expected = read(tmp_path / "whole")
    lengths = {*range(1, 200), *range(200, len(whole), 487), *(len(whole) - back for back in range(1, 40))}
    wrong = []
    for length in sorted(lengths):
        path = tmp_path / "cut"
        path.write_bytes(whole[:length])
        if read_or_refused(path) not in (None, expected):
            wrong.append(length)

    assert [] == wrong


def test_a_flipped_byte_is_found_or_harmless(tmp_path):
    """Whichever byte of the file is wrong: the facts read back are right, or there is an error."""
    whole = written(tmp_path / "whole", 30).read_bytes()
    expected = read(tmp_path / "whole")
    wrong, refused = [], 0
    path = tmp_path / "flipped"
    for offset in {*range(140), *range(140, len(whole), 23), *range(len(whole) - 100, len(whole))}:
        for mask in (0x01, 0x80, 0xFF):
            damaged = bytearray(whole)
            damaged[offset] ^= mask
            path.write_bytes(damaged)
            found = read_or_refused(path)
            refused += found is None
            if found not in (None, expected):
                wrong.append((offset, mask))

    assert [] == wrong
    assert refused > 500


def test_a_cell_count_that_lost_the_last_fact_is_found(tmp_path):
    """A page that forgets its last row reads like a shorter journal, and the seal tells."""
    path = written(tmp_path / "j", 60)
    by_hand(path, "delete from facts where seq = 60")

    with pytest.raises(JournalError, match="damaged: fact 60 had been written, the file ends with 59"):
        Journal(path)


@pytest.mark.parametrize(
    ("statement", "good"),
    [
        ("delete from facts where seq = 7", 6),
        ("delete from facts where seq = 1", 0),
        ("update facts set body = cast(replace(body, 'tb-1', 'tb-2') as blob) where seq = 9", 8),
        ("update facts set body = cast(cast(body as text) || ' ' as blob) where seq = 4", 3),
        ("update facts set kind = 'NotFound' where seq = 4", 3),
        ("update facts set at = at + 1 where seq = 5", 4),
        ("update facts set order_id = 'tb-2' where seq = 5", 4),
        ("update facts set order_id = null where seq = 5", 4),
        ("update facts set chain = chain + 1 where seq = 5", 4),
        ("update facts set seq = 0 where seq = 1", 0),
        ("update facts set seq = -seq where seq = 6", 0),
        ("insert into facts select 0, at, kind, order_id, body, chain from facts where seq = 1", 0),
    ],
)
def test_rows_that_another_program_touched_are_found(tmp_path, statement, good):
    """A fact that was deleted, changed or put in is an error that names the last good one."""
    path = written(tmp_path / "j", 20)
    by_hand(path, statement)

    with Journal(path) as journal, pytest.raises(JournalError, match=f"facts 1 to {good} are good"):
        list(journal.entries())


def test_a_row_that_another_program_added_is_found(tmp_path):
    """A fact behind the end lacks the right check-sum; the facts before it are still read."""
    path = written(tmp_path / "j", 20)
    by_hand(path, "insert into facts select 21, at, kind, order_id, body, chain from facts where seq = 20")

    with Journal(path) as journal:
        entries = journal.entries()
        good = [next(entries).fact for _ in range(20)]
        with pytest.raises(JournalError, match="fact 21 is damaged or missing; facts 1 to 20 are good"):
            next(entries)
    assert [EXAMPLES[number] for number in range(20)] == good


def test_a_table_that_is_gone_is_an_error(tmp_path):
    """A journal without its table of facts, or without its seal, cannot be read."""
    path = written(tmp_path / "j")
    by_hand(path, "delete from seal")
    with pytest.raises(JournalError, match="it has 0 seals, expected 1"):
        Journal(path)
    by_hand(path, "drop table facts")

    with pytest.raises(JournalError, match="cannot be read: no such table: facts"):
        Journal(path)


def test_a_torn_log_gives_a_prefix(tmp_path):
    """Wherever the write-ahead log breaks off, whole commits from the beginning are read, and writing can go on."""
    path = left_open(tmp_path / "j", 30)
    file, log = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    counts = set()
    for length in [*range(0, len(log), 391), *range(len(log) - 20, len(log) + 1)]:
        path.write_bytes(file)
        Path(f"{path}-wal").write_bytes(log[:length])
        with Journal(path) as journal:
            count = len(journal)
            assert [EXAMPLES[number % len(EXAMPLES)] for number in range(count)] == [e.fact for e in journal.entries()]
            append(journal, 2, per_commit=1)
        assert count + 2 == len(read(path))
        counts.add(count)

    assert set(range(0, 31, 3)) == counts


def test_a_flipped_byte_in_the_log_gives_a_prefix(tmp_path):
    """A damaged commit in the write-ahead log ends it there."""
    path = left_open(tmp_path / "j", 30)
    file, log = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    for offset in range(0, len(log), 997):
        damaged = bytearray(log)
        damaged[offset] ^= 0xFF
        path.write_bytes(file)
        Path(f"{path}-wal").write_bytes(damaged)
        found = [entry.fact for entry in read(path)]
        assert len(found) % 3 == 0
        assert [EXAMPLES[number % len(EXAMPLES)] for number in range(len(found))] == found


@pytest.mark.parametrize("after", [0, 12])
def test_a_torn_log_costs_nothing_from_before_the_checkpoint(tmp_path, monkeypatch, after):
    """What was folded into the file stays, wherever the log behind it breaks off."""
    monkeypatch.setattr(journal_module, "_CHECKPOINT_AFTER", 30)
    path = left_open(tmp_path / "j", 30 + after)
    file, log = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    counts = set()
    for length in range(0, len(log) + 1, 1013):
        path.write_bytes(file)
        Path(f"{path}-wal").write_bytes(log[:length])
        found = [entry.fact for entry in read(path)]
        counts.add(len(found))
        assert [EXAMPLES[number % len(EXAMPLES)] for number in range(len(found))] == found

    assert (30, after > 0) == (min(counts), max(counts) > 30)


def test_what_a_killed_process_left_is_sealed_by_the_next(tmp_path):
    """After an unclean stop the next one who closes the journal vouches for its end."""
    path = left_open(tmp_path / "j", 30)
    read(path)
    by_hand(path, "delete from facts where seq = 30")

    with pytest.raises(JournalError, match="fact 30 had been written"):
        Journal(path)


def test_a_file_that_was_emptied_is_not_begun_anew_over_its_log(tmp_path):
    """An empty or missing file whose write-ahead log still holds facts is refused, and the log stays."""
    path = left_open(tmp_path / "j", 30)
    log = Path(f"{path}-wal").read_bytes()
    path.write_bytes(b"")
    with pytest.raises(JournalError, match="missing or empty, but j-wal still holds its last facts; left untouched"):
        Journal(path)
    path.unlink()

    with pytest.raises(JournalError, match="missing or empty"):
        Journal(path)
    assert log == Path(f"{path}-wal").read_bytes()


def test_a_refused_second_journal_does_not_unlock_the_first(tmp_path):
    """Trying to open a journal twice in one process leaves it locked against other processes."""
    path = tmp_path / "j"
    with Journal(path):
        with pytest.raises(JournalError):
            Journal(path)
        ran = opened_elsewhere(path)

    assert "another process has it open" in ran.stderr


def test_who_stops_reading_half_way_keeps_nothing_locked(tmp_path, monkeypatch):
    """A journal can be written, folded and closed while somebody has not read it to its end."""
    monkeypatch.setattr(journal_module, "_CHECKPOINT_AFTER", 5)
    journal = Journal(tmp_path / "j")
    append(journal, 4)
    reading = journal.entries()
    next(reading)
    append(journal, 4)
    journal.close()

    assert 8 == len(read(tmp_path / "j"))
    reading.close()


def test_long_journals_are_read_in_order(tmp_path):
    """More facts than are fetched at a time come back whole and in order."""
    with Journal(tmp_path / "j") as journal:
        append(journal, 2500, per_commit=700)

    assert list(range(1, 2501)) == [entry.seq for entry in read(tmp_path / "j")]
