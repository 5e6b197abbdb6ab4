"""一个文件夹扮演 ``userdata_mini``：配置、账本、服务地址都在里面。

配置是 ``easytrader_sim.json``（UTF-8）；委托、成交、持仓与资金在 SQLite 账本里，
配置只说开户时的样子。
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from easytrader.basics import paths
from easytrader.basics.beijing import moment
from easytrader.basics.keywords import guarded
from easytrader.basics.private import private_folder
from easytrader.errors import SimulatorError, UsageError
from easytrader.market.rules import scope_of
from easytrader.market.rules.fees import COMMISSION_CAP
from easytrader.market.symbols import Kind, parse_security
from easytrader.sim.config import profile as profiles
from easytrader.sim.market.bar_model import PATHS, QUEUES
from easytrader.sim.market.columns import PERIODS, VOLUME_UNITS

CONFIG_NAME: Final = "easytrader_sim.json"
FORMAT: Final = 2
RECORDS: Final = "easytrader_records"
"""用它交易的程序留下的委托记录在这个子文件夹里。"""
UP_QUEUE: Final = "up_queue_win_xtquant"
PLAIN_QUEUE: Final = "up_queue_xtquant"
"""真的文件夹里与 `UP_QUEUE` 并排的一个；厂商 FAQ 说它不在就是没有权限，程序连之前会看。"""
CLOCKS: Final = ("always", "exchange", "step")
ACCOUNT_TYPES: Final = {2: "STOCK", 3: "CREDIT"}
_ID_BYTES: Final = 23  # 厂商结构里资金账号缓冲区 24 字节
_MOST_YUAN: Final = 10**12
_POSITION_FORM: Final = "每行应为（证券代码，数量，每股成本价），例如 ('600036.SH', 1000, 35.5)。"
_SETTLED_S: Final = 3.0
"""配置文件的修改时间过了多久，才信得过「时间与大小没变就是没改」。"""

Yuan = Decimal | float | str
"""元。"""
Positions = Mapping[str, object] | Iterable[Sequence[object]]
"""初始持仓的写法，见 `AccountConfig`。"""


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """开户时的样子。钱一律以元计：``int``、``float``、``Decimal``，或它们的文字。

    Attributes:
        account_id: 资金账号，1–23 个字节。
        account_type: 2 普通账号，3 信用账号，见 `credit`。
        cash: 现金，元，至多三位小数。
        positions: 初始持仓，``(证券代码, 数量, 成本价)`` 的一串，或 ``{代码: (数量, 成本价)}``；
            成本价是每股多少元。省去成本价（``(代码, 数量)``、``{代码: 数量}``）取开户时的昨收。

    Raises:
        UsageError: 哪一项不对，给的是什么，应当怎么写。
    """

    account_id: str
    account_type: int = 2
    cash: Yuan = Decimal(1_000_000)
    positions: Positions = ()

    def __post_init__(self) -> None:
        text = self.account_id if isinstance(self.account_id, str) else ""
        size = len(text.encode()) if text.isprintable() else 0
        if not 1 <= size <= _ID_BYTES or self.account_id != self.account_id.strip():
            raise UsageError(
                "account_id", self.account_id, "应为 1–23 个字节的可见字符，首尾无空白。"
            )
        if self.account_type not in ACCOUNT_TYPES:
            raise UsageError("account_type", self.account_type, "应为 2（普通）或 3（信用）。")
        cash = _yuan("cash", self.cash, "应为不小于 0 的金额，单位元，至多三位小数。", places=3)
        object.__setattr__(self, "cash", cash)
        held = tuple(_position(row) for row in _position_rows(self.positions))
        seen: set[str] = set()
        for code, _, _ in held:
            if code in seen:
                raise UsageError("positions", code, "同一只证券只能有一行初始持仓。")
            seen.add(code)
        object.__setattr__(self, "positions", held)

    @property
    def cash_li(self) -> int:
        """现金，厘。"""
        return to_li(self.cash)

    @property
    def held(self) -> tuple[tuple[str, int, int | None], ...]:
        """初始持仓 ``(证券代码, 数量, 总成本)``；总成本以厘计，没有给成本价为 None。"""
        rows: Any = self.positions
        return tuple(
            (code, volume, None if cost is None else to_li(cost * volume))
            for code, volume, cost in rows
        )


# 写错名字、少给、多给的，说出来是哪一个
AccountConfig.__init__ = guarded(AccountConfig.__init__, title="AccountConfig")  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class SimConfig:
    """整个文件夹的设置。

    Attributes:
        seed: 行情的种子；同一个种子、同一时刻，价格相同。
        clock: ``always`` 全天可交易；``exchange`` 按交易所日历与时间；``step`` 也按交易所的，
            而时间由脚本一步一步走。
        accounts: 各资金账号。
        connect_wait_s: 客户端连接不上时等多久才报失败（真实客户端 3 秒）。
        session_quarantine_s: 会话编号释放后多久才能再用（真实客户端约 4 秒）。
        tick_s: 行情多少秒变一次。
        commission_ppm: 股票与基金佣金，百万分之几。
        commission_min: 每笔委托最低佣金，元。
        profile: 哪一家券商的脾气，见 `profile.PROFILES`；空串为 ``EASYTRADER_SIM_PROFILE``，
            再没有是 ``push``。
        manners: 脾气里单项另设的，见 `profile.NAMES`。文件里、`create` 里都直接写名字，
            例如 ``query_lag_s``、``fill_s``、``queues_when_closed``。
        start: ``step`` 的时钟从哪一刻开始，上海时间 ``YYYY-MM-DD HH:MM``。
        gap_days: 合成行情里，每只证券隔夜跳空的日子占多少，0–1；以下三项也是。
        limit_days: 涨停、跌停的日子。
        halt_days: 停牌的日子，全天与盘中临时停牌各半。
        thin_books: 盘口稀薄的日子。
        replay: 回放数据的文件夹或文件，相对路径从模拟文件夹算起；空为合成行情。
        replay_period: 回放数据的周期：``tick 1m 5m 15m 30m 1h 1d``。
        replay_volume: 回放数据的数量单位：``hand`` 手（厂商的样子），``share`` 股（张）。
        impact_s: 自己吃掉的盘口多少秒补回来，其间均匀地补；0 为下一跳就补回来。
        bar_path: 回放的线先到最低还是先到最高：``adverse body low_first high_first``，
            见 `BarModel`；以下两项也是。
        bar_share: 自己的委托至多分到一根线成交量的多少，大于 0，至多 1。
        bar_queue: 价格只碰到限价时：``through`` 不成交，``shown`` 前面排着盘口显示的数量。
        repo_rate_cap: 逆回购委托的利率上限，%；交易所不设涨跌幅，柜台各有各的上限。
    """

    seed: int = 20261121
    clock: str = "always"
    accounts: tuple[AccountConfig, ...] = field(default=())
    connect_wait_s: float = 3.0
    session_quarantine_s: float = 0.0
    tick_s: float = 3.0
    commission_ppm: int = 250
    commission_min: Yuan = Decimal(5)
    profile: str = ""
    manners: Mapping[str, Any] = field(default_factory=dict)
    start: str = ""
    gap_days: float = 0.0
    limit_days: float = 0.0
    halt_days: float = 0.0
    thin_books: float = 0.0
    replay: str = ""
    replay_period: str = "1m"
    replay_volume: str = "hand"
    impact_s: float = 30.0
    bar_path: str = "adverse"
    bar_share: float = 0.25
    bar_queue: str = "through"
    repo_rate_cap: float = 100.0

    def __post_init__(self) -> None:
        if self.clock not in CLOCKS:
            raise UsageError("clock", self.clock, f"应为 {' 或 '.join(CLOCKS)}。")
        if not isinstance(self.seed, int) or isinstance(self.seed, bool):
            raise UsageError("seed", self.seed, "应为整数。")
        _seconds("tick_s", self.tick_s, 0.001)
        _seconds("connect_wait_s", self.connect_wait_s, 0.0)
        _seconds("session_quarantine_s", self.session_quarantine_s, 0.0)
        profiles.check_name("profile", self.profile)
        object.__setattr__(self, "manners", profiles.check_manners(self.manners))
        cap = COMMISSION_CAP.value
        _whole(
            "commission_ppm", self.commission_ppm, f"应为 0–{cap}（佣金上限千分之三）。", most=cap
        )
        least = _yuan(
            "commission_min", self.commission_min, "应为不小于 0 的金额，单位元。", places=3
        )
        object.__setattr__(self, "commission_min", least)
        names = [account.account_id for account in self.accounts]
        if len(set(names)) != len(names):
            raise UsageError("accounts", names, "资金账号不能重复。")
        _check_market(self)
        rate = self.repo_rate_cap
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate <= 1000:
            raise UsageError("repo_rate_cap", rate, "应为大于 0、不超过 1000 的利率，单位 %。")

    @property
    def commission_min_li(self) -> int:
        """每笔委托最低佣金，厘。"""
        return to_li(self.commission_min)

    @property
    def broker(self) -> profiles.Profile:
        """此刻生效的脾气：名字说的，单项盖过它。"""
        return profiles.resolve(self.profile, self.manners, stepped=self.clock == "step")


def to_li(yuan: Yuan) -> int:
    """元 → 厘，四舍六入五成双。"""
    return int((Decimal(yuan) * 1000).to_integral_value())


def _check_market(config: SimConfig) -> None:
    """行情与单步的几项设置。"""
    for name in ("gap_days", "limit_days", "halt_days", "thin_books"):
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise UsageError(name, value, "应为 0–1 之间的比例。")
    if not isinstance(config.replay, str):
        raise UsageError("replay", config.replay, "应为回放数据的路径，空串为合成行情。")
    if config.replay_period not in PERIODS:
        raise UsageError("replay_period", config.replay_period, f"应为 {' '.join(PERIODS)} 之一。")
    if config.replay_volume not in VOLUME_UNITS:
        raise UsageError("replay_volume", config.replay_volume, "应为 hand（手）或 share（股）。")
    _seconds("impact_s", config.impact_s, 0.0)
    _check_bars(config)
    if config.replay and config.clock != "step":
        raise UsageError("replay", config.replay, "回放要用单步的时钟：clock 设为 step。")
    if config.clock == "step" or config.start:
        _check_start(config.start)


def _check_bars(config: SimConfig) -> None:
    """回放的线的假设。"""
    if config.bar_path not in PATHS:
        raise UsageError("bar_path", config.bar_path, f"应为 {' '.join(PATHS)} 之一。")
    share = config.bar_share
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share <= 1:
        raise UsageError("bar_share", share, "应为大于 0、不超过 1 的比例。")
    if config.bar_queue not in QUEUES:
        raise UsageError("bar_queue", config.bar_queue, f"应为 {' 或 '.join(QUEUES)}。")


def _check_start(start: object) -> None:
    try:
        moment(str(start))
    except ValueError:
        expected = "clock 为 step 时要说从哪一刻开始，写成 'YYYY-MM-DD HH:MM'（上海时间）。"
        raise UsageError("start", start, expected) from None


def _whole(name: str, value: object, expected: str, least: int = 0, most: int = 10**15) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise UsageError(name, value, expected)


def _yuan(name: str, value: object, expected: str, places: int | None = None) -> Decimal:
    """核对一个金额或单价；``places``：至多几位小数。"""
    yuan = Decimal("NaN")
    if isinstance(value, (int, float, Decimal, str)) and not isinstance(value, bool):
        with suppress(InvalidOperation):
            yuan = Decimal(repr(float(value)) if isinstance(value, float) else value)
    # 先看大小再做算术：1E+200000 展开成整数要很久
    if not yuan.is_finite() or not 0 <= yuan <= _MOST_YUAN:
        raise UsageError(name, value, expected)
    if places is not None and yuan != round(yuan, places):
        raise UsageError(name, value, expected)
    return yuan


def _position_rows(positions: Any) -> list[Any]:
    if isinstance(positions, Mapping):
        return [
            (code, *held) if isinstance(held, (tuple, list)) else (code, held)
            for code, held in positions.items()
        ]
    if isinstance(positions, str) or not isinstance(positions, Iterable):
        raise UsageError("positions", positions, _POSITION_FORM)
    try:
        return list(positions)
    except TypeError:  # 数不出来的，如没有维数的数组
        raise UsageError("positions", positions, _POSITION_FORM) from None


def _position(item: object) -> tuple[str, int, Decimal | None]:
    """核对一行初始持仓，代码换成厂商写法。"""
    if not isinstance(item, (tuple, list)) or len(item) not in (2, 3):
        raise UsageError("positions", item, _POSITION_FORM)
    code, volume, cost = (*item, None)[:3]
    try:
        security = parse_security(code)
    except UsageError as exc:
        raise UsageError("positions", code, exc.expected) from None
    if scope_of(security) is None:
        raise UsageError("positions", code, "模拟柜台不交易这个品种，不能作为持仓。")
    if security.kind is Kind.REPO:
        raise UsageError("positions", code, "债券回购不是持仓：借出去的钱到期自己回来。")
    _whole("positions", volume, "持仓数量应为正整数。", least=1)
    if cost is not None:
        cost = _yuan("positions", cost, "成本价应为不小于 0 的数，每股多少元。")
        if cost * volume > _MOST_YUAN:
            raise UsageError("positions", item, "这一行的总成本超过一万亿元：成本价是每股多少元。")
    return security.stock_code, volume, cost


def _seconds(name: str, value: object, least: float) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= 3600:
        raise UsageError(name, value, f"应为 {least:g}–3600 之间的秒数。")


@dataclass(frozen=True, slots=True)
class SimFolder:
    """已经存在的模拟 MiniQMT 文件夹；用 `create` 建，用 `SimFolder.open` 打开。"""

    path: Path
    config: SimConfig

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> SimFolder:
        """打开文件夹。

        Raises:
            SimulatorError: 不是模拟文件夹，或配置读不懂；信息里说明怎么办。
        """
        where = _absolute(path)
        try:
            return cls(where, _config(where / CONFIG_NAME))
        except (FileNotFoundError, NotADirectoryError):
            raise SimulatorError(
                f"{where} 不是模拟 MiniQMT 的文件夹（没有 {CONFIG_NAME}）；"
                f'先建一个：easytrader sim init "{where}" --account 账号 --cash 1000000'
            ) from None
        except OSError as exc:
            raise SimulatorError(f"{where / CONFIG_NAME} 读不出来：{_why(exc)}") from exc

    @property
    def store_path(self) -> Path:
        """账本。"""
        return self.path / "easytrader_sim.sqlite3"

    @property
    def owner_lock_path(self) -> Path:
        """独占锁。"""
        return self.path / "easytrader_sim.lock"

    @property
    def service_path(self) -> Path:
        """服务进程写下的地址与口令。"""
        return self.path / "service.json"


def is_sim_folder(path: str | os.PathLike[str]) -> bool:
    """是不是模拟 MiniQMT 的文件夹。不抛异常。"""
    try:
        return (Path(path).expanduser() / CONFIG_NAME).is_file()
    except (OSError, ValueError, TypeError, RuntimeError):
        return False


def create(
    path: str | os.PathLike[str],
    accounts: Iterable[AccountConfig] = (),
    *,
    exist_ok: bool = False,
    **settings: Any,
) -> SimFolder:
    """建一个模拟文件夹；已经是模拟文件夹时把账号加进去。

    Args:
        path: 文件夹，可以不存在，可以有空格与中文。
        accounts: 要开的资金账号。
        exist_ok: 账号已经有了、开户时的样子也相同，就留着它接着用，不算错；脚本可以再跑一遍。
            要从头来过用 `reset`。
        **settings: `SimConfig` 的其余字段，与脾气的单项（`profile.NAMES`）；
            对已有文件夹，给出的会改掉，没给的保持原样。

    Raises:
        SimulatorError: 账号已存在、那里是真的 MiniQMT、或写不进去。
        UsageError: 设置的名字或取值不对。
    """
    where = _absolute(path)
    if isinstance(accounts, AccountConfig) or not isinstance(accounts, Iterable):
        raise UsageError("accounts", accounts, "应为一串 AccountConfig。")
    added = tuple(accounts)
    known = {name for name in SimConfig.__dataclass_fields__ if name not in _NOT_FLAT}
    known.update(profiles.NAMES)
    for name in settings:
        if name not in known:
            raise UsageError("settings", name, f"没有这个设置；有：{' '.join(sorted(known))}。")
    manners = _take_manners(settings)
    fresh = not is_sim_folder(where)
    try:
        if not fresh:
            before = SimFolder.open(where).config
            added = _not_there(where, before, added, exist_ok)
            settings["manners"] = {**before.manners, **manners}
            config = replace(before, accounts=before.accounts + added, **settings)
        else:
            _refuse_real_client(where)
            config = SimConfig(accounts=added, manners=manners, **settings)
        private_folder(where)
        _write_new(where, config, fresh=fresh)
    except OSError as exc:
        raise SimulatorError(f"写不进 {where}：{_why(exc)}") from exc
    return SimFolder(where, config)


_NOT_FLAT: Final = ("accounts", "manners")


def _take_manners(settings: dict[str, Any]) -> dict[str, Any]:
    """把脾气的单项从平铺的设置里取走。"""
    return {name: settings.pop(name) for name in profiles.NAMES if name in settings}


def _not_there(
    where: Path, before: SimConfig, added: tuple[AccountConfig, ...], exist_ok: bool
) -> tuple[AccountConfig, ...]:
    """``added`` 里还没有的账号。"""
    taken = {account.account_id: account for account in before.accounts}
    for account in added:
        there = taken.get(account.account_id)
        if there is not None and not (exist_ok and there == account):
            advice = (
                "，开户时的样子与这次给的不同：换一个账号或文件夹"
                if exist_ok
                else "；接着用它：exist_ok=True（--exist-ok），从头来过：easytrader sim reset"
            )
            raise SimulatorError(f"账号 {account.account_id} 在 {where} 里已经有了{advice}。")
    return tuple(account for account in added if account.account_id not in taken)


def _absolute(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(path).expanduser().absolute()
    except (TypeError, RuntimeError) as exc:  # 不是路径；~ 没有所指的用户
        raise UsageError("path", path, f"应为文件夹的路径（{exc}）。") from None


def _why(exc: OSError) -> str:
    """给人看的原因。"""
    if isinstance(exc, PermissionError):
        return f"没有权限（{exc}）：检查它的属主与权限，别的文件不用动"
    return str(exc)


def _write_new(where: Path, config: SimConfig, *, fresh: bool) -> None:
    """先写配置：只有队列文件的文件夹会被当成真的 MiniQMT。半途而废的不留下，可以原样再来。"""
    write_atomically(where / CONFIG_NAME, _dump(config))
    try:
        for name in (UP_QUEUE, PLAIN_QUEUE):
            (where / name).touch()
    except OSError:
        if fresh:
            (where / CONFIG_NAME).unlink(missing_ok=True)
        raise


def _refuse_real_client(where: Path) -> None:
    if where.exists() and not where.is_dir():
        raise SimulatorError(f"{where} 是一个文件，需要的是文件夹。")
    if any(where.glob("up_queue*xtquant")):
        raise SimulatorError(f"{where} 看起来是真的 MiniQMT 的 userdata_mini，请另选一个文件夹。")


def write_atomically(path: Path, text: str) -> None:
    """先写临时文件再改名：别的进程看到的不是旧的就是新的，不会是半个。"""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105  mkstemp 给的是字符串路径
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _dump(config: SimConfig) -> str:
    body = {"format": FORMAT, **asdict(config)}
    body.update(body.pop("manners"))
    return json.dumps(body, ensure_ascii=False, indent=2, default=_plain) + "\n"


def _plain(yuan: Decimal) -> int | str:
    """整数元写成整数，有小数的写成文字：不经过二进制小数。"""
    return int(yuan) if yuan == yuan.to_integral_value() else str(yuan)


def _config(path: Path) -> SimConfig:
    """读配置；没有改过就不再读。

    Raises:
        OSError: 没有，或读不出来。
    """
    found = path.stat()
    age = time.time() - found.st_mtime
    if age < _SETTLED_S:  # 刚写的，也许还会在同一个时刻再写
        return _read(path)
    return _read_once(path, (found.st_mtime_ns, found.st_size, found.st_ino))


def _read(path: Path) -> SimConfig:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(body, dict):
            raise TypeError("最外层应是一个对象")
        version = body.pop("format", None)
        if not isinstance(version, int) or version > FORMAT:
            raise SimulatorError(
                f"{path} 的格式是 {version!r}，本版本只认识到 {FORMAT}；请升级 easytrader。"
            )
        if version < FORMAT:
            _to_yuan(body)
        accounts = tuple(AccountConfig(**row) for row in body.pop("accounts", ()))
        return SimConfig(accounts=accounts, manners=_take_manners(body), **body)
    except SimulatorError:
        raise
    except (ValueError, TypeError, AttributeError, ArithmeticError) as exc:
        raise SimulatorError(f"{path} 读不懂：{exc}；改对它，或删掉整个文件夹重新 init。") from exc


@lru_cache(maxsize=16)
def _read_once(path: Path, stamp: tuple[int, int, int]) -> SimConfig:
    return _read(path)


def _to_yuan(body: dict[str, Any]) -> None:
    """第 1 版的文件以厘计，持仓写的是总成本。"""
    if "commission_min_li" in body:
        body["commission_min"] = Decimal(body.pop("commission_min_li")) / 1000
    for row in body.get("accounts", ()):
        if "cash_li" in row:
            row["cash"] = Decimal(row.pop("cash_li")) / 1000
        row["positions"] = [
            (code, volume, Decimal(cost_li) / 1000 / volume)
            for code, volume, cost_li in row.get("positions", ())
        ]


DEFAULT_ACCOUNT: Final = "1000000001"
DEFAULT_CASH: Final = 1_000_000
"""默认账户的初始资金，元。"""


def default_folder() -> Path:
    """`use('sim')` 不给路径时用的模拟 MiniQMT 文件夹。"""
    return paths.home() / "sim" / "userdata_mini"
