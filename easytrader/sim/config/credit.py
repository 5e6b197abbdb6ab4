"""模拟文件夹里的 ``credit.json``：券商各不相同的两融参数、标的与担保品名单、券源。

没有这个文件就用下面的缺省。写错了抛 `SimulatorError`，说出哪一项、写了什么、应当怎么写。
进程启动时读一次。
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.market.rules.credit import DEAREST_PE, Grade
from easytrader.market.rules.tables import REPOS, scope_of
from easytrader.sim.config import files as entries
from easytrader.sim.config.files import EntryError, fields_of, micro, security_named, shown, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


FILE_NAME: Final = "credit.json"
_PPM: Final = 1_000_000


class Subject(NamedTuple):
    """名单里的一只标的；比例为 None 的按规则。"""

    fin: bool = True
    slo: bool = True
    fin_margin_ppm: int | None = None
    slo_margin_ppm: int | None = None


@dataclass(frozen=True, slots=True)
class CreditSettings:
    """两融参数；各项的 JSON 写法见 `_READERS`。

    Attributes:
        fin_rate_ppm: 融资年利率，百万分之几；以下 ``_ppm`` 都是。
        slo_rate_ppm: 融券年费率。
        year_days: 一年按几天计息。
        term_days: 合约期限，自然日；None 按规则。
        fin_quota_li: 融资授信额度，厘。
        slo_quota_li: 融券授信额度，厘。
        fin_margin_ppm: 融资保证金比例；None 按规则。
        slo_margin_ppm: 融券保证金比例；None 按规则。
        withdraw_ppm: 提取线；None 按规则。
        warn_ppm: 警戒线：低于它不能再融资融券。
        close_ppm: 平仓线：低于它也不能买担保品；收盘时低于它要追保。
        restore_ppm: 追保要补到的线；None 为警戒线。
        call_days: 追保之后给几个交易日；到期收盘时还没有补到，下一个交易日早上强制平仓。
        force_close: 强制平仓。
        interest_first: 还款先还息费再还本金。
        fees_on_debt: 融资买入的费用计入合约；为假时从可用资金付。
        sell_repays: 担保品卖出卖到了融资买入的那部分，所得先还它的合约。
        overdue_blocks: 有到期未了结的合约时不能再融资融券。
        slo_in_auction: 集合竞价时段收融券卖出。
        repay_by: 直接还款的金额在 ``volume``（委托数量，元）还是 ``price``（委托价格，元）。
        subjects: 标的名单；None 为沪深 A 股都是。
        collateral: 担保品与折算率；None 按规则的类别与名单给。
        haircuts: 券商自己的折算率，类别（`rules.credit.Grade`）→ 百万分之几；不会高于规则的上限。
        index_members: 按指数成份股折算的；None 按规则的名单。
        no_earnings: 静态市盈率写明了的：证券 → 是不是 300 倍以上或为负。
        slo_volume: 券源：代码 → （普通，专项）。
    """

    fin_rate_ppm: int = 60_000
    slo_rate_ppm: int = 80_000
    year_days: int = 360
    term_days: int | None = None
    fin_quota_li: int = 5_000_000_000
    slo_quota_li: int = 5_000_000_000
    fin_margin_ppm: int | None = None
    slo_margin_ppm: int | None = None
    withdraw_ppm: int | None = None
    warn_ppm: int = 1_400_000
    close_ppm: int = 1_300_000
    interest_first: bool = True
    fees_on_debt: bool = True
    sell_repays: bool = True
    overdue_blocks: bool = True
    slo_in_auction: bool = False
    repay_by: str = "volume"
    subjects: dict[str, Subject] | None = None
    collateral: dict[str, int] | None = None
    slo_volume: dict[str, tuple[int, int]] = field(default_factory=dict)
    haircuts: dict[Grade, int] = field(default_factory=dict)
    index_members: frozenset[str] | None = None
    no_earnings: dict[str, bool] = field(default_factory=dict)
    restore_ppm: int | None = None
    call_days: int = 2
    force_close: bool = True

    @property
    def codes(self) -> set[str]:
        """各名单里写到的证券。"""
        named = (self.subjects, self.collateral, self.slo_volume, self.no_earnings)
        return {code for each in named for code in each or ()}


def load_settings(folder: Path) -> CreditSettings:
    """读 ``folder`` 里的参数；没有文件为缺省；有一项写得不对抛 `SimulatorError`。"""
    return entries.load(folder, FILE_NAME, parse_settings) or CreditSettings()


def parse_settings(body: object) -> CreditSettings:
    """解出来的 JSON → `CreditSettings`。"""
    values = fields_of("最外层", body, _READERS, '{"fin_rate": 0.06}')
    made = CreditSettings(**{_NAMES.get(key, key): value for key, value in values.items()})
    if made.close_ppm > made.warn_ppm:
        raise EntryError(
            f"close_ratio（平仓线）{made.close_ppm / _PPM:g} 不能高于"
            f" warn_ratio（警戒线）{made.warn_ppm / _PPM:g}；没有写的是缺省。"
        )
    said = made.restore_ppm
    if said is not None and (said <= _PPM or said < made.close_ppm):
        raise EntryError(
            f"restore_ratio（追保要补到的线）{said / _PPM:g} 应大于 1，"
            f"且不低于 close_ratio（平仓线）{made.close_ppm / _PPM:g}。"
        )
    return made


def _ratio(least: int, most: int) -> Callable[[object], int]:
    return _between(least * _PPM, most, 6, f"应为 {least}–{most}、至多 6 位小数的数。")


def _between(least_ppm: int, most: int, places: int, right: str) -> Callable[[object], int]:
    read = micro(most, places)

    def between(value: object) -> int:
        try:
            found = read(value)
        except EntryError:
            raise EntryError(right) from None
        if found < least_ppm:
            raise EntryError(right)
        return found

    return between


_margin: Final = _between(_PPM // 10, 5, 4, "应为 0.1–5、至多 4 位小数的数。")


def _yuan(value: object) -> int:
    return whole(0, 10**12)(value) * 1000


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise EntryError("应为 true 或 false。")
    return value


def _repay_by(value: object) -> str:
    if value not in ("volume", "price"):
        raise EntryError('应为 "volume" 或 "price"。')
    return str(value)


def _code(code: str) -> str:
    security = security_named(code)
    if scope_of(security) in (None, *REPOS):
        raise EntryError(f"{code}：信用账户不交易这个品种（{security.kind.value}）。")
    return security.stock_code


def _listing(example: str, read: Callable[[object], Any]) -> Callable[[object], dict[str, Any]]:
    def listing(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise EntryError(f"应为对象，证券代码作键，如 {example}。")
        found: dict[str, Any] = {}
        for code, entry in value.items():
            stock_code = _code(code)
            if stock_code in found:
                raise EntryError(f"{stock_code} 出现了两次。")
            try:
                found[stock_code] = read(entry)
            except EntryError as exc:
                raise EntryError(f"{code}：{shown(entry)}。{exc}") from None
        return found

    return listing


def _haircuts(value: object) -> dict[Grade, int]:
    readers = dict.fromkeys((each.value for each in Grade), _ratio(0, 1))
    found = fields_of("haircuts", value, readers, '{"stock": 0.6}')
    return {Grade(name): ppm for name, ppm in found.items()}


def _members(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        raise EntryError('应为证券代码的列表，如 ["600036.SH", "000001.SZ"]。')
    return frozenset(_code(code) for code in value)


def _no_earnings(value: object) -> bool:
    """静态市盈率 → 是不是 300 倍以上或为负。"""
    number = Decimal(value) if isinstance(value, (int, Decimal)) else None
    if number is None or isinstance(value, bool) or not number.is_finite():
        raise EntryError("应为静态市盈率，亏损的写负数，如 25.6、-8。")
    return number < 0 or number >= DEAREST_PE


_SUBJECT_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "fin": _flag,
    "slo": _flag,
    "fin_margin": _margin,
    "slo_margin": _margin,
}


def _subject(value: object) -> Subject:
    found = fields_of("标的", value, _SUBJECT_READERS, '{"fin": true, "slo": false}')
    return Subject(**{_NAMES.get(key, key): each for key, each in found.items()})


def _volumes(value: object) -> tuple[int, int]:
    count = whole(0, 10**10)
    if isinstance(value, list):
        if len(value) != 2:
            raise EntryError("应为 [普通, 专项] 两个数量，或一个普通的数量。")
        return count(value[0]), count(value[1])
    return count(value), 0


_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "fin_rate": _ratio(0, 1),
    "slo_rate": _ratio(0, 1),
    "year_days": whole(360, 366),
    "term_days": whole(1, 3650),
    "fin_quota": _yuan,
    "slo_quota": _yuan,
    "fin_margin": _margin,
    "slo_margin": _margin,
    "withdraw_ratio": _ratio(1, 10),
    "warn_ratio": _ratio(1, 10),
    "close_ratio": _ratio(1, 10),
    "restore_ratio": _ratio(1, 10),
    "call_days": whole(1, 20),
    "force_close": _flag,
    "interest_first": _flag,
    "fees_on_debt": _flag,
    "sell_repays": _flag,
    "overdue_blocks": _flag,
    "slo_in_auction": _flag,
    "repay_by": _repay_by,
    "subjects": _listing('{"600036.SH": {"slo": false}}', _subject),
    "collateral": _listing('{"600036.SH": 0.7}', _ratio(0, 1)),
    "haircuts": _haircuts,
    "index_members": _members,
    "static_pe": _listing('{"600036.SH": 6.5, "000002.SZ": -1}', _no_earnings),
    "slo_volume": _listing('{"600036.SH": 100000}', _volumes),
}
_NAMES: Final = {
    "fin_rate": "fin_rate_ppm",
    "slo_rate": "slo_rate_ppm",
    "fin_quota": "fin_quota_li",
    "slo_quota": "slo_quota_li",
    "fin_margin": "fin_margin_ppm",
    "slo_margin": "slo_margin_ppm",
    "withdraw_ratio": "withdraw_ppm",
    "warn_ratio": "warn_ppm",
    "close_ratio": "close_ppm",
    "restore_ratio": "restore_ppm",
    "static_pe": "no_earnings",
}
"""JSON 的写法 → 字段名；不在这里的同名。"""
