"""令牌：谁可以用这个服务器、能做什么、到什么时候。

文件 ``EASYTRADER_HOME/server/tokens.json`` 里只有加盐的 SHA-256，没有令牌本身：令牌是 256 位的
随机数，猜不出来，用不着故意算得很慢的摘要（那样反而让人用错的令牌拖垮服务器）。
文件只给本人看（0600）；Windows 上靠的是用户目录本来就只有本人能看。

读不懂、读不了的文件里没有一个令牌有效：宁可谁也进不来。
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader import arguments
from easytrader.basics import beijing
from easytrader.basics.paths import home
from easytrader.errors import EasytraderError, UsageError
from easytrader.market.symbols import parse_security
from easytrader.server.statefile import StateFile
from easytrader.wire import verbs

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from pathlib import Path

    from easytrader.market.symbols import Security

__all__ = ["Grant", "Tokens", "default_file", "expiry"]

_VERSION: Final = 1
_TOKEN: Final = re.compile(r"et_([0-9a-f]{8})_([0-9a-f]{64})")
_ID_BYTES: Final = 4
_SECRET_BYTES: Final = 32
_SALT_BYTES: Final = 16
_LONGEST: Final = 64
_NAME: Final = re.compile(r"[^\W_][\w.-]{0,31}")
_MOST_YUAN: Final = Decimal(10) ** 15
_DAY_S: Final = 86400
_MOST_DAYS: Final = 3650
_DURATION: Final = re.compile(r"(\d{1,6})([dh])")
_PREFIXED: Final = re.compile(r"(SH|SZ|BJ)\.?([\d*]+)", re.IGNORECASE)
_LIKE_A_SHARE: Final = re.compile(
    r"(?:SH|SZ|BJ)\.?\d+|\d+(?:\.(?:S[HSZ]\w*|B[JS]\w*|XS\w*)?)?", re.IGNORECASE
)
_PATTERN: Final = re.compile(r"[\w*./:-]+", re.ASCII)
_SHOWN: Final = "%Y-%m-%d %H:%M"


def default_file() -> Path:
    """令牌的文件在哪里。"""
    return home() / "server" / "tokens.json"


@dataclass(frozen=True, slots=True)
class Grant:
    """一个令牌许可什么；里面没有秘密。

    Attributes:
        id: 令牌中间的那一段：认得出是哪一个，猜不出整个。
        name: 发的时候取的名字，审计记录里写它。
        scopes: 权限，``read trade funds``；后两种都包含 ``read``，互相不包含。
        accounts: 只许用这些账号：服务器上的名字，或资金账号；空是都可以。
        codes: 只许买卖这些证券：``600036.SH``，或带 ``*`` 的；空是都可以。
        max_order: 一笔最多多少元；None 不限。
        max_day: 北京时间一天里合计最多多少元；None 不限。
        expires: 到这时为止，Unix 秒；None 不过期。
    """

    id: str
    name: str
    scopes: tuple[str, ...]
    accounts: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    max_order: Decimal | None = None
    max_day: Decimal | None = None
    expires: float | None = None

    def may(self, scope: str) -> bool:
        """有没有这种权限。"""
        return scope in self.scopes or (scope == verbs.READ and bool(self.scopes))

    def sees(self, account_name: str, account_id: str) -> bool:
        """能不能用这个账号；给服务器上的名字与资金账号。"""
        return not self.accounts or account_name in self.accounts or account_id in self.accounts

    def covers(self, security: Security) -> bool:
        """能不能买卖这只证券。"""
        if not self.codes:
            return True
        names = (security.stock_code, security.code)
        return any(_glob(each).fullmatch(name) for each in self.codes for name in names)

    @property
    def limited(self) -> bool:
        """限了证券或金额：说不出是什么、值多少钱的动词就不能做。"""
        return bool(self.codes) or self.max_order is not None or self.max_day is not None


class Tokens:
    """令牌的文件；几个进程可以同时用，一处吊销，处处马上生效。线程安全。

    Args:
        path: 文件；没有就是一个令牌也没有，发第一个时才建。
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file: StateFile[_Entries] = StateFile(
            path,
            "令牌的文件",
            _parsed,
            _plain,
            {},
            "在它好之前谁也进不来：移走它，再用 easytrader token add 重新发",
        )
        self.path = self._file.path
        # 时钟往回拨，过期的也不会再有效：不早于启动时的钟加上走过的时间
        self._offset = time.time() - time.monotonic()

    def add(
        self,
        name: str,
        scopes: Iterable[str],
        *,
        accounts: Iterable[str] = (),
        codes: Iterable[str] = (),
        max_order: object = None,
        max_day: object = None,
        expires: float | None = None,
    ) -> str:
        """发一个令牌。

        Args:
            name: 取个名字；大小写不论，不能重复。
            scopes: 权限，见 `Grant`；以下各项也是，不给就是不限。
            accounts: 账号。
            codes: 证券，下单收的写法都可以；带 ``*`` 的是一批：``51*``、``*.SZ``、``sh60*``。
            max_order: 一笔多少元。
            max_day: 一天多少元。
            expires: Unix 秒，见 `expiry`。

        Returns:
            令牌 ``et_<编号>_<秘密>``；只有这一次看得到，文件里没有它。

        Raises:
            UsageError: 某一项不对，或名字已经有了。
            EasytraderError: 文件读不懂、写不了。
        """
        identity, secret = secrets.token_hex(_ID_BYTES), secrets.token_hex(_SECRET_BYTES)
        grant = Grant(
            identity,
            _checked_name(name),
            _checked_scopes(scopes),
            tuple(dict.fromkeys(map(_checked_account, accounts))),
            tuple(dict.fromkeys(map(_checked_code, codes))),
            _yuan("max_order", max_order),
            _yuan("max_day", max_day),
            expires,
        )
        if grant.limited and grant.may(verbs.FUNDS):
            form = "限额与证券名单只管买卖，管不住转账；请分开发两个令牌：一个 trade，一个 funds"
            raise UsageError("scope", " ".join(grant.scopes), form)
        if expires is not None and expires <= self._now():
            raise UsageError("expires", beijing.stamp(expires, _SHOWN), "已经过去了")
        salt = secrets.token_hex(_SALT_BYTES)
        with self._file.changing() as found:
            if any(_same(each.grant.name, grant.name) for each in found.values()):
                form = "已经有这个名字的令牌；另取一个，或先 easytrader token revoke 吊销它"
                raise UsageError("name", name, form)
            if identity in found:
                raise EasytraderError("令牌的编号撞上了别的，请再来一次")
            found[identity] = _Entry(grant, salt, _digest(salt, secret), time.time())
        return f"et_{identity}_{secret}"

    def revoke(self, name: str) -> None:
        """吊销；开着的连接也马上不能再用。

        Raises:
            UsageError: 没有这个名字的令牌。
            EasytraderError: 文件读不懂、写不了。
        """
        with self._file.changing() as found:
            gone = [key for key, each in found.items() if _same(each.grant.name, name)]
            if not gone:
                have = "、".join(each.grant.name for each in found.values()) or "一个也没有"
                raise UsageError("name", name, f"没有这个名字的令牌；有的是：{have}")
            for key in gone:
                del found[key]

    def grants(self) -> list[Grant]:
        """所有的令牌，连同过期的，按发的先后。

        Raises:
            EasytraderError: 文件读不懂、读不了。
        """
        return [each.grant for each in self._file.read().values()]

    def check(self, token: object) -> Grant | None:
        """这个令牌许可什么；不对、过期、吊销了的为 None。

        花的时间与令牌错在哪里无关；文件读不懂时一律 None，原因在日志里。
        """
        match = _TOKEN.fullmatch(token) if isinstance(token, str) else None
        identity, secret = match.groups() if match else ("", "")
        entry = self._file.current().get(identity, _NOBODY)
        right = hmac.compare_digest(_digest(entry.salt, secret), entry.digest)
        if not right or entry is _NOBODY or self._expired(entry.grant):
            return None
        return entry.grant

    def alive(self, grant: Grant) -> bool:
        """还有效：没有过期、没有吊销。每条消息都问一次，文件没有变就只看一眼它的时间。"""
        entry = self._file.current().get(grant.id)
        return entry is not None and entry.grant == grant and not self._expired(grant)

    # ---- 内部

    def _expired(self, grant: Grant) -> bool:
        return grant.expires is not None and self._now() >= grant.expires

    def _now(self) -> float:
        return max(time.time(), time.monotonic() + self._offset)


