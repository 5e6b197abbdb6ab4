"""约券这项业务：只有信用账户有。

库存券申请（``negotiate``）当场成交；专项券申请（``appointment``）先挂着，可以撤，第二天开始时
按先后占券源，占不到的作废。展期、归还当场生效。约到的券不进两融的可融券数量，利息只记数。
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.beijing import BEIJING
from easytrader.errors import UsageError
from easytrader.market.symbols import parse_security
from easytrader.sim.config.smt import SPECIAL, STOCK, Quoter
from easytrader.sim.ledger.events import Done
from easytrader.sim.ledger.plugin import QuietBusiness, details, from_json, to_json

if TYPE_CHECKING:
    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.ledger import Surroundings


APPLICATION: Final = "smt_apply"
COMPACT: Final = "smt_compact"
_CREDIT: Final = 3
_NOT_CREDIT: Final = "只有信用账户能约券"


class RefusedError(Exception):
    """办不了；文字是原因。"""


class SmtBusiness(QuietBusiness):
    """见模块说明。"""

    def __init__(self, seen: Surroundings, pool: tuple[Quoter, ...]) -> None:
        self._ledger = seen.ledger
        self._quote = seen.quote
        self._pool = pool

    # ---- 查询

    def ask(self, verb: str, account: Account, args: Any) -> list[Any] | None:
        """查询：券源（连剩余）、申请、合约，各连同今天。"""
        today = self._ledger.state.progress.day
        credit = account.account_type == _CREDIT
        if verb == "smt_quoters":
            return [(quoter, self._left(quoter), today) for quoter in self._pool if credit]
        if verb == "smt_orders":
            return [(each, today) for each in self._applications(account.account_id)]
        if verb == "smt_compacts":
            return [(each, today) for each in self._compacts(account.account_id)]
        return None

    # ---- 办事

    def act(self, verb: str, account: Account, args: Any, now: float) -> Done | None:
        """申请、撤销、展期、归还。"""
        doing = {
            "smt_negotiate": self._negotiate,
            "smt_appointment": self._appoint,
            "smt_cancel": self._cancel,
            "smt_renewal": self._renew,
            "smt_return": self._give_back,
        }.get(verb)
        if doing is None:
            return None
        try:
            if account.account_type != _CREDIT:
                raise RefusedError(_NOT_CREDIT)
            return Done("", doing(account, details(args), now))
        except RefusedError as error:
            return Done(str(error))

    def start_day(self, day: int) -> None:
        """昨天挂着的专项券申请，按先后占券源。"""
        for account_id in sorted(self._ledger.state.accounts):
            for each in self._applications(account_id):
                if each.status != WAITING:
                    continue
                found = self._source(each.code, SPECIAL, "", each)
                if found is None:
                    each.status = REFUSED
                    self._save(account_id, each)
                else:
                    self._conclude(account_id, each, found, day)

    def _negotiate(self, account: Account, given: dict[str, Any], now: float) -> str:
        application = self._apply(account, given, STOCK, now)
        group = given["src_group_id"]
        found = self._source(application.code, STOCK, group, application)
        if found is None:
            raise RefusedError(self._why_none(application, STOCK, group))
        day = self._ledger.state.progress.day
        self._conclude(account.account_id, application, found, day)
        return application.apply_id

    def _appoint(self, account: Account, given: dict[str, Any], now: float) -> str:
        application = self._apply(account, given, SPECIAL, now)
        self._save(account.account_id, application)
        return application.apply_id

    def _cancel(self, account: Account, given: dict[str, Any], now: float) -> str:
        for each in self._applications(account.account_id):
            if each.apply_id != given["apply_id"]:
                continue
            if each.status != WAITING:
                raise RefusedError(f"申请 {each.apply_id} {each.status}，不能撤销")
            each.status = CANCELED
            self._save(account.account_id, each)
            return each.apply_id
        raise RefusedError(f"没有申请 {given['apply_id']}")

    def _renew(self, account: Account, given: dict[str, Any], now: float) -> str:
        compact = self._compact(account, given)
        if given["defer_num"] != compact.left:
            raise RefusedError(f"展期数量应为未还的全部 {compact.left}")
        if given["apply_rate"] < compact.rate:
            raise RefusedError(f"申请利率低于合约的 {compact.rate:g}")
        if self._ledger.state.progress.day > compact.due:
            raise RefusedError("合约已经逾期，不能展期")
        if given["defer_days"] < 1:
            raise RefusedError("展期天数应大于 0")
        compact.days += given["defer_days"]
        compact.rate = given["apply_rate"]
        compact.postpones += 1
        self._save(account.account_id, compact)
        return compact.apply_id

    def _give_back(self, account: Account, given: dict[str, Any], now: float) -> str:
        compact = self._compact(account, given)
        if not 0 < given["amount"] <= compact.left:
            raise RefusedError(f"归还数量超过未还的 {compact.left}")
        compact.returned += given["amount"]
        if not compact.left:
            compact.repaid_day = self._ledger.state.progress.day
        self._save(account.account_id, compact)
        return compact.apply_id

    # ---- 内部

    def _apply(self, account: Account, given: dict[str, Any], mode: str, now: float) -> Application:
        try:
            security = parse_security(given["code"])
        except UsageError:
            raise RefusedError(f"证券代码 {given['code']} 不存在") from None
        if given["amount"] < 1 or given["days"] < 1 or given["rate"] < 0:
            raise RefusedError("数量、期限、利率不合法")
        number = len(self._applications(account.account_id)) + 1
        at = datetime.fromtimestamp(now, BEIJING)
        return Application(
            f"{at:%Y%m%d}{number:06d}",
            security.stock_code,
            given["amount"],
            given["days"],
            given["rate"],
            mode,
            given.get("src_group_id", ""),
            given.get("preend_rate", 0.0),
            given.get("fine_rate", 0.0),
            self._ledger.state.progress.day,
            int(f"{at:%H%M%S}"),
            self._quote(security).last_li,
        )

    def _source(self, code: str, mode: str, group: str, application: Application) -> Quoter | None:
        """够这笔申请的券源里利率最低的。"""
        fit = [
            each
            for each in self._pool
            if (each.code, each.apply_mode) == (code, mode)
            and group in ("", each.src_group_id)
            and each.low_days <= application.days <= each.days
            and application.rate >= each.rate
            and self._left(each) >= application.amount
        ]
        return min(fit, key=lambda each: (each.rate, each.key), default=None)

    def _why_none(self, application: Application, mode: str, group: str) -> str:
        same = [
            each
            for each in self._pool
            if (each.code, each.apply_mode) == (application.code, mode)
            and group in ("", each.src_group_id)
        ]
        if not same:
            return f"没有 {application.code} 的券源"
        told = "；".join(
            f"{each.src_group_id} 剩 {self._left(each)} 股、利率 {each.rate:g}、"
            f"{each.low_days}–{each.days} 天"
            for each in same
        )
        return f"没有合适的券源：{told}"

    def _conclude(
        self, account_id: str, application: Application, quoter: Quoter, day: int
    ) -> None:
        """占住券源，立合约。"""
        compact = Compact(
            f"C{application.apply_id}",
            application.apply_id,
            quoter.key,
            application.code,
            application.amount,
            application.days,
            application.rate,
            application.preend_rate or quoter.preend_rate,
            application.fine_rate or quoter.fine_rate,
            application.apply_mode,
            quoter.src_group_id,
            day,
            application.price_li,
        )
        application.status = DONE
        application.src_group_id = quoter.src_group_id
        application.compact_id = compact.compact_id
        self._save(account_id, application)
        self._save(account_id, compact)

    def _left(self, quoter: Quoter) -> int:
        """这条券源还剩多少，股：还了的回来。"""
        used = sum(each.left for each in self._compacts() if each.quoter == quoter.key)
        return max(quoter.amount - used, 0)

    def _compact(self, account: Account, given: dict[str, Any]) -> Compact:
        for each in self._compacts(account.account_id):
            if each.compact_id == given["compact_id"]:
                if given["code"] not in (each.code, each.code.partition(".")[0]):
                    raise RefusedError(f"合约 {each.compact_id} 是 {each.code} 的")
                return each
        raise RefusedError(f"没有合约 {given['compact_id']}")

    def _applications(self, account_id: str) -> list[Application]:
        return [from_json(Application, body) for body in self._bodies(APPLICATION, account_id)]

    def _compacts(self, account_id: str = "") -> list[Compact]:
        return [from_json(Compact, body) for body in self._bodies(COMPACT, account_id)]

    def _save(self, account_id: str, record: Application | Compact) -> None:
        kind, key = COMPACT, record.compact_id
        if isinstance(record, Application):
            kind, key = APPLICATION, record.apply_id
        self._ledger.note(kind, account_id, key, to_json(record))

    def _bodies(self, wanted: str, account_id: str) -> list[str]:
        found = [
            (owner, key, body)
            for (kind, owner, key), body in self._ledger.state.records.items()
            if kind == wanted and account_id in ("", owner)
        ]
        return [body for _, _, body in sorted(found)]


WAITING: Final = "待成交"
DONE: Final = "已成交"
CANCELED: Final = "已撤销"
REFUSED: Final = "已作废"

_YEAR_DAYS: Final = 360


@dataclass(slots=True)
class Application:
    """一笔约券申请。

    数量以股计，期限以天计，利率是年利率；``day`` 是哪天申请的（序数），``time`` 是 ``HHMMSS``。
    ``apply_mode``：``1`` 库存券，``2`` 专项券；专项券没有成交以前没有 ``src_group_id``。
    ``status`` 是中文（厂商没有给出代码）；``compact_id`` 是成交之后的合约编号。
    """

    apply_id: str
    code: str
    amount: int
    days: int
    rate: float
    apply_mode: str
    src_group_id: str
    preend_rate: float
    fine_rate: float
    day: int
    time: int
    price_li: int
    status: str = WAITING
    compact_id: str = ""


@dataclass(slots=True)
class Compact:
    """一张约券合约。

    数量以股计，``amount`` 是期初的；``days`` 含展期；利率是年利率；``price_li`` 是生效时的价格。
    ``quoter``：占着哪条券源（`Quoter.key`）；``day``：哪天生效（序数）；``repaid_day``：还清的那天，
    没有还清为 0。
    """

    compact_id: str
    apply_id: str
    quoter: str
    code: str
    amount: int
    days: int
    rate: float
    preend_rate: float
    fine_rate: float
    apply_mode: str
    src_group_id: str
    day: int
    price_li: int
    returned: int = 0
    postpones: int = 0
    repaid_day: int = 0

    @property
    def left(self) -> int:
        """未还数量。"""
        return self.amount - self.returned

    @property
    def due(self) -> int:
        """到期日（序数）。"""
        return self.day + self.days

    def status(self, today: int) -> str:
        """厂商的合约状态代码。"""
        if not self.left:
            if self.repaid_day < self.due:
                return "2"
            return "3" if self.repaid_day == self.due else "4"
        if today > self.due:
            return "5"
        return "1" if self.returned else "0"

    def interest_li(self, today: int) -> tuple[int, int]:
        """到今天的（利息, 罚息），厘，按期初金额、自然日、一年 360 天；只记数，不扣款。"""
        end = self.repaid_day or today
        balance = self.price_li * self.amount
        late = max(end - self.due, 0)
        days = max(min(end, self.due) - self.day, 0)
        return (
            round(balance * self.rate * days / _YEAR_DAYS),
            round(balance * self.fine_rate * late / _YEAR_DAYS),
        )
