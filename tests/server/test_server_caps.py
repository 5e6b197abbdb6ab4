"""令牌的限额：算得对、抢不破、杀不丢、拨不动时钟，只有没发出的才退。"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from easytrader.backend.records import OrderRequest
from easytrader.codes import OrderType, PriceType
from easytrader.errors import QueryFailedError, RiskRefusedError
from easytrader.market.symbols import parse_security
from easytrader.risk import Guard, GuardPost, Meter
from easytrader.server.caps import Caps, TokenGate
from easytrader.server.stop import StopSwitch
from easytrader.server.tokens import Grant
from easytrader.wire import verbs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.basics.numbers import Number

NOON = 1_796_011_200.0  # 2026-11-30 12:00 北京时间
HOUR = 3600.0
DEADLINE = 1e12


class Clock:
    now = NOON

    def __call__(self) -> float:
        return self.now


class View:
    """行情：给异常就抛。"""

    def __init__(self, top: Any = None, last: Any = None) -> None:
        self.top, self.last = top, last

    def multiplier(self, stock_code: str) -> int:
        return 1

    def limit_up(self, stock_code: str) -> Number | None:
        return self._give(self.top)

    def last_price(self, stock_code: str) -> float | None:
        return self._give(self.last)

    def total_asset(self) -> Number:
        raise AssertionError("不该问")

    @staticmethod
    def _give(value: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        return value


def grant(**given: Any) -> Grant:
    given = {
        key: Decimal(value) if key.startswith("max") else value for key, value in given.items()
    }
    return Grant("0a0a0a0a", "alice", ("trade",), **given)


def order(
    code: str = "600036", volume: Any = 100, price: Any = 10.0, **changes: Any
) -> OrderRequest:
    kind = PriceType.LATEST if price == 0 else PriceType.FIX
    made = OrderRequest(parse_security(code), OrderType.BUY, volume, kind, price, "", "", "tag")
    return made._replace(**changes)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "带 空格" / "caps.sqlite"


@pytest.fixture
def caps(file: Path, clock: Clock) -> Iterator[Caps]:
    found = Caps(file, clock)
    yield found
    found.close()


@pytest.fixture
def stop(tmp_path: Path) -> StopSwitch:
    return StopSwitch(tmp_path / "stopped.json")


def gate(
    caps: Caps, stop: StopSwitch, held: Grant, request: str = "r", guard: Any = None
) -> TokenGate:
    return TokenGate(caps, stop, held, "main", request, guard)


def refused(work: Any, *given: Any) -> RiskRefusedError:
    with pytest.raises(RiskRefusedError, match="什么都没有发出") as caught:
        work(*given)
    return caught.value


# ---- 一天的额度


def test_a_day_adds_up_to_the_last_fen(caps: Caps) -> None:
    held = grant(max_day="100")
    caps.reserve("a", held, "main", Decimal(60))
    caps.reserve("b", held, "other", Decimal("39.99"))
    error = refused(caps.reserve, "c", held, "main", Decimal("0.011"))
    assert (error.rule, error.limit) == ("token_max_day", 100.0)
    assert caps.spent(held) == Decimal("99.99")
    caps.reserve("d", held, "main", Decimal("0.01"))
    assert caps.spent(held) == 100


def test_less_than_a_fen_counts_as_one(caps: Caps) -> None:
    held = grant(max_day="0.02")
    caps.reserve("a", held, "main", Decimal("0.0001"))
    caps.reserve("b", held, "main", Decimal("0.0001"))
    refused(caps.reserve, "c", held, "main", Decimal("0.0001"))


def test_one_request_counts_once(caps: Caps) -> None:
    held = grant(max_day="100")
    for _ in range(3):
        caps.reserve("a", held, "main", Decimal(60))
    assert caps.spent(held) == 60


def test_given_back_once(caps: Caps) -> None:
    held = grant(max_day="100")
    caps.reserve("a", held, "main", Decimal(60))
    caps.reserve("b", held, "main", Decimal(30))
    for _ in range(3):
        caps.give_back("a")
    caps.give_back("没有占过")
    assert caps.spent(held) == 30
    caps.reserve("a", held, "main", Decimal(70))  # 退了的可以再占
    assert caps.spent(held) == 100


def test_tokens_do_not_share(caps: Caps) -> None:
    one, other = grant(max_day="100"), Grant("0b0b0b0b", "bob", ("trade",), max_day=Decimal(100))
    caps.reserve("a", one, "main", Decimal(100))
    caps.reserve("b", other, "main", Decimal(100))
    refused(caps.reserve, "c", other, "main", Decimal(1))


def test_no_daily_limit_writes_nothing(caps: Caps, file: Path) -> None:
    caps.reserve("a", grant(max_order="1"), "main", Decimal(10**9))
    caps.give_back("a")
    assert caps.spent(grant()) == 0
    assert not file.exists()


def test_a_new_beijing_day_starts_from_zero(caps: Caps, clock: Clock) -> None:
    held = grant(max_day="100")
    caps.reserve("a", held, "main", Decimal(100))
    clock.now += 12 * HOUR - 1  # 23:59:59
    refused(caps.reserve, "b", held, "main", Decimal(1))
    clock.now += 1
    caps.reserve("b", held, "main", Decimal(100))
    caps.give_back("a")  # 退的是昨天的
    refused(caps.reserve, "c", held, "main", Decimal(1))


def test_setting_the_clock_back_frees_nothing(caps: Caps, clock: Clock) -> None:
    held = grant(max_day="100")
    caps.reserve("a", held, "main", Decimal(100))
    clock.now -= 24 * HOUR
    refused(caps.reserve, "b", held, "main", Decimal(1))


def test_a_wild_clock_does_not_forget_today(caps: Caps, clock: Clock) -> None:
    held = grant(max_day="100")
    caps.reserve("a", held, "main", Decimal(90))
    clock.now += 1000 * 24 * HOUR
    caps.reserve("b", held, "main", Decimal(5))
    clock.now = NOON
    refused(caps.reserve, "c", held, "main", Decimal(6))


def test_old_days_are_dropped(caps: Caps, clock: Clock) -> None:
    held = grant(max_day="100")
    for number in range(60):
        caps.reserve(f"r{number}", held, "main", Decimal(1))
        clock.now += 24 * HOUR
    assert caps._db is not None
    days = caps._db.execute("SELECT count(*) FROM spent").fetchone()[0]
    rows = caps._db.execute("SELECT count(*) FROM taken").fetchone()[0]
    assert days == rows
    assert 40 <= days <= 42


def test_a_restart_remembers(caps: Caps, file: Path, clock: Clock) -> None:
    held = grant(max_day="100")
    caps.reserve("a", held, "main", Decimal(80))
    caps.close()
    again = Caps(file, clock)
    refused(again.reserve, "b", held, "main", Decimal(21))
    again.reserve("a", held, "main", Decimal(80))
    assert again.spent(held) == 80
    again.close()


def test_threads_at_the_edge(caps: Caps) -> None:
    held = grant(max_day="100")
    went: list[int] = []
    start = threading.Barrier(8)

    def work(name: int) -> None:
        start.wait(30)
        for number in range(5):
            try:
                caps.reserve(f"{name}-{number}", held, "main", Decimal(7))
            except RiskRefusedError:
                continue
            went.append(7)

    threads = [threading.Thread(target=work, args=(each,)) for each in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sum(went) == 98
    assert caps.spent(held) == 98


_RACE = """
import sys
from decimal import Decimal
from easytrader.errors import RiskRefusedError
from easytrader.server.caps import Caps
from easytrader.server.tokens import Grant

