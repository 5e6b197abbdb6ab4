"""恰好一次：占住、发出、记下结果；发过的认出来，说不清的先核对，被打断的不挡别人。"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from easytrader.backend.records import OrderRequest, SubmitAnswer
from easytrader.basics import tags
from easytrader.basics.log import Log
from easytrader.codes import OrderType, PriceType
from easytrader.errors import (
    ClosedError,
    JournalError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    RiskRefusedError,
    UsageError,
    WaitTimeoutError,
)
from easytrader.idempotency import Noted, Once
from easytrader.idempotency import submit as module
from easytrader.market.symbols import parse_security
from easytrader.orders import Receipt
from easytrader.records import storage as marks
from easytrader.records.memory import MemoryIntents, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCOUNT = "1000000365"


class Counter:
    """假的柜台：记下发来的每一笔。"""

    cache_lag_s = 0.02
    timeout_s = 5.0

    def __init__(self) -> None:
        self.orders_: list[Any] = []
        self.sent: list[OrderRequest] = []
        self.hidden = False

    def orders(self) -> list[Any]:
        return [] if self.hidden else list(self.orders_)

    def order(self, number: int) -> Any:
        return next((each for each in self.orders_ if each.order_id == number), None)

    def still_sending(self, tag: str) -> bool:
        return False

    @contextmanager
    def until(self, deadline: float | None) -> Iterator[None]:
        yield

    def accept(self, request: OrderRequest) -> SubmitAnswer:
        self.sent.append(request)
        number = 100 + len(self.sent)
        self.orders_.append(
            SimpleNamespace(
                order_id=number,
                order_remark=f"~{request.tag}~",
                stock_code=request.security.stock_code,
                order_type=int(request.order_type),
                order_volume=request.volume,
            )
        )
        return SubmitAnswer(number, "")

    def refuse(self, request: OrderRequest) -> SubmitAnswer:
        return SubmitAnswer(-1, "不收")

    def swallow(self, request: OrderRequest) -> SubmitAnswer:
        """到了柜台，应答丢了。"""
        self.accept(request)
        raise OutcomeUnknownError("没有应答", tag=request.tag)

    def lose(self, request: OrderRequest) -> SubmitAnswer:
        """没有到柜台，也没有应答。"""
        raise OutcomeUnknownError("没有应答", tag=request.tag)


def request_of(
    price: float = 33.0, volume: int = 100, code: str = "600036", side: int = OrderType.BUY
) -> Callable[[str], OrderRequest]:
    security = parse_security(code)

    def build(tag: str) -> OrderRequest:
        return OrderRequest(security, side, volume, PriceType.FIX, price, "", f"~{tag}~", tag)

    return build


class World:
    """几个 trader 共用一处记录、一个柜台。"""

    def __init__(self) -> None:
        self.counter = Counter()
        self.storage = MemoryStorage()
        self.here = self.trader()

    def trader(self, account: str = ACCOUNT) -> Once:
        return Once(self.storage, account, lambda: self.counter, Log())  # type: ignore[arg-type,return-value]

    def buy(
        self,
        name: str = "一",
        send: Any = None,
        once: Once | None = None,
        within: float = 5.0,
        **wish: Any,
    ) -> int:
        receipt: Receipt[SubmitAnswer] = Receipt(name, within)

        def start(request: OrderRequest, noted: Noted) -> None:
            answer = (send or self.counter.accept)(request)
            noted(answer, None)
            receipt.put(answer)

        try:
            handle, earlier = (once or self.here).submit(
                name, request_of(**wish), receipt, start, within
            )
        except BaseException as exc:
            receipt.fail(exc)
            raise
        if earlier is not None:
            return earlier.order_id
        try:
            return int(handle.value(within).order_id)
        except WaitTimeoutError as exc:
            raise OutcomeUnknownError("另一个线程正在发") from exc

    def state(self, name: str = "一") -> str:
        return self.storage._intents.rows[name].state


@pytest.fixture
def world() -> World:
    return World()


class TestOnce:
    def test_the_second_call_sends_nothing(self, world: World) -> None:
        number = world.buy()
        assert world.buy() == world.buy(once=world.trader()) == number
        assert len(world.counter.sent) == 1
        assert world.state() == marks.PLACED
        assert world.counter.sent[0].tag == tags.tag_for(ACCOUNT, "一")

    @pytest.mark.parametrize(
        "change", [{"price": 33.01}, {"volume": 200}, {"code": "600000"}, {"side": OrderType.SELL}]
    )
    def test_another_wish_under_the_same_id(self, world: World, change: dict[str, Any]) -> None:
        world.buy()
        with pytest.raises(UsageError):
            world.buy(**change)
        assert len(world.counter.sent) == 1
        assert world.state() == marks.PLACED

    @pytest.mark.parametrize(
        "error",
        [
            NotConnectedError("断了"),
            ClosedError("关了"),
            RiskRefusedError("不许", rule="x"),
            UsageError("price", 1, "不对"),
        ],
    )
    def test_not_sent_can_be_sent_again_with_another_wish(
        self, world: World, error: Exception
    ) -> None:
        def stopped(request: OrderRequest) -> SubmitAnswer:
            raise error

        with pytest.raises(type(error)):
            world.buy(send=stopped)
        assert world.state() == marks.UNSENT
        assert world.buy(price=34.0) > 0
        assert world.storage._intents.rows["一"].attempt == 2

    def test_refused_can_be_sent_again(self, world: World) -> None:
        assert world.buy(send=world.counter.refuse) == -1
        assert world.state() == marks.REFUSED
        assert world.buy() > 0
        assert world.state() == marks.PLACED

    def test_a_lost_answer_is_found_by_its_tag(self, world: World) -> None:
        with pytest.raises(OutcomeUnknownError) as caught:
            world.buy(send=world.counter.swallow)
        assert caught.value.client_order_id == "一"
        assert world.state() == marks.UNKNOWN
        assert len(world.here.doubts) == 1
        assert world.buy() == 101
        assert len(world.counter.sent) == 1
        assert world.state() == marks.PLACED
        assert len(world.here.doubts) == 0

    def test_a_lost_order_is_sent_again_after_two_looks(self, world: World) -> None:
        with pytest.raises(OutcomeUnknownError):
            world.buy(send=world.counter.lose)
        assert world.buy() == 101
        assert world.storage._intents.rows["一"].attempt == 2

    def test_not_settled_in_time_sends_nothing(self, world: World) -> None:
        with pytest.raises(OutcomeUnknownError):
            world.buy(send=world.counter.lose)
        world.counter.cache_lag_s = 60.0
        with pytest.raises(OutcomeUnknownError, match="什么都没有发出"):
            world.buy(within=0.05)
        assert world.counter.sent == []

    def test_settled_with_no_time_left_sends_nothing(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(OutcomeUnknownError):
            world.buy(send=world.counter.lose)
        monkeypatch.setattr(module, "_LEAST_SEND_S", 60.0)
        with pytest.raises(NotConnectedError, match="请再来一次"):
            world.buy()
        assert world.counter.sent == []
        assert world.state() == marks.UNSENT

    def test_on_the_counter_already_it_is_not_sent(self, world: World) -> None:
        """记录丢了，或是别的机器下的：标记在柜台上。"""
        number = world.buy()
        world.storage._intents.rows.clear()
        world.here.doubts.met(tags.tag_for(ACCOUNT, "一"), number)
        assert world.buy() == number
        assert len(world.counter.sent) == 1
        assert world.state() == marks.PLACED

    @pytest.mark.parametrize("change", [{"volume": 200}, {"code": "600000"}, {"side": 24}])
    def test_on_the_counter_but_another_wish(self, world: World, change: dict[str, Any]) -> None:
        number = world.buy()
        world.storage._intents.rows.clear()
        world.here.doubts.met(tags.tag_for(ACCOUNT, "一"), number)
        with pytest.raises(UsageError, match="柜台上带这个 id 的是委托"):
            world.buy(**change)
        assert len(world.counter.sent) == 1

    def test_the_record_cannot_be_written(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*args: Any) -> None:
            raise JournalError("磁盘满了")

        monkeypatch.setattr(MemoryIntents, "begin", broken)
        with pytest.raises(JournalError):
            world.buy()
        assert world.counter.sent == []
        assert len(world.here.doubts) == 0
        assert world.here._busy == {}


class TestManyAtOnce:
    def test_threads_and_traders(self, world: World) -> None:
        traders = [world.trader() for _ in range(3)]
        gate = threading.Barrier(12)
        numbers: list[int] = []

        def go(once: Once) -> None:
            gate.wait()
            numbers.append(world.buy(once=once))

        threads = [threading.Thread(target=go, args=(traders[n % 3],)) for n in range(12)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(30)
        assert numbers == [101] * 12
        assert all(once._busy == {} for once in traders)

    def test_a_launch_waits_for_the_one_that_is_claiming(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        claimed, free = threading.Event(), threading.Event()
        real = MemoryIntents.begin

        def slow(*args: Any) -> Any:
            found = real(*args)
            if not claimed.is_set():
                claimed.set()
                free.wait(30)
            return found

        monkeypatch.setattr(MemoryIntents, "begin", slow)
        started: list[OrderRequest] = []

        def start(request: OrderRequest, landed: Any) -> None:
            started.append(request)
            landed(world.counter.accept(request), None)

        first = threading.Thread(
            target=world.here.submit, args=("一", request_of(), "把手", start, 5.0)
        )
        first.start()
        claimed.wait(30)
        with pytest.raises(OutcomeUnknownError, match="正在发"):
            world.here.submit("一", request_of(), "另一个", start, 0.2)
        free.set()
        first.join(30)
        assert len(started) == 1

    def test_a_free_id_another_program_takes_first(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.buy(send=world.counter.refuse)
        other, real = world.trader(), MemoryIntents.reopen

        def beaten(*args: Any) -> bool:
            monkeypatch.setattr(MemoryIntents, "reopen", real)
            assert world.buy(once=other) == 101
            return real(*args)

        monkeypatch.setattr(MemoryIntents, "reopen", beaten)
        assert world.buy() == 101
        assert len(world.counter.sent) == 1

    def test_others_wait_for_the_one_who_is_sending(self, world: World) -> None:
        sending, free = threading.Event(), threading.Event()

        def slow(request: OrderRequest) -> SubmitAnswer:
            sending.set()
            free.wait(30)
            return world.counter.accept(request)

        first = threading.Thread(target=world.buy, args=("一", slow))
        first.start()
        sending.wait(30)
        other = world.trader()
        for once in (world.here, other):
            with pytest.raises(OutcomeUnknownError, match="正在发"):
                world.buy(once=once, within=0.1)
            with pytest.raises(QueryFailedError, match="正在发"):
                once.find("一", 0.1)
        free.set()
        first.join(30)
        assert world.buy(once=other) == world.buy() == 101
        assert len(world.counter.sent) == 1

    def test_of_the_dead_it_is_settled(self, world: World) -> None:
        def dies(request: OrderRequest) -> SubmitAnswer:
            world.counter.accept(request)
            world.here._records.close()
            raise SystemExit

        with pytest.raises(SystemExit):
            world.buy(send=dies)
        rows = world.storage._intents.rows
        rows["一"] = rows["一"]._replace(state=marks.SENDING)  # 没来得及记下
        assert world.buy(once=world.trader()) == 101
        assert len(world.counter.sent) == 1


class TestInterrupted:
    @pytest.mark.parametrize("arrived", [True, False])
    def test_while_sending(self, world: World, arrived: bool) -> None:
        def struck(request: OrderRequest) -> SubmitAnswer:
            if arrived:
                world.counter.accept(request)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            world.buy(send=struck)
        assert world.state() == marks.UNKNOWN
        assert len(world.here.doubts) == 1
        assert world.buy() == 101
        assert len(world.counter.sent) == 1

    @pytest.mark.parametrize("step", ["begin", "reopen"])
    def test_just_after_the_claim(
        self, world: World, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        """记下了、还没有发：别的线程、别的 trader 核对过照样能发。"""
        if step == "reopen":
            world.buy(send=world.counter.refuse)
        real = getattr(MemoryIntents, step)

        def struck(*args: Any) -> Any:
            real(*args)
            monkeypatch.setattr(MemoryIntents, step, real)
            raise KeyboardInterrupt

        monkeypatch.setattr(MemoryIntents, step, struck)
        with pytest.raises(KeyboardInterrupt):
            world.buy()
        assert world.state() == marks.UNKNOWN
        assert world.here._busy == {}
        assert world.buy(once=world.trader()) == 101
        assert world.buy() == 101
        assert len(world.counter.sent) == 1

    def test_while_waiting_for_another(self, world: World) -> None:
        """等着的被打断：不能把正在发的那个的名额放掉。"""
        world.here._busy["一"] = 1
        world.here._records.wait = _struck  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            world.buy()
        assert world.here._busy == {"一": 1}


def _struck(*args: Any) -> None:
    raise KeyboardInterrupt


class Flight:
    """异步的一笔：什么时候落地由测试定。"""

    def __init__(self, world: World) -> None:
        self.world = world
        self.land: Any = None
        self.request: Any = None
        self.receipt: Receipt[SubmitAnswer] = Receipt("把手", 5.0)

    def start(self, request: OrderRequest, landed: Any) -> None:
        self.request, self.land = request, landed

    def submit(self, **wish: Any) -> Any:
        return self.world.here.submit("一", request_of(**wish), self.receipt, self.start, 5.0)


class TestInTheAir:
    def test_in_the_air_it_is_the_same_handle(self, world: World) -> None:
        flight = Flight(world)
        assert flight.submit().handle is flight.receipt
        found = world.here.submit("一", request_of(), "另一个", flight.start, 5.0)
        assert found.handle is flight.receipt
        with pytest.raises(UsageError):
            flight.submit(volume=200)
        with pytest.raises(OutcomeUnknownError, match="正在发"):
            world.buy(within=0.05)
        flight.land(world.counter.accept(flight.request), None)
        assert world.here._busy == {}
        assert world.state() == marks.PLACED
        assert world.buy() == 101
        earlier = flight.submit().earlier
        assert earlier.order_id == 101
        assert world.here._busy == {}

    @pytest.mark.parametrize(
        ("answer", "error", "state"),
        [
            (SubmitAnswer(-1, "不收"), None, marks.REFUSED),
            (None, NotConnectedError("断了"), marks.UNSENT),
            (None, OutcomeUnknownError("没有应答"), marks.UNKNOWN),
        ],
    )
    def test_landings(self, world: World, answer: Any, error: Any, state: str) -> None:
        flight = Flight(world)
        flight.submit()
        flight.land(answer, error)
        assert world.state() == state
        assert world.here._busy == {}
        assert len(world.here.doubts) == (state == marks.UNKNOWN)
        if state == marks.UNKNOWN:
            assert error.client_order_id == "一"
            flight.land(world.counter.accept(flight.request), None)  # 晚来的应答
            assert world.state() == marks.PLACED

    @pytest.mark.parametrize(
        ("error", "state"),
        [(NotConnectedError("断了"), marks.UNSENT), (KeyboardInterrupt(), marks.UNKNOWN)],
    )
    def test_it_could_not_start(self, world: World, error: BaseException, state: str) -> None:
        def start(request: OrderRequest, landed: Any) -> None:
            raise error

        with pytest.raises(type(error)):
            world.here.submit("一", request_of(), "把手", start, 5.0)
        assert world.state() == state
        assert world.here._busy == {}
        assert world.buy() == 101


class TestFind:
    def test_by_id_and_by_tag(self, world: World) -> None:
        world.buy()
        tag = tags.tag_for(ACCOUNT, "一")
        for name in ("一", tag):
            found = world.here.find(name, 1.0)
            assert found is not None
            assert found.order_id == 101

    def test_never_sent(self, world: World) -> None:
        assert world.here.find("没有过", 5.0) is None
        assert world.here.find("没有过", 5.0) is None

    def test_not_clear_in_time_is_not_none(self, world: World) -> None:
        world.counter.cache_lag_s = 60.0
        with pytest.raises(QueryFailedError, match="核对不清楚"):
            world.here.find("没有过", 0.05)

    def test_of_the_dead_one_look_is_not_enough(self, world: World) -> None:
        """发的程序没了，还没有接过来对账：第一眼没有不等于没有。"""
        dead = world.trader()
        with pytest.raises(OutcomeUnknownError):
            world.buy(once=dead, send=world.counter.lose)
        rows = world.storage._intents.rows
        rows["一"] = rows["一"]._replace(state=marks.SENDING)
        dead.close()
        world.counter.cache_lag_s = 60.0
        with pytest.raises(QueryFailedError, match="核对不清楚"):
            world.here.find("一", 0.05)

    def test_sent_again_by_another_program_meanwhile(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """核对出没有的那一刻，别的程序又发了一次：说有。"""
        with pytest.raises(OutcomeUnknownError):
            world.buy(send=world.counter.lose)
        other, real = world.trader(), world.here.doubts.settle

        def settled(*args: Any, **how: Any) -> Any:
            verdict = real(*args, **how)
            world.buy(once=other)
            return verdict

        monkeypatch.setattr(world.here.doubts, "settle", settled)
        found = world.here.find("一", 5.0)
        assert found is not None
        assert found.order_id == 101

    def test_refused_is_none(self, world: World) -> None:
        world.buy(send=world.counter.refuse)
        assert world.here.find("一", 1.0) is None

    def test_placed_but_not_listed_is_not_none(self, world: World) -> None:
        world.buy()
        world.counter.hidden = True
        with pytest.raises(QueryFailedError, match="还查不到"):
            world.here.find("一", 0.1)

    def test_placed_yesterday_is_not_none(self, world: World) -> None:
        world.buy()
        world.counter.hidden = True
        rows = world.storage._intents.rows
        rows["一"] = rows["一"]._replace(created=time.time() - 2 * 86400)
        with pytest.raises(QueryFailedError, match="已经查不到它"):
            world.here.find("一", 30.0)

    @pytest.mark.parametrize("arrived", [True, False])
    def test_a_doubt_is_settled(self, world: World, arrived: bool) -> None:
        with pytest.raises(OutcomeUnknownError):
            world.buy(send=world.counter.swallow if arrived else world.counter.lose)
        found = world.here.find("一", 5.0)
        assert (found is not None) is arrived
        assert world.state() == (marks.PLACED if arrived else marks.ABSENT)

    def test_a_doubt_without_an_id(self, world: World) -> None:
        world.here.doubts.add("abcdefghi", None)
        assert world.here.find("abcdefghi", 5.0) is None
        assert len(world.here.doubts) == 0

    def test_a_doubt_of_yesterday(self, world: World) -> None:
        with pytest.raises(OutcomeUnknownError):
            world.buy(send=world.counter.lose)
        tag = tags.tag_for(ACCOUNT, "一")
        world.here.doubts._days[tag] = "2000-01-01"
        with pytest.raises(QueryFailedError, match="不是今天发的"):
            world.here.find("一", 5.0)
        with pytest.raises(OutcomeUnknownError, match="换一个 client_order_id"):
            world.buy()
        world.here.doubts.finish(time.monotonic() + 5)
        for name in ("一", tag):
            with pytest.raises(QueryFailedError, match="不是今天发的"):
                world.here.find(name, 5.0)


class TestClose:
    def test_after_it_nothing_is_sent(self, world: World) -> None:
        world.buy()
        world.here.close()
        world.here.close()
        with pytest.raises(ClosedError):
            world.buy("二")
        assert len(world.counter.sent) == 1

    def test_an_owner_is_gone_after_close(self, world: World) -> None:
        world.buy()
        owner = world.here._records.open()[1]
        other = world.trader()
        assert other._records.open()[1].is_alive(owner.name)
        world.here.close()
        assert not other._records.open()[1].is_alive(owner.name)
