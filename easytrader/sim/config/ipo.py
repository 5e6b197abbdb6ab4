"""模拟文件夹里的 ``ipo.json``：哪天能申购什么，什么价，怎么中签，哪天缴款、上市。

没有这个文件就没有新股。写错了抛 `SimulatorError`，说出哪一只、哪一项、应当怎么写。
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.market.rules.issues import BOND_MOST, UNITS, Unit
from easytrader.market.rules.tables import Scope, pick, scope_of
from easytrader.market.symbols import Kind, Security
from easytrader.sim.config import files
from easytrader.sim.config.files import EntryError
from easytrader.sim.market.script import Listing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


FILE_NAME: Final = "ipo.json"
_EXAMPLE: Final = (
    '{"name": "模拟", "listed_code": "688801.SH", "price": 25.60, "date": "2026-11-16", '
    '"max": 9000, "wins": 1, "listing": "2026-11-25"}'
)
_NEEDED: Final = ("name", "price", "date", "max", "listing")
_NAME_BYTES: Final = 31  # 厂商结构里的缓冲区 32 字节
_SH_STOCKS: Final = {"730": "600", "780": "601", "732": "603", "707": "605", "787": "688"}
_SH_BONDS: Final = ("733", "783", "754", "713", "718", "759")
_SZ_BONDS: Final = ("07", "37")
_QUOTAS: Final = ("KCB", "SH", "SZ")


@dataclass(frozen=True, slots=True)
class Issue:
    """一只能申购的新股或可转债。日期都是序数。

    ``code``：申购代码，厂商写法；深市的新股就是上市代码。``least``、``most``：下限与上限，
    股（张）；``step``：多少递增，也是一个配号的数量。``pay``：缴款日，0 为申购日后第二个交易日。
    ``wins``：每个账户中几签，None 为按中签率 ``rate_ppm``（百万分之几）摇号。
    """

    code: str
    name: str
    listed: Security
    bond: bool
    price_li: int
    day: int
    most: int
    least: int
    step: int
    listing: int
    pay: int
    wins: int | None
    rate_ppm: int

    @property
    def market(self) -> str:
        """占哪一份额度：``KCB SH SZ``；可转债不占，为空。"""
        if self.bond:
            return ""
        return "KCB" if scope_of(self.listed) is Scope.STAR else self.listed.exchange


class Prospectus(NamedTuple):
    """整个文件：各只新股（申购代码 → 它），写死的额度（市场 → 股）。"""

    issues: dict[str, Issue]
    quota: dict[str, int]


def load_issues(folder: Path) -> Prospectus:
    """读 ``folder`` 里的新股；没有文件为空；有一项写得不对抛 `SimulatorError`。"""
    return files.load(folder, FILE_NAME, parse_issues) or Prospectus({}, {})


def listings_of(prospectus: Prospectus) -> dict[str, Listing]:
    """行情与规则要知道的：上市代码 → 哪天、什么价。"""
    return {
        each.listed.stock_code: Listing(each.listing, each.price_li)
        for each in prospectus.issues.values()
    }


def parse_issues(body: Any) -> Prospectus:
    """文件的内容。"""
    right = f'最外层应为 {{"issues": {{"787801.SH": {_EXAMPLE}}}}}，可以另有 "quota"。'
    if not isinstance(body, dict) or not isinstance(body.get("issues"), dict):
        raise EntryError(right)
    if extra := sorted(set(body) - {"issues", "quota"}):
        raise EntryError(f"最外层没有 {extra[0]!r} 这一项。{right}")
    issues: dict[str, Issue] = {}
    taken: set[str] = set()
    for code, entry in body["issues"].items():
        issue = issues[code] = _issue(code, entry)
        if issue.listed.stock_code in taken:
            raise EntryError(f"{code} 的 listed_code：{issue.listed.stock_code} 出现了两次。")
        taken.add(issue.listed.stock_code)
    number = files.whole(0, 10**8)
    quota = body.get("quota", {})
    readers: dict[str, Callable[[object], Any]] = dict.fromkeys(_QUOTAS, number)
    return Prospectus(issues, files.fields_of("quota", quota, readers, '{"SH": 10000}'))


def _issue(code: str, entry: object) -> Issue:
    security = _parsed(code, "申购代码")
    values = files.fields_of(code, entry, _READERS, _EXAMPLE)
    for name in _NEEDED:
        if name not in values:
            raise EntryError(f"{code} 没有 {name}。例：{_EXAMPLE}")
    listed = _listed(security, values.get("listed_code"))
    bond = listed.kind is Kind.CONVERTIBLE
    _check_code(security, listed, bond)
    scope = scope_of(listed)
    assert scope is not None  # _check_code 已经拦下
    day, listing, pay = values["date"], values["listing"], values.get("pay", 0)
    if not day < (pay or day + 1) < listing:
        raise EntryError(f"{code} 的日子应为 date（申购）< pay（缴款）< listing（上市）。")
    if ("wins" in values) == ("rate_ppm" in values):
        raise EntryError(f"{code} 的 wins（中几签）与 rate_ppm（中签率）要写一个，只写一个。")
    unit = pick(UNITS, scope, date.fromordinal(day), Unit(500, 0)).shares
    step = values.get("step", unit)
    least, most = values.get("min", step), values["max"]
    if least % step or most % step or least > most:
        raise EntryError(f"{code} 的 min、max 应为 {step} 的整数倍，min 不大于 max。")
    if bond and most > BOND_MOST:
        raise EntryError(f"{code} 的 max：{most}。可转债应为不大于 {BOND_MOST} 的张数。")
    return Issue(
        code,
        values["name"],
        listed,
        bond,
        values["price"],
        day,
        most,
        least,
        step,
        listing,
        pay,
        values.get("wins"),
        values.get("rate_ppm", 0),
    )


def _parsed(code: object, what: str) -> Security:
    security = files.security_named(code, what)
    if security.stock_code != code:
        raise EntryError(f"{what} {code!r} 应写成 {security.stock_code}。")
    return security


def _listed(security: Security, code: str | None) -> Security:
    """上市代码；深市的新股不写就是申购代码自己。"""
    if code is not None:
        return _parsed(code, f"{security.stock_code} 的 listed_code")
    if security.kind is Kind.APPLICATION:
        raise EntryError(f"{security.stock_code} 没有 listed_code（上市代码）。")
    return security


def _check_code(security: Security, listed: Security, bond: bool) -> None:
    """申购代码与上市代码对不对得上。"""
    code, stock_code = security.stock_code, listed.stock_code
    if "BJ" in (security.exchange, listed.exchange):
        raise EntryError(f"{code}：北交所的申购（全额缴款、比例配售）没有模拟。")
    if not bond and listed.kind is not Kind.STOCK:
        raise EntryError(f"{code} 的 listed_code：{stock_code} 应为股票或可转债。")
    if bond:
        heads = _SH_BONDS if listed.exchange == "SH" else _SZ_BONDS
        if security.exchange != listed.exchange or not code.startswith(heads):
            raise EntryError(f"{code}：{stock_code} 的申购代码应以 {'、'.join(heads)} 开头。")
    elif listed.exchange == "SZ":
        if security != listed:
            raise EntryError(f"{code}：深市新股的申购代码就是上市代码 {stock_code}。")
    else:
        head = next((k for k, v in _SH_STOCKS.items() if stock_code.startswith(v)), "")
        if not head or security.exchange != "SH" or not code.startswith(head):
            raise EntryError(f"{code}：{stock_code} 的申购代码应以 {head or '730'} 开头。")


def _name(value: object) -> str:
    fine = isinstance(value, str) and value.isprintable()  # 也挡住编不了码的
    if not fine or not 1 <= len(str(value).encode()) <= _NAME_BYTES:
        raise EntryError(f"应为 1–{_NAME_BYTES} 个字节的名称（一个汉字三个字节），没有控制字符。")
    return str(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise EntryError("应为 688801.SH 这样的代码。")
    return value


def _price(value: object) -> int:
    """元 → 厘；整分。"""
    try:
        li = files.micro(100_000, 2)(value) // 1000
    except EntryError:
        li = 0
    if not li:
        raise EntryError("应为大于 0、至多两位小数的价格，元。")
    return li


_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "name": _name,
    "listed_code": _text,
    "price": _price,
    "date": files.day_of,
    "max": files.whole(1, 10**8),
    "min": files.whole(1, 10**8),
    "step": files.whole(1, 10**6),
    "pay": files.day_of,
    "listing": files.day_of,
    "wins": files.whole(0, 10**6),
    "rate_ppm": files.whole(0, 1_000_000),
}
