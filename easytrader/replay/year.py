"""走日子：每个交易日开到点，跑一遍脚本，走到收盘，再到下一天；最后结一次账。"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

from easytrader.basics import replaying
from easytrader.basics.beijing import midnight
from easytrader.errors import UsageError
from easytrader.miniqmt.vendor import loader
from easytrader.replay.data import benchmark_of
from easytrader.replay.process import Script
from easytrader.replay.stage import Stage
from easytrader.sim import install
from easytrader.sim.config import corporate_actions
from easytrader.sim.config.folder import DEFAULT_ACCOUNT, DEFAULT_CASH, AccountConfig, create
from easytrader.sim.exchange.hours import hours_for
from easytrader.sim.gateway import history

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from easytrader.replay.data import Data
    from easytrader.sim.config.folder import Yuan

_DONE: Final = 15 * 3600 + 31 * 60
"""一天走到 15:31：最晚的连续竞价与盘后固定价格都完了。"""
_SHM: Final = "/dev/shm"  # noqa: S108  其中的文件夹只有自己看得见
_ROOM: Final = 1 << 30
_EVENING_S: Final = 86399
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")


@dataclass(frozen=True)
class Options:
    """怎样放。

    Attributes:
        script: 脚本。
        arguments: 它的参数。
        days: 要跑的交易日，`Data.days` 给的。
        at: 每天几点跑，``HH:MM`` 或 ``HH:MM:SS``。
        cash: 开始时的现金，元。
        account_id: 资金账号。
        positions: 开始时的持仓，`AccountConfig.positions`。
        benchmark: 基准；见 `benchmark_of`。
        actions: 除权除息的文件（``corporate_actions.json``）。
        day_timeout: 一天的脚本真的最多跑几秒。
        stop_on_error: 哪天出错就停。
        settings: 模拟柜台的其余设置，`SimConfig` 的字段。
    """

    script: str
    days: Sequence[date]
    at: str = "14:50"
    arguments: Sequence[str] = ()
    cash: Yuan = DEFAULT_CASH
    account_id: str = DEFAULT_ACCOUNT
    positions: Any = ()
    benchmark: str | None = None
    actions: str | None = None
    day_timeout: float = 60.0
    stop_on_error: bool = False
    settings: dict[str, Any] = field(default_factory=dict)


class DayRun(NamedTuple):
    """一天：跑得怎样。``result``：``好``、``出错``、``没有行情``（没有跑）。"""

    day: date
    result: str
    why: str = ""
    trace: str = ""


class Replayed(NamedTuple):
    """放完了的。

    Attributes:
        days: 各天。
        orders: 全部委托，`history.book`。
        trades: 全部成交，同上。
        assets: 各天收盘的资金，`history.assets`。
        refusals: 当场退回、柜台没有记录的委托：（时刻，`SubmitOrder`，原因）。
        cash: 开始时的总资产，元。
        benchmark: 各天基准的收盘价，厘；没有基准为空。
        opened: 开户的那天：第一天之前的交易日。
        base: 基准开始之前的收盘价，厘；不知道的是第一天的收盘价。
    """

    days: list[DayRun]
    orders: list[dict[str, Any]]
    trades: list[dict[str, Any]]
    assets: list[dict[str, Any]]
    refusals: list[tuple[float, Any, str]]
    cash: float
    benchmark: dict[date, int]
    base: int
    opened: date


def second_of(at: str) -> int:
    """``14:50`` → 零点起的秒。

    Raises:
        UsageError: 写得不对。
    """
    found = _CLOCK.fullmatch(at.strip())
    if found is None:
        raise UsageError("--at", at, "应为 HH:MM 或 HH:MM:SS，例如 14:50")
    hour, minute, second = (int(each or 0) for each in found.groups())
    return hour * 3600 + minute * 60 + second


def replay(
    options: Options,
    data: Data,
    output: TextIO,
    *,
    on_day: Callable[[DayRun], None] | None = None,
    stuck: Callable[[], None] | None = None,
) -> Replayed:
    """把 ``data`` 放给脚本看。

    Args:
        options: 怎样放。
        data: 数据。
        output: 脚本写到屏幕上的进这里，每天之前有一行日子。
        on_day: 每天之后叫一声。
        stuck: 叫不停的脚本要连累整个进程退出之前叫一声，见 `Script`。

    Raises:
        UsageError: 选项不对，没有脚本，基准、除权除息的文件读不了。
        MissingDependencyError: 没有装 time-machine、xtquant。
    """
    second = second_of(options.at)
    script = Script(options.script, options.arguments, stuck)
    days = list(options.days)
    benchmark, base = _benchmark(options, data, days)
    install.install()
    loader.load(None)  # 厂商的 Python 层先导入，好接管它的执行器
    home = Path(tempfile.mkdtemp(prefix="easytrader-replay-", dir=_memory()))
    try:
        place = home / "userdata_mini"
        _open_account(place, options, data, days[0])
        with replaying.started(str(place), options.account_id) as guest_book:
            stage = Stage(_folder(place), guest_book, script.is_theirs)
            try:
                runs = _walk(stage, script, options, data, second, output, on_day)
            finally:
                stage.close()
        orders, trades = history.book(place, options.account_id)
        assets = history.assets(place, options.account_id)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    started = float(assets[0]["total_asset"])
    opened = date.fromisoformat(assets[0]["date"])
    return Replayed(
        runs, orders, trades, assets[1:], stage.refusals, started, benchmark, base, opened
    )


def _memory() -> str | None:
    """放在内存里的文件夹，Linux 上有；没有、不够大的用平常的临时目录。"""
    try:
        roomy = shutil.disk_usage(_SHM).free > _ROOM
    except OSError:
        return None
    return _SHM if roomy and os.access(_SHM, os.W_OK) and "TMPDIR" not in os.environ else None


def _benchmark(options: Options, data: Data, days: list[date]) -> tuple[dict[date, int], int]:
    if options.benchmark is None:
        return {}, 0
    before = date.fromordinal(hours_for("exchange").previous(days[0].toordinal()))
    found = benchmark_of(options.benchmark, data, [before, *days])
    base = found.pop(before, 0)
    return found, base or next(iter(found.values()), 0)


def _open_account(place: Path, options: Options, data: Data, first: date) -> None:
    """开户：在第一天之前的那个交易日收盘以后。"""
    before = date.fromordinal(hours_for("exchange").previous(first.toordinal()))
    account = AccountConfig(options.account_id, cash=options.cash, positions=options.positions)
    create(
        place,
        (account,),
        clock="step",
        start=f"{before} 15:31",
        replay=str(data.root),
        replay_period=data.period,
        replay_volume=data.unit,
        **options.settings,
    )
    if options.actions is not None:
        try:
            shutil.copyfile(options.actions, place / corporate_actions.FILE_NAME)
        except OSError as error:
            raise UsageError("--actions", options.actions, f"读不了：{error}") from error


def _folder(place: Path) -> Any:
    from easytrader.sim.config.folder import SimFolder

    return SimFolder.open(place)


def _walk(
    stage: Stage,
    script: Script,
    options: Options,
    data: Data,
    second: int,
    output: TextIO,
    on_day: Callable[[DayRun], None] | None,
) -> list[DayRun]:
    runs: list[DayRun] = []
    with stage.taken_over():
        for day in options.days:
            start = midnight(day.toordinal())
            run = DayRun(day, "没有行情", "数据里这一天什么都没有，没有跑")
            if data.has(day):
                stage.goto(start + second)
                stage.open(start + _EVENING_S)
                output.write(f"== {day} {options.at}\n")
                ended = script.run(stage, output, options.day_timeout)
                run = DayRun(day, "出错" if ended.code else "好", ended.why, ended.trace)
            stage.goto(start + _DONE)
            runs.append(run)
            if on_day is not None:
                on_day(run)
            if options.stop_on_error and run.result == "出错":
                break
        last = runs[-1].day.toordinal()
        stage.goto(midnight(hours_for("exchange").following(last)) + 1)
    return runs