held = Grant("0a0a0a0a", "alice", ("trade",), max_day=Decimal(1000))
caps = Caps(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(150):
    try:
        caps.reserve(f"{sys.argv[2]}-{number}", held, "main", Decimal(7))
    except RiskRefusedError as exc:
        assert exc.actual is not None, exc  # 是不够了，不是记不下来
    else:
        print("sent", flush=True)  # 这里才发出
print("end", flush=True)
sys.stdin.readline()
"""


def _racers(file: Path, names: str) -> list[subprocess.Popen[str]]:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _RACE, str(file), each],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        for each in names
    ]
    for each in running:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    return running


def _go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_processes_at_the_edge(file: Path) -> None:
    running = _racers(file, "abc")
    for each in running:
        _go(each)
    sent = "".join(each.communicate("\n", timeout=60)[0] for each in running).count("sent")
    assert [each.returncode for each in running] == [0, 0, 0]
    assert sent == 142
    caps = Caps(file)
    assert caps.spent(grant(max_day="1000")) == 994
    caps.close()


def test_killed_in_between_never_frees_anything(file: Path) -> None:
    """占住之后、发出前后被杀：额度都还占着。"""
    first, second = _racers(file, "ab")
    _go(first)
    assert first.stdout is not None
    for _ in range(5):
        assert first.stdout.readline() == "sent\n"
    first.kill()
    sent = 5 + first.communicate(timeout=60)[0].count("sent")
    _go(second)
    sent += second.communicate("\n", timeout=60)[0].count("sent")
    caps = Caps(file)
    assert 7 * sent <= caps.spent(grant(max_day="1000")) == 994
    caps.close()


def test_a_broken_file_refuses(caps: Caps, file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(b"not a database" * 1000)
    error = refused(caps.reserve, "a", grant(max_day="100"), "main", Decimal(1))
    assert error.rule == "token_max_day"
    caps.give_back("a")  # 不抛


def test_a_nonsense_sum_refuses(caps: Caps) -> None:
    held = grant(max_day="100")
    caps.reserve("a", held, "main", Decimal(1))
    assert caps._db is not None
    for nonsense in ("'x'", "-5", "1.5"):
        caps._db.execute(f"UPDATE spent SET fen = {nonsense}")
        assert "记不下来" in str(refused(caps.reserve, "b", held, "main", Decimal(1)))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows 上删不掉打开着的文件")
def test_a_file_taken_away_refuses(caps: Caps, file: Path) -> None:
    held = grant(max_day="100")
    caps.reserve("a", held, "main", Decimal(100))
    away = file.with_name("away")
    file.rename(away)
    assert "不在原处" in str(refused(caps.reserve, "b", held, "main", Decimal(1)))
    away.rename(file)
    refused(caps.reserve, "b", held, "main", Decimal(1))
    assert caps.spent(held) == 100


def test_a_file_held_by_another_program_refuses_in_time(
    caps: Caps, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    monkeypatch.setattr("easytrader.server.caps._PATIENCE_S", 0.1)
    held = grant(max_day="100")
    caps.reserve("a", held, "main", Decimal(1))
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert "占着" in str(refused(caps.reserve, "b", held, "main", Decimal(1)))
    holder.execute("ROLLBACK")
    holder.close()
    caps.reserve("b", held, "main", Decimal(1))


# ---- 关口：一笔委托值多少钱


VALUES: list[tuple[OrderRequest, View, str]] = [
    (order(price=10.1, volume=300), View(), "3030.0"),
    (order(price=0.1, volume=3), View(), "0.3"),  # 不是 0.30000000000000004
    (order("204001", 100, 1.5), View(), "10000"),  # 逆回购的价是利率：按本金
    (order(price=0), View(top=11.0, last=10.0), "1100"),  # 市价按涨停价
    (order(price=0), View(last=10.0), "1300"),  # 没有涨停价：再加三成
    (order(price=0), View(top=float("inf"), last=10.0), "1300"),
    (order(price=0), View(top=0, last=10.0), "1300"),
    (order(price=Decimal("0.00000001"), volume=Decimal("0.5")), View(), "0.000000005"),
    (order(price=0.0, money=250.5), View(), "250.5"),
]


@pytest.mark.parametrize(("request_", "view", "yuan"), VALUES)
def test_value(caps: Caps, stop: StopSwitch, request_: OrderRequest, view: View, yuan: str) -> None:
    exactly = Grant("0c", "c", ("trade",), max_order=Decimal(yuan))
    gate(caps, stop, exactly).admit(request_, view, DEADLINE)
    less = Grant("0d", "d", ("trade",), max_order=Decimal(yuan) * Decimal("0.999999"))
    error = refused(gate(caps, stop, less).admit, request_, view, DEADLINE)
    assert error.rule == "token_max_order"


UNKNOWN = [None, 0, -1.0, float("nan"), float("inf")]


@pytest.mark.parametrize("nothing", UNKNOWN)
def test_a_market_order_of_unknown_value_is_refused(
    caps: Caps, stop: StopSwitch, nothing: Any
) -> None:
    for held in (grant(max_order=10**9), grant(max_day=10**9)):
        error = refused(
            gate(caps, stop, held).admit, order(price=0), View(nothing, nothing), DEADLINE
        )
        assert error.rule.startswith("token_max_")
    gate(caps, stop, grant()).admit(order(price=0), View(nothing, nothing), DEADLINE)


def test_not_a_number_never_passes(caps: Caps) -> None:
    for value in (Decimal("NaN"), Decimal("Infinity")):
        with pytest.raises((RiskRefusedError, ArithmeticError)):
            caps.check_value(grant(max_order=10**9), value, "")
        with pytest.raises((RiskRefusedError, ArithmeticError)):
            caps.reserve("a", grant(max_day=10**9), "main", value)
    huge = Decimal("1e308")
    refused(caps.check_value, grant(max_order=10**15), huge, "")
    refused(caps.reserve, "a", grant(max_day=10**15), "main", huge)


def test_a_failing_quote_passes_its_own_error_on(caps: Caps, stop: StopSwitch) -> None:
    with pytest.raises(QueryFailedError):
        gate(caps, stop, grant(max_order=1)).admit(
            order(price=0), View(QueryFailedError("没有行情")), DEADLINE
        )


# ---- 关口：名单、先后、退回


@pytest.mark.parametrize("code", ["600000", "sh600000", "600000.SH", "600000.sh", " 600000 "])
def test_codes_are_checked_after_normalising(caps: Caps, stop: StopSwitch, code: str) -> None:
    error = refused(
        gate(caps, stop, grant(codes=("600036.SH",))).admit, order(code), View(), DEADLINE
    )
    assert (error.rule, error.actual, error.limit) == ("token_codes", "600000.SH", ["600036.SH"])
    gate(caps, stop, grant(codes=("600000.SH",))).admit(order(code), View(), DEADLINE)


def test_a_refusal_by_the_connection_s_own_guard_gives_back(
    caps: Caps, stop: StopSwitch, tmp_path: Path
) -> None:
    from easytrader.basics.log import Log

    held = grant(max_day="1000")
    meter = Meter.open(str(tmp_path / "meter.sqlite"))
    post = GuardPost(Guard(max_order_value=500), meter, Log())
    refused(gate(caps, stop, held, guard=post).admit, order(), View(), DEADLINE)
    assert caps.spent(held) == 0
    meter.close()


def test_the_stop_switch_comes_last_and_gives_back(caps: Caps, stop: StopSwitch) -> None:
    held = grant(max_day="1000")
    passing = gate(caps, stop, held)
    passing.admit(order(), View(), DEADLINE)
    assert caps.spent(held) == 1000
    stop.stop("main", "看不懂了", "bob")  # 委托排着队的时候按下
    assert refused(passing.last, order()).rule == "stop_switch"
    assert caps.spent(held) == 0
    passing.last(None)  # 撤单照常


def test_not_sent_gives_back_only_this_request(caps: Caps, stop: StopSwitch) -> None:
    held = grant(max_day="3000")
    one, other = gate(caps, stop, held, "a"), gate(caps, stop, held, "b")
    one.admit(order(), View(), DEADLINE)
    other.admit(order(), View(), DEADLINE)
    one.not_sent()
    assert caps.spent(held) == 1000


def test_looking_takes_nothing_and_tells_all(caps: Caps, stop: StopSwitch) -> None:
    held = grant(max_day="1500", max_order="900", codes=("51*",))
    looking = gate(caps, stop, held)
    stop.stop("main", "", "bob")
    rules = {each.rule for each in looking.look(order(volume=200), View())}
    assert rules == {"token_codes", "stop_switch", "token_max_order", "token_max_day"}
    assert caps.spent(held) == 0
    stop.allow("main", "bob")
    assert looking.look(order("510300", price=5.0), View()) == []
    caps.reserve("a", held, "main", Decimal(1200))
    assert [each.rule for each in looking.look(order("510300", price=5.0), View())] == [
        "token_max_day"
    ]
    unknown = looking.look(order("510300", price=0), View())
    assert [each.rule for each in unknown] == ["token_max_order"]


# ---- 动词


def test_a_limited_token_may_not_use_what_cannot_be_valued(caps: Caps) -> None:
    limits: list[dict[str, Any]] = [{"codes": ("600036.SH",)}, {"max_order": 1}, {"max_day": 1}]
    for limit in limits:
        gone = {each.name for each in verbs.TABLE if not _may(caps, grant(**limit), each)}
        moves = {each.name for each in verbs.TABLE if each.effect is verbs.Effect.MOVE}
        assert gone == moves | {"credit.direct_cash_repay", "credit.direct_cash_repay_async"}
        assert {"ipo.subscribe_all", "algo.order_async", "bank.transfer_out"} <= gone
    for verb in verbs.TABLE:
        caps.check_verb(grant(), verb)


def _may(caps: Caps, held: Grant, verb: verbs.Verb) -> bool:
    try:
        caps.check_verb(held, verb)
    except RiskRefusedError:
        return False
    return True


# ---- 随机的一串：占、退、重启、换天，与心算的一样


class _Book(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._clock = Clock()
        self._caps = self._open()
        self._model: dict[str, tuple[int, int]] = {}  # 请求号 → (哪一天, 多少分)
        self._held = grant(max_day="50")

    def _open(self) -> Caps:
        return Caps(f"{self._folder.name}/caps.sqlite", self._clock)

    def _spent(self) -> int:
        today = int(self._clock.now // 86400)
        return sum(fen for day, fen in self._model.values() if day >= today)

    @rule(request=st.sampled_from("abcdefgh"), fen=st.integers(1, 3000))
    def reserve(self, request: str, fen: int) -> None:
        fits = request in self._model or self._spent() + fen <= 5000
        try:
            self._caps.reserve(request, self._held, "main", Decimal(fen) / 100)
        except RiskRefusedError:
            assert not fits
        else:
            assert fits
            self._model.setdefault(request, (int(self._clock.now // 86400), fen))

    @rule(request=st.sampled_from("abcdefgh"))
    def give_back(self, request: str) -> None:
        self._caps.give_back(request)
        self._model.pop(request, None)

    @rule()
    def restart(self) -> None:
        self._caps.close()
        self._caps = self._open()

    @rule(days=st.sampled_from((-1, 1)))
    def move_the_clock(self, days: int) -> None:
        self._clock.now += 86400 * days

    @invariant()
    def adds_up(self) -> None:
        assert self._caps.spent(self._held) * 100 == self._spent()

    def teardown(self) -> None:
        self._caps.close()
        self._folder.cleanup()


TestBook = _Book.TestCase
TestBook.settings = settings(max_examples=30, stateful_step_count=30)
