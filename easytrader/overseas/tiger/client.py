"""tigeropen：造客户端，把它的异常分清楚。

它的异常信息里有整个请求（账号、签名），所以从不原样说出去；它自己的日志也不接。
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from easytrader.errors import (
    EasytraderError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    UsageError,
)
from easytrader.overseas.common_door import load

_PACKAGE: Final = ("tigeropen", "tiger")
_UNSURE: Final = (1, 2)
"""``server error`` 与 ``network read time out``：委托可能已经下了（老虎文档「错误代码」）。"""
_TOO_MANY: Final = 429
_LONGEST_PATH: Final = 500

_UNSENT: Final = frozenset(
    {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "SSLError", "ProxyError"}
)
"""urllib3 的 ``MaxRetryError`` 的原因里，请求还没有送出去的。"""

_QUIET: Final = logging.getLogger("easytrader.tigeropen")
_QUIET.propagate = False
_QUIET.addHandler(logging.NullHandler())


class Wanted(NamedTuple):
    """连的是谁。"""

    tiger_id: str
    account: str
    private_key: str
    """去掉了头尾的 PEM 正文。"""
    is_global: bool
    """环球账户：资金的接口不同。"""
    base_url: str
    """自己的网关；空是老虎的。"""

    def __repr__(self) -> str:
        return f"Wanted(账号 {self.account})"


class Sdk(NamedTuple):
    """tigeropen 里要用的。"""

    config: Any
    trade: Any
    orders: Any
    contracts: Any
    exceptions: Any
    signatures: Any


def sdk() -> Sdk:
    """导入 tigeropen。

    Raises:
        MissingDependencyError: 没有装，或装着而导入不了。
    """
    names = (
        *("tiger_open_config", "trade.trade_client", "common.util.order_utils"),
        *("common.util.contract_utils", "common.exceptions", "common.util.signature_utils"),
    )
    return Sdk(*(load(f"tigeropen.{each}", *_PACKAGE) for each in names))


def private_key(value: object, kit: Sdk) -> str:
    """私钥的文字或文件 → PEM 的正文。

    Raises:
        UsageError: 不是私钥；值不写出来。
    """
    form = "应为 RSA 私钥的文字，或有的私钥文件（.pem）的路径"
    if not isinstance(value, (str, Path)):
        raise UsageError("private_key", "（不写出来）", form)
    given = str(value)
    if len(given) < _LONGEST_PATH and "-----" not in given and given.isprintable():
        with suppress(OSError, RuntimeError):  # 没有这个文件，也许是只有正文的私钥
            given = Path(given).expanduser().read_text(errors="replace")
    lines = [each.strip() for each in given.splitlines() if "-----" not in each]
    body = "".join(lines)
    try:
        kit.signatures.load_private_key(body)
    except Exception:  # noqa: BLE001  边界：密码学的包抛什么都是读不出来
        raise UsageError("private_key", "（不写出来）", form) from None
    return body


def make(kit: Sdk, wanted: Wanted, timeout_s: float) -> Any:
    """造一个 ``TradeClient``；会联网（问该用哪个域名），会阻塞。"""
    pool = load("tigeropen.common.util.web_utils", *_PACKAGE).http_pool
    # urllib3 默认连不上再试三次：期限翻四倍，说了结果未知之后还可能真的发出去
    pool.connection_pool_kw["retries"] = load("urllib3", *_PACKAGE).Retry(0, redirect=False)
    own = bool(wanted.base_url)
    config = kit.config.TigerOpenClientConfig(enable_dynamic_domain=not own)
    config.tiger_id, config.account = wanted.tiger_id, wanted.account
    config.private_key = wanted.private_key
    config.retry_max_tries = 0  # 它的查询会自己重试一分钟
    config.timeout = timeout_s
    if own:
        config.server_url = wanted.base_url
    return kit.trade.TradeClient(config, logger=_QUIET)


class Trouble(NamedTuple):
    """一个异常说明了什么。"""

    told: str
    refused: bool = False
    """老虎肯定地说不行。"""
    unsent: bool = False
    """没有发出。"""
    broken: bool = False
    """网络断了。"""


def trouble(kit: Sdk, error: BaseException) -> Trouble:
    """Tigeropen 抛的 → 说明了什么；信息里没有请求的内容。"""
    if isinstance(error, kit.exceptions.ApiException):
        told = f"{error.msg}（code {error.code}）"
        return Trouble(told, refused=error.code not in _UNSURE)
    if isinstance(error, kit.exceptions.ResponseException):
        status = getattr(error, "status", None)  # 3.6 及以前没有
        if status == _TOO_MANY:
            return Trouble("请求太密，老虎没有收（HTTP 429）", refused=True)
        return Trouble(f"老虎的网关答 HTTP {status}" if status else "老虎的应答不对")
    cause = error.__context__ if isinstance(error, kit.exceptions.RequestException) else None
    if cause is None:
        return Trouble(type(error).__name__)
    name = type(cause).__name__
    reason = type(getattr(cause, "reason", None)).__name__
    if name == "MaxRetryError" and reason in _UNSENT:
        return Trouble(f"连不上老虎的网关（{reason}）", unsent=True, broken=True)
    return Trouble(f"老虎的网关没有应答（{name}）", broken=name == "ProtocolError")


def blamed(found: Trouble, submitting: bool) -> EasytraderError:
    """不是拒绝的 → 抛给引擎的。"""
    if found.unsent:
        return NotConnectedError(f"{found.told}，什么都没有发出")
    return OutcomeUnknownError(found.told) if submitting else QueryFailedError(found.told)
