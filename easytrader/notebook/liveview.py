"""会动的视图：持仓、委托、资金隔一会儿自己更新，那一格马上运行完，内核不占着。"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from easytrader import arguments
from easytrader.basics import waits
from easytrader.basics.beijing import stamp
from easytrader.errors import EasytraderError, UsageError
from easytrader.rows import html, plain, titles
from easytrader.rows.card import COLOURS
from easytrader.trader import Trader, engine_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from easytrader.rows.titles import Kind

What: TypeAlias = Literal["balance", "position", "entrusts", "trades"]

_CHOICES: Final = ("balance", "position", "entrusts", "trades")
_LEAST_S: Final = 0.2
_JOIN_S: Final = 2.0
_ROWS: Final = 20
_PLAIN_ROWS: Final = 10
_CLOSED: Final = "已关闭"


class Show(Protocol):
    """把一帧放到屏幕上：HTML 与纯文字。在视图的线程上调用，后一帧盖住前一帧。"""

    def __call__(self, page: str, text: str) -> None: ...  # noqa: D102


class LiveView:
    """一个在更新的视图，`live` 的返回。

    Args:
        user: 看谁；视图不让它一直活着，没有人要它了视图就停。
        kinds: 看哪几张表。
        interval_s: 隔几秒看一遍。
        show: 怎样放到屏幕上。
    """

    cell: str | None = None
    """在笔记本的哪一格里。"""

    def __init__(self, user: Trader, kinds: Sequence[Kind], interval_s: float, show: Show) -> None:
        self._user = weakref.ref(user)
        self._key = engine_of(user).key
        self._name = type(user).__name__
        self._kinds = kinds
        self._interval_s = interval_s
        self._show = show
        self._stopping = threading.Event()
        self._seen: dict[str, tuple[Sequence[Mapping[str, Any]], float]] = {}
        self._failed: dict[str, str] = {}
        self._state = ""
        self._why = ""
        self._rounds = 0
        self._thread = threading.Thread(target=self._run, name="easytrader-live", daemon=True)

    @property
    def running(self) -> bool:
        """还在更新。"""
        return self._thread.is_alive() and not self._stopping.is_set()

    @property
    def rounds(self) -> int:
        """更新过几次。"""
        return self._rounds

    def stop(self, why: str = "停了") -> None:
        """不再更新，画面停在最后的样子；可以重复调用，正在查询的最多等 2 秒。

        Args:
            why: 写在画面上的原因。
        """
        self._end(why)
        waits.join(self._thread, _JOIN_S)

    def start(self) -> None:
        """开始更新。"""
        self._thread.start()

    def once(self) -> None:
        """就在这里看一遍，不再更新。"""
        self._look()
        self._end("只看一遍；在笔记本里会自己更新")
        self._draw()

    def same_as(self, user: Trader, kinds: Sequence[Kind]) -> bool:
        """看的是同一个账号的同样几张表。"""
        key = engine_of(user).key
        mine = self._user() is user or (key == self._key and key.account_id != "")
        return mine and self._kinds == kinds

    def __repr__(self) -> str:
        state = "更新着，stop() 停" if self.running else self._why or "停了"
        names = "、".join(kind.title for kind in self._kinds)
        return f"<实时视图 {names}：{state}；更新过 {self._rounds} 次>"

    # ---- 视图的线程

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                began = time.monotonic()
                self._look()
                self._draw()
                self._rounds += 1
                # 一遍比间隔还慢的，跳过错过的那几次，不追
                spent_s = (time.monotonic() - began) % self._interval_s
                waits.event(self._stopping, self._interval_s - spent_s)
        except Exception as exc:  # noqa: BLE001  边界：写在画面上，不往屏幕上印回溯
            self._end(f"出错了，不再更新：{type(exc).__name__}: {exc}")
        finally:
            _views.discard(self)
            with contextlib.suppress(Exception):  # 前端没了，画不出来
                self._draw()

    def _end(self, why: str) -> None:
        if not self._stopping.is_set():
            self._why = why
            self._stopping.set()

    def _look(self) -> None:
        """看一遍；查不到的，画面上留着上一次的。"""
        user = self._user()
        if user is None:
            self._end("没有人拿着这个 trader 了，不再更新")
            return
        for kind in self._kinds:
            self._failed.pop(kind.name, None)
            try:
                if not self._stopping.is_set():
                    self._seen[kind.name] = getattr(user, kind.verb), time.time()
            except EasytraderError as exc:
                self._failed[kind.name] = str(exc)
        self._state = user.state
        if self._state == _CLOSED:
            self._end("trader 已经关闭，不再更新")

    def _draw(self) -> None:
        now = stamp(time.time(), "%H:%M:%S")
        told = f"{now}，不再更新：{self._why}" if self._stopping.is_set() else f"{now} 更新"
        colour = COLOURS.get(self._state, html.GREY)
        parts = [html.headline(f"{self._name} {self._state}", told, colour)]
        lines = [f"{self._name} {self._state}（{told}）"]
        for kind in self._kinds:
            found, when = self._seen.get(kind.name, ((), 0.0))
            if when:
                keys = [key for key in kind.brief if key != "account_id"]
                parts.append(html.table(kind, found, keys, limit=_ROWS))
                lines += _plain(kind, keys, found)
            why = self._failed.get(kind.name)
            if why:
                old = (
                    f"{kind.title}是 {stamp(when, '%H:%M:%S')} 的，" if when else f"{kind.title}："
                )
                parts.append(html.small(f"{old}此刻查不到：{why}"))
                lines.append(f"{old}此刻查不到：{why}")
        self._show(html.box(*parts), "\n".join(lines))


def _plain(kind: Kind, keys: Sequence[str], found: Sequence[Mapping[str, Any]]) -> list[str]:
    """一张表写成几行字。"""
    lines = [f"{kind.title}（{len(found)}）"]
    if found:
        lines.append(plain.table(kind.pick(keys), found[:_PLAIN_ROWS]))
    if len(found) > _PLAIN_ROWS:
        lines.append(f"……一共 {len(found)} 行")
    return lines


_views: Final[set[LiveView]] = set()
"""在更新的。"""


def live(
    user: Trader,
    what: What | Iterable[What] = ("position", "entrusts", "balance"),
    interval: float = 1.0,
) -> LiveView:
    """笔记本里看着账号动：``view = easytrader.notebook.live(user)``，马上返回。

    持仓、委托、资金每隔 ``interval`` 秒查一遍，画面自己更新，别的格子照常运行。断线了画面上写明，
    连上了接着更新。``view.stop()``、trader 关闭、没有人拿着它了、中断内核，都会停；
    同一格再运行一遍，旧的先停。不在笔记本里（终端、脚本），打印一遍就完。

    Args:
        user: 交易口。
        what: 看哪几样：``balance position entrusts trades``，一个或几个。
        interval: 隔几秒，不小于 0.2；一遍还没有查完的不会再查。

    Raises:
        UsageError: 参数不对。
    """
    if not isinstance(user, Trader):
        raise UsageError("user", user, "应为交易口：easytrader.use(...) 得到的")
    kinds = _kinds(what)
    interval_s = arguments.seconds("interval", interval)
    if interval_s < _LEAST_S:
        raise UsageError("interval", interval, f"太快了，应不小于 {_LEAST_S} 秒")
    shell = _kernel_shell()
    if shell is None:
        view = LiveView(user, kinds, interval_s, _printed)
        view.once()
        return view
    cell = _cell_of(shell)
    for other in list(_views):
        if other.same_as(user, kinds) or (cell is not None and other.cell == cell):
            other.stop("同一个视图又开了一个")
    view = LiveView(user, kinds, interval_s, _display())
    view.cell = cell
    _stop_when_interrupted(shell)
    _views.add(view)
    view.start()
    return view


def _kinds(what: object) -> tuple[Kind, ...]:
    form = f"应为其中的一个或几个：{' '.join(_CHOICES)}"
    names = (what,) if isinstance(what, str) else what
    if not isinstance(names, (list, tuple, set, frozenset)) or not names:
        raise UsageError("what", what, form)
    for name in names:
        if name not in _CHOICES:
            raise UsageError("what", name, form)
    return tuple(titles.KINDS[name] for name in dict.fromkeys(names))


def _kernel_shell() -> Any:
    """笔记本的内核；终端里的 IPython、普通的 Python 为 None。"""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell if getattr(shell, "kernel", None) is not None else None


def _cell_of(shell: Any) -> str | None:
    """正在运行的是哪一格；前端没有说为 None。"""
    try:
        found = shell.get_parent()["metadata"].get("cellId")
    except (AttributeError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def _display() -> Show:
    from IPython.display import display

    handle: Any = display(  # type: ignore[no-untyped-call]
        {"text/plain": "……", "text/html": html.small("正在查询……")}, raw=True, display_id=True
    )

    def show(page: str, text: str) -> None:
        handle.update({"text/html": page, "text/plain": text}, raw=True)

    return show


def _printed(page: str, text: str) -> None:
    out = sys.stdout
    if out is not None:
        encoding = getattr(out, "encoding", None) or "utf-8"
        out.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def _stop_when_interrupted(shell: Any) -> None:
    """内核中断了：停掉全部视图。登记一次。"""
    if _interrupted not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _interrupted)


def _interrupted(result: Any) -> None:
    if isinstance(result.error_in_exec, (KeyboardInterrupt, asyncio.CancelledError)):
        for view in list(_views):
            view.stop("内核中断了")
