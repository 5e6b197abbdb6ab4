"""``easytrader watch``：隔几秒看一次，终端里在原地刷新，管道里变了才写。"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import pace
from easytrader.basics.beijing import stamp
from easytrader.cli.account_options import add_account_options, opened
from easytrader.cli.look_commands import look
from easytrader.cli.output import complain, is_terminal, quiet_log, say, say_json
from easytrader.cli.parser import seconds
from easytrader.cli.tables import add_output_options, drawn_text, table_of, terminal, worth
from easytrader.errors import NotConnectedError, QueryFailedError, UsageError
from easytrader.rows.titles import KINDS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from rich.console import Group
    from rich.live import Live

    from easytrader.cli.parser import Rooms
    from easytrader.rows.titles import Kind
    from easytrader.trader import Trader

_FAILED: Final = 1
_LEAST_S: Final = 0.2
_KINDS: Final = ("position", "entrusts", "trades", "balance", "quote")
_CONNECTED: Final = "已连接"


def register(rooms: Rooms) -> None:
    """挂上 ``watch``。"""
    parser = rooms.add_parser(
        "watch",
        description="例：easytrader watch entrusts　　easytrader watch quote 600036 510300\n"
        "断线时留着最后看到的，连上了接着看。Ctrl-C 结束，退出码 0；不再重连了，1。",
    )
    add = parser.add_argument
    listed = "、".join(_KINDS)
    add(
        "kind",
        metavar="WHAT",
        nargs="?",
        choices=_KINDS,
        default="position",
        help=f"看什么（默认 position）：{listed}",
    )
    add("codes", metavar="CODE", nargs="*", help="quote：看哪些证券")
    add(
        "--interval",
        metavar="S",
        type=seconds,
        default=3.0,
        help="隔几秒看一次（默认 3，最少 0.2）",
    )
    add("--for", metavar="S", type=seconds, dest="for_s", help="看这么多秒就结束（默认一直看）")
    add_account_options(parser)
    add_output_options(parser, csv=False)
    parser.runs(_watch)


def _watch(arguments: argparse.Namespace) -> int:
    if (arguments.kind == "quote") != bool(arguments.codes):
        raise UsageError("CODE", arguments.codes or None, "quote 后面写证券代码，别的不写")
    if sys.stdout is None:
        raise UsageError("watch", None, "没有屏幕可以写")
    # 断线、重连自己会说，不要日志插在表中间
    with quiet_log(arguments.debug, "ERROR"), opened(arguments) as user:
        watching = Watching(user, KINDS[arguments.kind], arguments.codes)
        show: Callable[[], bool]
        with ExitStack() as stack:
            if arguments.json:
                show = _Changes(watching, lambda: say_json(watching.told()))
            elif is_terminal(sys.stdout):
                show = _in_place(watching, stack)
            else:
                show = _Changes(watching, lambda: say(f"{watching.text()}\n"))
            try:
                return _until_told(watching, show, arguments)
            except KeyboardInterrupt:
                return 0


def _until_told(watching: Watching, show: Callable[[], bool], arguments: argparse.Namespace) -> int:
    clock = pace.current()
    interval = max(arguments.interval, _LEAST_S)
    deadline = None if arguments.for_s is None else clock.monotonic() + arguments.for_s
    while True:
        watching.look()
        if not show():  # 对方不读了（| head）
            return 0
        if watching.gave_up:
            complain(f"断线，不再重连：{watching.problem}")
            return _FAILED
        left = interval if deadline is None else min(interval, deadline - clock.monotonic())
        if left <= 0:
            return 0
        clock.sleep(left)


class Watching:
    """看到的：最近一次查到的行，与此刻连没连着。

    Attributes:
        rows: 最近一次查到的；断线时还是它。
        state: 连接的状态，如「已连接」。
        problem: 这一次为什么没有查到，查到了为空。
        gave_up: 不再重连了。
    """

    def __init__(self, user: Trader, kind: Kind, codes: list[str]) -> None:
        self._user = user
        self._kind = kind
        self._codes = codes
        self.rows: list[Mapping[str, Any]] = []
        self.state = ""
        self.problem = ""
        self.gave_up = False
        self._seen_at = 0.0

    def look(self) -> None:
        """看一次。"""
        try:
            if self._codes:
                self.rows = list(self._user.quote(self._codes).values())
            else:
                self.rows = look(self._user, self._kind.name)
            self.problem = ""
            self._seen_at = pace.current().now()
        except UsageError as exc:
            raise UsageError("CODE", exc.value, exc.expected) from exc
        except (NotConnectedError, QueryFailedError) as exc:
            self.problem = str(exc)
        status = self._user.status
        self.state, self.gave_up = status["state"], status["gave_up"]
        if self.gave_up:
            self.problem = status["last_error"] or self.problem

    @property
    def news(self) -> object:
        """变没变看它。"""
        return self.state, self.problem != "", repr(self.rows)

    def told(self) -> dict[str, Any]:
        """``time``（Unix 秒，查到的时刻）``state problem kind rows``。"""
        return {
            "time": self._seen_at,
            "state": self.state,
            "problem": self.problem,
            "kind": self._kind.name,
            "rows": self.rows,
        }

    def drawn(self) -> Group:
        """一行是哪里、什么时候，再是表。"""
        from rich.console import Group
        from rich.text import Text

        at = stamp(self._seen_at, "%H:%M:%S") if self._seen_at else "还没有查到"
        head = Text(f"{self._kind.title}  {at}  {self.state}")
        if self.problem:
            head.append(f"  {self.problem}", style="red")
        if not self.rows:
            return Group(head, Text(f"没有{self._kind.title}"))
        return Group(head, table_of(worth(self._kind.brief_columns, self.rows), self.rows))

    def text(self) -> str:
        """同 `drawn`，没有颜色的文字。"""
        return drawn_text(self.drawn())


class _Changes:
    """变了才写一次。"""

    def __init__(self, watching: Watching, write: Callable[[], bool]) -> None:
        self._watching = watching
        self._write = write
        self._last: object = None

    def __call__(self) -> bool:
        news = self._watching.news
        if news == self._last:
            return True
        self._last = news
        return self._write()


def _in_place(watching: Watching, stack: ExitStack) -> Callable[[], bool]:
    from rich.live import Live

    live: Live = stack.enter_context(Live(console=terminal(), auto_refresh=False))

    def show() -> bool:
        live.update(watching.drawn(), refresh=True)
        return True

    return show
