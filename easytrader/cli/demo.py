"""``easytrader demo``：在一个单独进程的模拟 MiniQMT 上走一遍，连同杀掉它、重连、核对。"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import easytrader
from easytrader.cli.output import say
from easytrader.errors import EasytraderError, SimulatorError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from easytrader.cli.parser import Parser

_FAILED: Final = 1
_FILL_S: Final = 8.0
_RECONNECT_S: Final = 12.0
_INTERVAL_S: Final = 1
_START_S: Final = 15.0
_STOP_S: Final = 5.0
_SECURITY: Final = "600036"
_POSITION: Final = "600036.SH:1000"


def register(rooms: argparse._SubParsersAction[Parser]) -> None:
    """挂上 ``demo``。"""
    parser = rooms.add_parser(
        "demo",
        description="全部在模拟 MiniQMT 上进行，不需要任何账号。每一步都核对过，退出码才是 0。",
    )
    parser.add_argument("--folder", metavar="PATH", help="用这个文件夹（没有就建，不删）")
    parser.add_argument("--keep", action="store_true", help="演示完留下临时文件夹")
    parser.runs(_demo)


def _demo(arguments: argparse.Namespace) -> int:
    with _terminate_politely(), _folder(arguments.folder, arguments.keep) as path:
        account_id = _open_account(path)
        with MiniqmtProcess(path) as miniqmt:
            return Demo(path, account_id, miniqmt).run()


@contextmanager
def _folder(given: str | None, keep: bool) -> Iterator[Path]:
    if given is not None:
        yield Path(given)
        return
    home = Path(tempfile.mkdtemp(prefix="easytrader-demo-"))
    try:
        yield home / "userdata_mini"
    finally:
        if keep:
            say(f"文件夹留在 {home / 'userdata_mini'}")
        else:
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _terminate_politely() -> Iterator[None]:
    """收到 SIGTERM 也走完收尾：不留下子进程。"""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _open_account(path: Path) -> str:
    """开一个新账号，带一点持仓。"""
    from easytrader.cli.opening import open_accounts
    from easytrader.sim.config.folder import SimFolder, is_sim_folder
    from easytrader.sim.host.lease import holder_of

    holder = holder_of(path)
    if holder is not None:
        raise SimulatorError(f"{path} 正被 {holder.describe()} 占用；换一个文件夹演示")
    config = SimFolder.open(path).config if is_sim_folder(path) else None
    taken = {account.account_id for account in config.accounts} if config else set()
    account_id = next(name for n in range(10_000) if (name := str(10001 + n)) not in taken)
    open_accounts(str(path), [account_id], cash="1000000", positions=[_POSITION])
    return account_id


# ---- 单独的 MiniQMT 进程


class MiniqmtProcess:
    """``easytrader sim serve`` 的一个子进程；离开 ``with`` 时一定不在了。"""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """进程号；没有在运行时为 0。"""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """启动并等到可以连。

        Raises:
            SimulatorError: 起不来，或期限内没有就绪。
        """
        from easytrader.sim.host.lease import service_of

        command = [sys.executable, "-m", "easytrader", "sim", "serve", str(self._path)]
        self._process = subprocess.Popen(  # noqa: S603  只运行自己
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=_environment()
        )
        deadline = time.monotonic() + _START_S
        pause = threading.Event()
        while (info := service_of(self._path)) is None or info.pid != self.pid:
            code = self._process.poll()
            if code is not None:
                raise SimulatorError(f"模拟 MiniQMT 没有起来，退出码 {code}")
            if time.monotonic() > deadline:
                raise SimulatorError(f"模拟 MiniQMT {_START_S:g} 秒内没有就绪")
            pause.wait(0.05)

    def kill(self) -> None:
        """杀掉（不给它收尾的机会），等它真的不在了；可重复调用。"""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(_STOP_S)


def _environment() -> dict[str, str]:
    """子进程要能导入同一份 easytrader，不论它装没装。"""
    home = str(Path(easytrader.__file__).resolve().parent.parent)
    paths = [home, os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


# ---- 一步一步


class Demo:
    """一步一步做，一步一步核对；有一步没做成，后面的就不做了。"""

    def __init__(self, path: Path, account_id: str, miniqmt: MiniqmtProcess) -> None:
        from rich.console import Console

        self._path = path
        self._account_id = account_id
        self._miniqmt = miniqmt
        self._console = Console()
        self._user: Any = easytrader.use("miniqmt")
        self._price = self._pre_close = 0.0
        self._killed_at = 0.0
        self._survivor = 0
        self._heard: list[str] = []
        self._results: list[tuple[str, str, str]] = []

    def run(self) -> int:
        """走完全程，返回退出码。"""
        steps: tuple[tuple[str, Callable[[], str]], ...] = (
            ("启动模拟 MiniQMT（单独的进程）", self._start),
            ("连接", self._connect),
            ("查资金与持仓", self._query),
            ("限价买入，等到成交", self._buy),
            ("市价买入，等到成交", self._market_buy),
            ("挂单，撤单", self._cancel),
            ("挂一笔单，杀掉 MiniQMT", self._kill),
            ("重新启动，自动重连", self._reconnect),
            ("崩溃前的委托还在，编号不变", self._verify),
            ("重连之后照常交易", self._trade_again),
        )
        try:
            for number, (title, action) in enumerate(steps, 1):
                if not self._step(number, title, action):
                    self._results += [(left, "未做", "") for left, _ in steps[number:]]
                    break
        finally:
            self._user.close()
        self._summary()
        return 0 if all(result == "通过" for _, result, _ in self._results) else _FAILED

    def _step(self, number: int, title: str, action: Callable[[], str]) -> bool:
        self._console.rule(f"{number}. {title}", align="left", characters="-")
        try:
            detail = action()
        except EasytraderError as error:
            self._results.append((title, "失败", str(error)))
            return False
        self._console.print(detail, highlight=False, markup=False)
        self._results.append((title, "通过", detail))
        return True

    # 各步 -------------------------------------------------------------

    def _start(self) -> str:
        self._miniqmt.start()
        return f"进程 {self._miniqmt.pid}，文件夹 {self._path}"

    def _connect(self) -> str:
        self._user.connect(
            miniqmt_path=str(self._path),
            stock_account=self._account_id,
            trader_callback=self._callback(),
            reconnect_interval=_INTERVAL_S,
        )
        return f"账号 {self._account_id}，{self._user.state}"

    def _query(self) -> str:
        [balance] = self._user.balance
        [held] = self._user.position
        self._table("资金", [balance])
        columns = ("stock_code", "volume", "can_use_volume", "open_price", "market_value")
        self._table("持仓", [{name: held[name] for name in columns}])
        # 没有行情接口：由持仓市值得出现价
        self._price = held["market_value"] / held["volume"]
        self._pre_close = held["open_price"]
        _check(balance["account_id"] == self._account_id, "资金里的账号不对")
        _check(held["volume"] == 1000, "初始持仓应为 1000 股")
        return f"总资产 {balance['total_asset']:.2f} 元，{_SECURITY} 现价 {self._price:.2f} 元"

    def _buy(self) -> str:
        price = round(self._price * 1.01, 2)
        return self._filled(self._user.buy(_SECURITY, price=price, amount=200), 200)

    def _market_buy(self) -> str:
        return self._filled(self._user.market_buy(_SECURITY, amount=100), 100)

    def _cancel(self) -> str:
        number = self._rest()
        answer = self._user.cancel_entrust(number)
        _check(answer["success"], f"撤单被拒：{answer['message']}")
        row = self._user.wait(number, timeout=_FILL_S)
        _check(row["order_status_name"] == "已撤", f"撤单之后是「{row['order_status_name']}」")
        return f"委托 {number} 已撤"

    def _kill(self) -> str:
        self._survivor = self._rest()
        killed = self._miniqmt.pid
        self._killed_at = time.monotonic()
        self._miniqmt.kill()
        self._await(lambda: "断开" in self._heard, "发现断线")
        return f"委托 {self._survivor} 挂着；进程 {killed} 已被杀；此刻{self._user.state}"

    def _reconnect(self) -> str:
        self._miniqmt.start()
        self._await(lambda: self._user.state == "已连接", "重连")
        self._await(lambda: self._heard[-1] == "连上", "等到 on_connected")
        spent = time.monotonic() - self._killed_at
        return f"新进程 {self._miniqmt.pid}；从被杀到重新可用 {spent:.1f} 秒"

    def _verify(self) -> str:
        row = self._user.find_entrust(self._survivor)
        _check(row is not None, f"委托 {self._survivor} 不见了")
        _check(
            row["order_status_name"] == "已报", f"应为「已报」，是「{row['order_status_name']}」"
        )
        _check(row["order_remark"] == "demo", f"备注变成了 {row['order_remark']!r}")
        rows = self._user.today_entrusts
        columns = ("order_id", "stock_code", "price", "order_volume", "order_status_name")
        self._table("当日委托", [{name: each[name] for name in columns} for each in rows])
        _check(len(rows) == 4, f"应有 4 笔委托，有 {len(rows)} 笔")
        return f"委托 {self._survivor} 还是「已报」，当日 4 笔一笔不少、一笔不多"

    def _trade_again(self) -> str:
        _check(self._user.cancel_entrust(self._survivor)["success"], "撤单被拒")
        row = self._user.wait(self._survivor, timeout=_FILL_S)
        _check(row["order_status_name"] == "已撤", f"撤单之后是「{row['order_status_name']}」")
        return self._filled(self._user.market_buy(_SECURITY, amount=100), 100)

    def _callback(self) -> Any:
        """断线与重连时说一声，别的照默认的写进日志。"""
        from easytrader.miniqmt import DefaultXtQuantTraderCallback

        demo = self

        class Callback(DefaultXtQuantTraderCallback):
            def on_connected(self) -> None:
                demo._hear("连上")

            def on_disconnected(self) -> None:
                demo._hear("断开")

        return Callback()

    def _hear(self, news: str) -> None:
        self._heard.append(news)
        self._console.print(f"  [回调] MiniQMT {news}", highlight=False, markup=False)

    # 工具 -------------------------------------------------------------

    def _rest(self) -> int:
        """挂一笔成交不了的买单：比现价低 5%，还在涨跌幅之内。"""
        price = round(max(self._price * 0.95, self._pre_close * 0.905), 2)
        number = self._sent(self._user.buy(_SECURITY, price=price, amount=100, remark="demo"))
        row = self._user.find_entrust(number)
        _check(row is not None and row["order_status_name"] == "已报", f"委托 {number} 没有挂上")
        return number

    def _filled(self, answer: dict[str, Any], volume: int) -> str:
        number = self._sent(answer)
        row = self._user.wait(number, timeout=_FILL_S)
        status = f"{row['order_status_name']} {row['status_msg']}".rstrip()
        _check(row["traded_volume"] == volume, f"委托 {number}「{status}」，没有全部成交")
        trades = [each for each in self._user.today_trades if each["order_id"] == number]
        _check(sum(each["traded_volume"] for each in trades) == volume, "成交与委托对不上")
        self._price = row["traded_price"]
        return f"委托 {number} {status}：{volume} 股，均价 {row['traded_price']:.3f} 元"

    @staticmethod
    def _sent(answer: dict[str, Any]) -> int:
        number: int = answer["entrust_no"]
        _check(number > 0, f"委托被拒：{answer.get('message', '')}")
        return number

    @staticmethod
    def _await(condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _RECONNECT_S
        pause = threading.Event()
        while not condition():
            _check(time.monotonic() < deadline, f"{_RECONNECT_S:g} 秒内没有{what}")
            pause.wait(0.05)

    def _table(self, title: str, rows: list[dict[str, Any]]) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        # 80 列的终端里不截断：只画表头下的一道线
        style: dict[str, Any] = {"box": SIMPLE_HEAD, "padding": (0, 1, 0, 0), "show_edge": False}
        table = Table(title=title, title_justify="left", pad_edge=False, **style)
        for name, value in rows[0].items():
            number = isinstance(value, (int, float))
            table.add_column(name, justify="right" if number else "left", overflow="fold")
        for row in rows:
            table.add_row(*(_shown(value) for value in row.values()))
        self._console.print(table)

    def _summary(self) -> None:
        from rich.table import Table

        table = Table(title="演示结果", title_justify="left")
        for name in ("步骤", "结果", "说明"):
            table.add_column(name, overflow="fold")
        for row in self._results:
            table.add_row(*row)
        self._console.print(table, markup=False)


def _shown(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _check(passed: bool, problem: str) -> None:
    if not passed:
        raise SimulatorError(problem)
