"""客户端的缓存：各种数据各晚各的，晚到的旧样子不盖新的，断线时停住。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from terminal_desk import SELL, DeskClient, desk_client

from easytrader.sim.terminal.client import objects
from easytrader.sim.terminal.client.cache import ACCOUNT, DEAL, ORDER, POSITION, Cache
from easytrader.sim.terminal.client.manners import MANNERS

if TYPE_CHECKING:
    from pathlib import Path

A = ("1", 2)


def order(number: int, status: int = 50, traded: int = 0) -> dict[str, Any]:
    return {"_order_id": number, "m_nOrderStatus": status, "m_nVolumeTraded": traded}


def shown(cache: Cache) -> list[tuple[int, int]]:
    return [(row.m_nOrderStatus, row.m_nVolumeTraded) for row in cache.objects_of(A, ORDER)]


def test_rows_appear_when_due_and_in_order() -> None:
    cache = Cache(objects.make)
    cache.put(A, ORDER, order(1), 5.0)
    assert cache.put(A, ORDER, order(2), 3.0) == 5.0  # 后来的不插到前面
    assert cache.apply(4.9) == 5.0
    assert shown(cache) == []
    assert cache.apply(5.0) == float("inf")
    assert shown(cache) == [(50, 0), (50, 0)]


def test_an_older_look_never_returns() -> None:
    cache = Cache(objects.make)
    for each in (order(1, 50), order(1, 55, 200), order(1, 50), order(1, 51, 200), order(1, 55)):
        cache.put(A, ORDER, each, 0.0)
    cache.apply(0.0)
    assert shown(cache) == [(51, 200)]
    cache.load(A, ORDER, [order(1, 50), order(2, 50)])
    assert shown(cache) == [(51, 200), (50, 0)]
    cache.load(A, ORDER, [order(2, 50)])  # 取的时候还没有的，推送里有过：不丢
    assert sorted(shown(cache)) == [(50, 0), (51, 200)]


def test_a_list_given_out_does_not_change() -> None:
    cache = Cache(objects.make)
    cache.load(A, ORDER, [order(1)])
    before = cache.objects_of(A, ORDER)
    cache.put(A, ORDER, order(1, 56, 100), 0.0)
    cache.apply(0.0)
    assert before[0].m_nOrderStatus == 50
    assert shown(cache) == [(56, 100)]
    cache.objects_of(A, ORDER).clear()
    assert shown(cache) == [(56, 100)]


def test_a_frozen_cache_stands_still() -> None:
    cache = Cache(objects.make)
    cache.put(A, ORDER, order(1), 1.0)
    cache.frozen = True
    assert cache.apply(9.0) == float("inf")
    assert shown(cache) == []
    cache.frozen = False
    cache.apply(9.0)
    assert shown(cache) == [(50, 0)]


def test_kinds_lag_apart(tmp_path: Path) -> None:
    """委托看得见了，钱还没有冻结，持仓还是原来的。"""
    manners = MANNERS["instant"].changed(account_lag_s=3.0, position_lag_s=6.0, deal_lag_s=1.0)
    with desk_client(tmp_path, manners, sim={"profile": "instant"}) as client:
        cash = client.rows(ACCOUNT)[0].m_dAvailable
        client.order(200, round(client.last * 0.99, 2), op=SELL)
        client.wait()
        assert [row.m_nOrderStatus for row in client.rows(ORDER)] == [56]
        looks = []
        for _ in range(8):
            [held] = client.rows(POSITION)
            looks.append((len(client.rows(DEAL)), held.m_nVolume, client.rows(ACCOUNT)[0]))
            client.wait(1.0)
        found = [(deals, volume, row.m_dAvailable > cash) for deals, volume, row in looks]
        assert found[0] == (0, 1000, False)
        assert found[1][0] == 1
        assert (found[2], found[3][2]) == ((1, 1000, False), True)
        assert found[5][1:] == (1000, True)
        assert found[6][1:] == (800, True)


def test_what_nobody_reads_is_not_asked_for(tmp_path: Path) -> None:
    """没有推送的变化（行情）也看得到：有人看的，一秒取一次。"""
    with desk_client(tmp_path) as client:
        asked: list[str] = []
        plain = client.terminal.link.ask

        def ask(verb: str, **args: Any) -> Any:
            asked.append(args.get("kind", verb))
            return plain(verb, **args)

        client.terminal.link.ask = ask
        client.terminal.advance(10.0)
        assert ACCOUNT not in asked
        for _ in range(50):
            client.rows(ACCOUNT)
            client.terminal.advance(0.1)
        assert 3 <= asked.count(ACCOUNT) <= 6


def test_a_second_client_starts_with_what_happened_before(tmp_path: Path) -> None:
    with desk_client(tmp_path, sim={"profile": "instant"}) as first:
        first.order(200, round(first.last * 0.99, 2), op=SELL, tag="~before~")
        first.wait()
        assert len(first.rows(DEAL)) == 1
        second = DeskClient(first.host, MANNERS["lagging"])
        second.terminal.link.ask = lambda *_, **__: pytest.fail("登录时就取来了，不占策略的线程")
        try:
            [row] = second.rows(ORDER)
            assert (row.m_strRemark, row.m_strOrderSysID) == ("~before~", "1")
            assert len(second.rows(DEAL)) == 1
            assert second.seen == []  # 以前的事不再回调
            del second.terminal.link.ask
        finally:
            second.terminal.stop()


def test_a_new_day_forgets(tmp_path: Path) -> None:
    with desk_client(tmp_path) as client:
        client.order(100, client.last)
        client.wait()
        assert client.rows()
        client.desk.new_day()
        assert len(client.rows()) == 1  # 柜台还没有换日：重新取来的
        assert len(client.rows(ACCOUNT)) == 1