def expiry(text: str, now: float | None = None) -> float:
    """``30d``、``12h``、``2026-12-31``（含这一天）、``2026-12-31 15:00`` → Unix 秒。

    Raises:
        UsageError: 写得不对，已经过去了，或太远。
    """
    form = f"写成 30d（天）、12h（小时）、2026-12-31 或 '2026-12-31 15:00'，{_MOST_DAYS} 天以内"
    began = time.time() if now is None else now
    told = unicodedata.normalize("NFKC", text).strip().lower()
    try:
        if match := _DURATION.fullmatch(told):
            found = began + int(match[1]) * (_DAY_S if match[2] == "d" else 3600)
        elif len(told) == len("2026-12-31"):
            found = float(beijing.midnight(date.fromisoformat(told).toordinal() + 1))
        else:
            found = beijing.moment(told)
    except (ValueError, OverflowError):
        raise UsageError("expires", text, form) from None
    if not began < found <= began + _MOST_DAYS * _DAY_S:
        raise UsageError("expires", text, form if found > began else f"已经过去了；{form}")
    return found


class _Entry(NamedTuple):
    """文件里的一行；``repr`` 里有摘要，不要写进日志。"""

    grant: Grant
    salt: str
    digest: str
    created: float

    def __repr__(self) -> str:
        return f"<{self.grant.name}>"


_Entries = dict[str, _Entry]

