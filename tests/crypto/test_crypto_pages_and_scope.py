"""翻页两头都到、别的程序记的交易对也看、写错的不碍事、先发后断的不算没有发出：都不用 ccxt。"""

from __future__ import annotations

import math
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from easytrader.crypto import table
from easytrader.crypto.client import CallFailedError, Wire
from easytrader.crypto.ledger import Ledger
from easytrader.crypto.session import CryptoSession

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.crypto.session import Desk


class Book:
    """一家交易所的委托历史，一页最多 ``most`` 笔：``oldest`` 的给最早的，不然给最近的。"""

    def __init__(self, count: int, most: int, *, oldest: bool, apart: int = 1) -> None:
        self.rows: list[dict[str, Any]] = [
            {"id": str(n), "symbol": "A/B", "timestamp": 1000 + n * apart} for n in range(count)
        ]
        self.most, self.oldest, self.step = most, oldest, 1
        features = {"spot": {"fetchOrders": {"limit": most, "symbolRequired": True}}}
        self.exchange = SimpleNamespace(features=features, has={})

    def call(
        self, _: str, symbol: str, since: int, limit: int, params: Any, *, until: float
    ) -> list[Any]:
        last = params.get("until", 10**15) // self.step * self.step
        since = since // self.step * self.step
        found = [each for each in self.rows if since <= each["timestamp"] <= last]
        return found[:limit] if self.oldest else found[-limit:]

    def close(self) -> None: ...


def session_on(client: Any, ledger: Ledger, pages: str = "until") -> CryptoSession:
    desk = SimpleNamespace(
        exchange=table.Exchange(pages=pages), kind="spot", client=lambda: client, ledger=ledger,
        lag_s=0.1, account_id="a",
    )  # fmt: skip
    session = CryptoSession(cast("Desk", desk), 1.0)
    session.markets = cast("Any", SimpleNamespace(all={"A/B": {}, "C/D": {}}))
    return session


@pytest.fixture
def opened() -> Iterator[list[CryptoSession]]:
    sessions: list[CryptoSession] = []
    yield sessions
    for each in sessions:
        each.close()


@pytest.mark.parametrize("oldest", [True, False], ids=["oldest first", "newest first"])
@pytest.mark.parametrize("count", [2, 3, 4, 7, 20])
def test_pages_are_read_to_both_ends(opened: list[CryptoSession], oldest: bool, count: int) -> None:
    book = Book(count, 3, oldest=oldest)
    opened.append(session := session_on(book, Ledger(None)))
    found = session._of_symbol("fetch_orders", "A/B", 1000, time.monotonic() + 5)
    assert sorted(int(each["id"]) for each in found) == list(range(count))


@pytest.mark.parametrize("oldest", [True, False], ids=["oldest first", "newest first"])
def test_exchange_that_only_knows_seconds(opened: list[CryptoSession], oldest: bool) -> None:
    book = Book(20, 3, oldest=oldest, apart=700)
    book.step = 1000
    opened.append(session := session_on(book, Ledger(None), "seconds"))
    found = session._of_symbol("fetch_orders", "A/B", 1000, time.monotonic() + 5)
    assert sorted(int(each["id"]) for each in found) == list(range(20))


def test_more_than_a_page_in_one_moment_is_not_an_answer(opened: list[CryptoSession]) -> None:
    opened.append(session := session_on(Book(5, 3, oldest=True, apart=0), Ledger(None)))
    with pytest.raises(CallFailedError, match="不完整"):
        session._of_symbol("fetch_orders", "A/B", 1000, time.monotonic() + 5)


def test_pairs_of_another_program_are_looked_at_and_wrong_ones_are_not(
    opened: list[CryptoSession], tmp_path: Path
) -> None:
    path = tmp_path / "账户 一" / "symbols.txt"
    mine, theirs = Ledger(path), Ledger(path)
    opened.append(session := session_on(Book(0, 3, oldest=True), mine))
    assert session._scope("fetch_orders") == ()
    theirs.begin("A/B")
    theirs.begin("GONE/USDT")
    assert session._scope("fetch_orders") == ("A/B",)


class NewConnectionError(Exception):
    """urllib3 里连不上的那一个，按名字认。"""


def test_a_later_refused_connection_does_not_unsend_the_order() -> None:
    class Http:
        cookies: Any = None
        headers: Any = None
        answers = iter(range(1))

        def request(self, *_: Any, **__: Any) -> Any:
            if next(self.answers, None) is None:
                raise NewConnectionError
            raise TimeoutError

    wire = Wire(Http())
    with pytest.raises(TimeoutError):
        wire.request("POST", "http://x", timeout=1)
    with pytest.raises(NewConnectionError):
        wire.request("POST", "http://x", timeout=1)
    assert wire.posted
    wire.begin(math.inf)
    with pytest.raises(NewConnectionError):
        wire.request("POST", "http://x", timeout=1)
    assert not wire.posted
