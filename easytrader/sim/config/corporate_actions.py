"""模拟文件夹里的 ``corporate_actions.json``：哪只证券、哪天登记、哪天除权除息、给多少。

没有这个文件就什么也不发生。写错了抛 `SimulatorError`，说出哪一只、第几条、哪一项、应当怎么写。
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from easytrader.market.rules.exrights import DIVIDEND_TAX, Change
from easytrader.market.rules.tables import BONDS, FUNDS, scope_of
from easytrader.market.symbols import Kind, parse_security
from easytrader.sim.config import files
from easytrader.sim.config.files import EntryError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


FILE_NAME: Final = "corporate_actions.json"
_EXAMPLE: Final = '{"record": "2026-11-17", "ex": "2026-11-18", "cash": 0.35}'
_SHARE: Final = 10_000_000
"""一股；送转的比例以它的整数份记（每 10 股多少，至多六位小数）。"""


@dataclass(frozen=True, slots=True)
class Action:
    """一次公司行为。日期都是序数。

    ``record``：股权登记日，这天收市时持有的有份；``ex``：除权除息日，送转的股份到账、可以卖；
    ``pay``：现金红利到账的日子；都是序数。
    ``cash_micro``：每股现金红利（税前），百万分之一元；``tax_ppm``：派发时扣的税，红利的百万分之几，扣了就不再
    补扣；None 为派发时不扣、股票卖出时按持股期限补扣（`rules.exrights.DIVIDEND_TAX`）。
    ``gift``：每股送、转合计多少股，千万分之一股；``bonus``：其中送的（不是转增的）。
    ``rights``：配股，每股配多少（千万分之一股），不是为 0；``rights_li``：配股价，厘；
    ``rights_code``：缴款用的代码；``until``：缴款的末日；配股到股的日子在 ``pay``。
    ``split``：基金拆分、合并的 ``(新份额, 旧份额)``；不是为 None。
    """

    code: str
    record: int
    ex: int
    pay: int
    cash_micro: int = 0
    gift: int = 0
    bonus: int = 0
    tax_ppm: int | None = None
    split: tuple[int, int] | None = None
    rights: int = 0
    rights_li: int = 0
    rights_code: str = ""
    until: int = 0

    @property
    def key(self) -> str:
        """记录里的编号。"""
        return f"{self.code}:{date.fromordinal(self.ex)}"

    @property
    def change(self) -> Change:
        """对价格的作用。"""
        after, before = self.split or (_SHARE + self.gift + self.rights, _SHARE)
        paid_micro = self.rights * self.rights_li * 1000 // _SHARE
        return Change(self.ex, self.cash_micro - paid_micro, after, before)

    def cash_li(self, volume: int) -> int:
        """``volume`` 股的税前红利，四舍五入到分。"""
        return (volume * self.cash_micro + 5000) // 10_000 * 10

    def tax_li(self, cash_li: int) -> int:
        """派发时扣的税，四舍五入到分。"""
        return (cash_li * (self.tax_ppm or 0) + 5_000_000) // 10_000_000 * 10

    @property
    def taxed(self) -> bool:
        """卖出时要补扣红利税。"""
        scope = scope_of(parse_security(self.code))
        since = DIVIDEND_TAX.since.toordinal()
        return self.tax_ppm is None and scope in DIVIDEND_TAX.scopes and self.record >= since

    @property
    def taxable_micro(self) -> int:
        """每股的应税红利，百万分之一元：现金，加上送股的面值（一股一元）。"""
        return self.cash_micro + self.bonus * 1_000_000 // _SHARE

    def shares(self, volume: int) -> int:
        """``volume`` 股送转多少股：不足一股的舍去。"""
        return volume * self.gift // _SHARE


def load_actions(folder: Path) -> tuple[Action, ...]:
    """读 ``folder`` 里的公司行为；没有文件为空；有一项写得不对抛 `SimulatorError`。"""
    return files.load(folder, FILE_NAME, parse_actions) or ()


def changes_of(actions: tuple[Action, ...]) -> dict[str, list[Change]]:
    """行情要知道的：代码 → 各次除权除息。"""
    found: dict[str, list[Change]] = {}
    for action in actions:
        found.setdefault(action.code, []).append(action.change)
    return found


def parse_actions(body: Any) -> tuple[Action, ...]:
    """文件的内容 → 各次公司行为，按除权除息日。"""
    if not isinstance(body, dict):
        raise EntryError("最外层应为对象，证券代码作键。")
    found: dict[str, Action] = {}
    for code, entries in body.items():
        if not isinstance(entries, list):
            raise EntryError(f"{code} 应为列表，一次公司行为一个对象：[{_EXAMPLE}]。")
        for number, entry in enumerate(entries, 1):
            action = _action(code, f"{code} 的第 {number} 条", entry)
            if action.key in found:
                raise EntryError(f"{code} 的第 {number} 条：同一天除权除息的写成一条。")
            found[action.key] = action
    return tuple(sorted(found.values(), key=lambda each: (each.ex, each.code)))


def _action(code: str, what: str, entry: object) -> Action:
    stock_code, fund = _stock_code(code)
    values = files.fields_of(what, entry, _READERS, _EXAMPLE)
    if "ex" not in values:
        raise EntryError(f"{what} 没有 ex（除权除息日）。")
    if "split" in values:
        return _split(stock_code, fund, what, values)
    if values.keys() & {"rights", "rights_price", "rights_code", "until", "listing"}:
        return _rights(stock_code, fund, what, values)
    if "record" not in values:
        raise EntryError(f"{what} 没有 record（股权登记日）。")
    gift = values.get("bonus", 0) + values.get("transfer", 0)
    if not gift and not values.get("cash"):
        raise EntryError(f"{what} 什么也不给：cash、bonus、transfer 至少写一项大于 0 的。")
    if gift and fund:
        raise EntryError(f"{what} 是基金，没有送转股；份额拆分写 split。")
    record, ex = values["record"], values["ex"]
    pay = values.get("pay", ex)
    if not record < ex <= pay:
        raise EntryError(f"{what} 的日子应为 record（登记）< ex（除权除息）≤ pay（派发）。")
    return Action(
        stock_code,
        record,
        ex,
        pay,
        values.get("cash", 0),
        gift,
        values.get("bonus", 0),
        values.get("tax_ppm"),
    )


_RIGHTS: Final = (
    '{"record": "2026-11-16", "ex": "2026-11-25", "rights": 3, "rights_price": 8.5, '
    '"until": "2026-11-23"}'
)
_RIGHTS_CODES: Final = {"600": "700", "601": "760", "000": "080", "002": "082", "300": "380"}


def _rights(code: str, fund: bool, what: str, values: dict[str, Any]) -> Action:
    needed = {"record", "ex", "rights", "rights_price", "until"}
    if fund or needed - values.keys() or values.keys() - needed - {"rights_code", "listing"}:
        raise EntryError(
            f"{what} 是配股：只用于股票，写 {' '.join(sorted(needed))}，可以另写 rights_code、"
            f"listing，如 {_RIGHTS}。"
        )
    record, until, ex = values["record"], values["until"], values["ex"]
    listing = values.get("listing", ex)
    if not record < until < ex <= listing:
        raise EntryError(
            f"{what} 的日子应为 record（登记）< until（缴款末日）< ex（除权）≤ listing（到股）。"
        )
    if not values["rights"] or not values["rights_price"]:
        raise EntryError(f"{what} 的 rights（每 10 股配几股）与 rights_price（配股价）应大于 0。")
    head = _RIGHTS_CODES.get(code[:3])
    said = values.get("rights_code") or (head and f"{head}{code[3:]}")
    if not said:
        raise EntryError(f"{what} 没有 rights_code（缴款用的代码，如 785001.SH）。")
    security = files.security_named(said, "rights_code")
    if security.kind is not Kind.APPLICATION or security.exchange != code[-2:]:
        raise EntryError(f"{what} 的 rights_code：{said} 不是{code[-2:]}的配股代码，如 700036.SH。")
    return Action(
        code,
        record,
        ex,
        listing,
        rights=values["rights"],
        rights_li=values["rights_price"] // 1000,
        rights_code=security.stock_code,
        until=until,
    )


def _split(code: str, fund: bool, what: str, values: dict[str, Any]) -> Action:
    if not fund:
        raise EntryError(f"{what} 的 split 只用于基金；股票的转增写 transfer。")
    extra = sorted(set(values) - {"split", "ex"})
    if extra:
        raise EntryError(f"{what} 写了 split，就只能再写 ex，多了 {' '.join(extra)}。")
    ex = values["ex"]
    return Action(code, ex - 1, ex, ex, split=values["split"])


def _stock_code(code: str) -> tuple[str, bool]:
    """厂商写法的代码，是不是基金。"""
    security = files.security_named(code)
    if security.stock_code != code:
        raise EntryError(f"证券代码 {code!r} 应写成 {security.stock_code}。")
    scope = scope_of(security)
    if scope is None:
        raise EntryError(f"{code}：模拟柜台不交易这个品种（{security.kind.value}）。")
    if scope in BONDS:
        raise EntryError(f"{code}：债券付息没有模拟；有的是股票与基金。")
    return code, scope in FUNDS


def _ratio(value: object) -> tuple[int, int]:
    right = "应为 [新份额, 旧份额]，两个 1–10000 的整数，如 1 拆 2 是 [2, 1]，4 合 1 是 [1, 4]。"
    if not isinstance(value, list) or len(value) != 2:
        raise EntryError(right)
    try:
        after, before = map(files.whole(1, 10_000), value)
    except EntryError:
        raise EntryError(right) from None
    if after == before:
        raise EntryError(right)
    return after, before


_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "record": files.day_of,
    "ex": files.day_of,
    "pay": files.day_of,
    "cash": files.micro(10_000, 6),
    "bonus": files.micro(100, 6),
    "transfer": files.micro(100, 6),
    "tax_ppm": files.whole(0, 200_000),
    "rights": files.micro(10, 6),
    "rights_price": files.micro(10_000, 2),
    "rights_code": files.text(9),
    "until": files.day_of,
    "listing": files.day_of,
    "split": _ratio,
}