_NOBODY: Final = _Entry(Grant("", "", ()), "0" * 32, "0" * 64, 0.0)
"""没有这个编号的也照样算一遍、比一遍。"""


def _digest(salt: str, secret: str) -> str:
    return sha256(f"{salt}:{secret}".encode()).hexdigest()


def _same(one: str, other: object) -> bool:
    return isinstance(other, str) and _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


# ---- 文件里的样子


def _row(entry: _Entry) -> dict[str, Any]:
    grant = entry.grant
    return {
        "id": grant.id,
        "name": grant.name,
        "salt": entry.salt,
        "digest": entry.digest,
        "scopes": grant.scopes,
        "accounts": grant.accounts,
        "codes": grant.codes,
        "max_order": None if grant.max_order is None else str(grant.max_order),
        "max_day": None if grant.max_day is None else str(grant.max_day),
        "expires": grant.expires,
        "created": entry.created,
    }


def _plain(found: _Entries) -> dict[str, Any]:
    return {"version": _VERSION, "tokens": [_row(each) for each in found.values()]}


def _parsed(body: Any) -> _Entries:
    """有一处不对就整个不算：少读一项限制，就是多给一分权限。"""
    if body is None:
        return {}
    if body["version"] != _VERSION or set(body) != {"version", "tokens"}:
        raise ValueError("不是这个版本的文件")
    found: _Entries = {}
    for row in body["tokens"]:
        if set(row) != set(_row(_NOBODY)):
            raise ValueError("多了或少了一项")
        expires = row["expires"]
        grant = Grant(
            _hex(row["id"], 2 * _ID_BYTES),
            _checked_name(row["name"]),
            _checked_scopes(_list(row["scopes"])),
            tuple(map(_checked_account, _list(row["accounts"]))),
            tuple(map(_checked_code, _list(row["codes"]))),
            _yuan("max_order", row["max_order"]),
            _yuan("max_day", row["max_day"]),
            None if expires is None else float(expires),
        )
        salt, digest = _hex(row["salt"], 2 * _SALT_BYTES), _hex(row["digest"], 64)
        if grant.id in found:
            raise ValueError("编号重复")
        found[grant.id] = _Entry(grant, salt, digest, float(row["created"]))
    return found


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("应为列表")
    return value


def _hex(value: Any, length: int) -> str:
    if not isinstance(value, str) or not re.fullmatch(rf"[0-9a-f]{{{length}}}", value):
        raise ValueError("应为十六进制")
    return value


# ---- 各项


def _checked_name(value: object) -> str:
    name = unicodedata.normalize("NFKC", value) if isinstance(value, str) else ""
    if not _NAME.fullmatch(name):
        form = "应为 1 到 32 个字：字母、汉字、数字、_ - .，以字母、汉字、数字开头"
        raise UsageError("name", value, form)
    return name


def _checked_scopes(values: Iterable[object]) -> tuple[str, ...]:
    """按 `verbs.SCOPES` 的次序。"""
    form = f"可用的权限：{'、'.join(verbs.SCOPES)}；trade、funds 都包含 read"
    given = [values] if isinstance(values, str) else list(values)
    for each in given:
        if each not in verbs.SCOPES:
            raise UsageError("scope", each, form)
    if not given:
        raise UsageError("scope", "", f"至少要一种；{form}")
    return tuple(each for each in verbs.SCOPES if each in given)


def _checked_account(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > _LONGEST or not text.isprintable() or "," in text:
        form = f"应为账号在服务器上的名字，或资金账号，最多 {_LONGEST} 个字"
        raise UsageError("accounts", value, form)
    return text


def _checked_code(value: object) -> str:
    form = "写成证券代码 600036、600036.SH、sh600036，或带 * 的一批：51*、*.SZ、sh60*"
    text = unicodedata.normalize("NFKC", value).strip() if isinstance(value, str) else ""
    try:
        if "*" in text:
            return _checked_pattern(text)
        if _LIKE_A_SHARE.fullmatch(text):
            return parse_security(text).stock_code
        return arguments.symbol(text).stock_code
    except UsageError:
        raise UsageError("codes", value, form) from None


def _checked_pattern(text: str) -> str:
    if match := _PREFIXED.fullmatch(text):
        text = f"{match[2]}.{match[1]}"
    code, dot, market = text.rpartition(".")
    if dot and market.upper() in ("SH", "SZ", "BJ"):
        text = f"{code}.{market.upper()}"
    if not _PATTERN.fullmatch(text) or len(text) > _LONGEST:
        raise UsageError("codes", text, "")
    return text


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(each) for each in pattern.split("*")))


def _yuan(argument: str, value: object) -> Decimal | None:
    if value is None:
        return None
    form = "应为大于 0 的金额，单位元，最多到分，例如 100000"
    try:
        number = Decimal(-1) if isinstance(value, bool) else Decimal(str(value))
        right = number.is_finite() and 0 < number <= _MOST_YUAN and number == round(number, 2)
    except (InvalidOperation, ValueError):
        right, number = False, Decimal(-1)
    if not right:
        raise UsageError(argument, value, form)
    return number
