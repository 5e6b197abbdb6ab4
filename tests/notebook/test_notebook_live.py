"""会动的视图：自己更新，断线写明，该停的时候停，不留下两个。"""

from __future__ import annotations

import gc
import json
import threading
from typing import TYPE_CHECKING, Any

import nbclient
import nbformat
import pytest
from support import ACCOUNT, eventually, freeze, hurry

import easytrader
from easytrader.errors import UsageError
from easytrader.notebook import LiveView, live
from easytrader.rows import titles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support import SimProcess

    from easytrader.brokers.sim import SimTrader

KINDS = tuple(titles.KINDS[name] for name in ("position", "entrusts", "balance"))


class Screen:
    """记下每一帧。"""

    def __init__(self) -> None:
        self.pages: list[str] = []
        self.texts: list[str] = []

    def __call__(self, page: str, text: str) -> None:
        self.pages.append(page)
        self.texts.append(text)

    @property
    def last(self) -> str:
        return self.texts[-1] if self.texts else ""


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def opened(screen: Screen) -> Iterator[Callable[..., LiveView]]:
    """开一个视图，用完停掉。"""
    views: list[LiveView] = []

    def open_(user: Any, interval_s: float = 0.05, show: Any = screen) -> LiveView:
        view = LiveView(user, KINDS, interval_s, show)
        views.append(view)
        view.start()
        return view

    yield open_
    for each in views:
        each.stop()


def test_it_follows_the_account(
    user: SimTrader, opened: Callable[..., LiveView], screen: Screen
) -> None:
    view = opened(user)
    eventually(lambda: view.rounds >= 2)
    assert view.running
    assert "委托（0）" in screen.last
    low = user.quote("600036")["600036"]["limit_down"] or 0  # 成交不了
    number = user.buy("600036", price=low, amount=100)["entrust_no"]
    eventually(lambda: str(number) in screen.last)
    assert "<td" in screen.pages[-1]
    view.stop()
    assert not view.running
    assert "不再更新：停了" in screen.last
    drawn = len(screen.texts)
    view.stop()
    assert len(screen.texts) == drawn
    assert "停了" in repr(view)


def test_it_shows_the_disconnect_and_the_return(
    served: SimProcess, connect: Callable[..., Any], opened: Callable[..., LiveView], screen: Screen
) -> None:
    user = connect()
    opened(user)
    eventually(lambda: "已连接" in screen.last)
    served.kill()
    eventually(lambda: "已断开" in screen.last)
    assert "此刻查不到" in screen.last
    assert "持仓（2）" in screen.last  # 还看得见断线之前的
    served.start()
    eventually(lambda: "已连接" in screen.last and "查不到" not in screen.last)


def test_one_round_at_a_time(
    served: SimProcess, connect: Callable[..., Any], opened: Callable[..., LiveView]
) -> None:
    """客户端不答话：查询到期才算一遍，不堆着。"""
    user = connect()
    hurry(user, 1)
    assert served.process is not None
    process = freeze(served.process.pid)
    try:
        view = opened(user)
        eventually(lambda: view.rounds >= 1)
        asking = [each for each in threading.enumerate() if each.name == "easytrader-live"]
        assert len(asking) == 1
    finally:
        process.resume()


def test_it_stops_when_the_trader_closes(
    user: SimTrader, opened: Callable[..., LiveView], screen: Screen
) -> None:
    view = opened(user)
    eventually(lambda: view.rounds)
    user.close()
    eventually(lambda: not view.running)
    eventually(lambda: "trader 已经关闭" in screen.last)


def test_it_does_not_keep_the_trader(opened: Callable[..., LiveView], screen: Screen) -> None:
    user: Any = easytrader.use("sim")
    view = opened(user)
    eventually(lambda: "未连接" in screen.last)
    del user
    eventually(lambda: gc.collect() is not None and not view.running)
    eventually(lambda: "没有人拿着" in screen.last)


def test_a_broken_screen_ends_it(
    user: SimTrader, opened: Callable[..., LiveView], capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(page: str, text: str) -> None:
        raise OSError("前端没了")

    view = opened(user, show=broken)
    eventually(lambda: not view.running)
    assert "OSError" in repr(view)
    assert "Traceback" not in capsys.readouterr().err


def test_in_a_plain_python(user: SimTrader, capsys: pytest.CaptureFixture[str]) -> None:
    view = live(user, "balance")
    assert not view.running
    told = capsys.readouterr().out
    assert "资金（1）" in told
    assert "可用资金" in told
    assert "1,000,000.00" in told
    assert ACCOUNT not in told
    assert "只看一遍" in told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"what": "positions"}, "what 不对：'positions'"),
        ({"what": ()}, "balance position entrusts trades"),
        ({"what": 3}, "what"),
        ({"interval": 0.01}, "不小于 0.2"),
        ({"interval": "x"}, "interval"),
        ({"user": {}}, "user"),
    ],
)
def test_bad_words(user: SimTrader, given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        live(**{"user": user, **given})


_CELLS = (
    """
import threading
import easytrader
user = easytrader.use("sim")
user.connect()
def threads():
    return sum(each.name == "easytrader-live" for each in threading.enumerate())
def until(check):
    pause = threading.Event()
    for _ in range(3000):
        if check():
            return
        pause.wait(0.01)
    raise AssertionError(check)
""",
    "view = easytrader.notebook.live(user, interval=0.2); first = view",
    """
low = user.quote("600036")["600036"]["limit_down"]
number = user.buy("600036", price=low, amount=100)["entrust_no"]
seen = view.rounds
until(lambda: view.rounds >= seen + 2)
""",
    "view = easytrader.notebook.live(user, interval=0.2)",
    'until(lambda: view.rounds); print("first", first.running, "second", view.running, threads())',
    "raise KeyboardInterrupt",
    'until(lambda: threads() == 0); print("after", view, number)',
    "user.close()",
)


def test_in_a_real_kernel(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in _CELLS])
    client = nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3", allow_errors=True)
    client.execute()
    outputs = [cell.outputs for cell in notebook.cells]
    assert not [each for cell in outputs[:5] for each in cell if each["output_type"] == "error"]
    shown = outputs[1][0]["data"]
    number = outputs[6][0]["text"].split()[-1]
    assert number in shown["text/plain"]  # 画面在第一格里自己更新了
    assert "同一个视图又开了一个" in shown["text/plain"]
    assert "<table" in shown["text/html"]
    assert outputs[4][-1]["text"] == "first False second True 1\n"
    assert "内核中断了" in outputs[6][0]["text"]
    assert "Traceback" not in json.dumps(outputs[:5] + outputs[6:])
