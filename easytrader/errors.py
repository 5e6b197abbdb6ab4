"""异常树。每个叶子说明何时发生、能不能重试。

::

    EasytraderError
    ├─ UsageError(ValueError)               参数不对；什么都没有发出
    ├─ MissingDependencyError(ImportError)  缺依赖，或本平台没有厂商的二进制
    ├─ NotConnectedError(ConnectionError)   此刻没有可用会话；什么都没有发出
    ├─ ConnectFailedError(ConnectionError)  连接或订阅被拒绝
    ├─ QueryFailedError                     问了，没有得到可信的回答
    ├─ OutcomeUnknownError                  发出了，没有回答：委托可能已经生效
    ├─ WaitTimeoutError                     等到了期限，委托还没有到终态
    ├─ RiskRefusedError                     风控规则不许；什么都没有发出
    ├─ JournalError                         委托记录写不下来；什么都没有发出
    ├─ PlanStaleError                       调仓计划过时了；什么都没有发出
    ├─ RebalanceBusyError                   这个账号正在调仓；什么都没有发出
    ├─ OrdersNotAllowedError                对面只许看，不许下单；什么都没有发出
    ├─ UnsupportedError                     这个柜台没有这个功能；什么都没有发出
    ├─ ClosedError                          这个 trader 已经关闭，或不属于这个进程
    └─ SimulatorError                       模拟 MiniQMT 的文件夹、服务或配置有问题

同时是 ``OSError`` 一类的，只有「什么都没有发出」的：人们写的重试遇到 ``TimeoutError``、
``ConnectionError`` 就会再来一次，可能已经生效的委托绝不能落在里面。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "ClosedError", "ConnectFailedError", "EasytraderError", "JournalError",
    "MissingDependencyError", "NotConnectedError", "OrdersNotAllowedError", "OutcomeUnknownError",
    "PlanStaleError", "QueryFailedError", "RebalanceBusyError", "RiskRefusedError",
    "SimulatorError", "UnsupportedError", "UsageError", "WaitTimeoutError",
]  # fmt: skip


FORKED: Final = (
    "这个 trader 是父进程连接的，fork 出来的子进程不能用它；"
    "请在子进程里重新 easytrader.use(...).connect(...)"
)


class EasytraderError(Exception):
    """本库一切异常的根。"""


class UsageError(EasytraderError, ValueError):
    """参数不对：报出参数名、给的值、正确的写法。没有发出任何请求，改对再来即可。

    Attributes:
        argument: 出错的参数名。
        value: 实际给的值。
    """

    def __init__(self, argument: str, value: object, expected: str) -> None:
        super().__init__(f"参数 {argument} {_wrong(argument, value)}。{expected}")
        self.argument = argument
        self.value = value
        self.expected = expected

    def __reduce__(self) -> tuple[type[UsageError], tuple[str, object, str]]:
        return type(self), (self.argument, self.value, self.expected)


class MissingDependencyError(EasytraderError, ImportError):
    """缺少依赖，或装了但没有本平台的二进制；信息里有要执行的命令。"""


class NotConnectedError(EasytraderError, ConnectionError):
    """此刻没有可用会话（未连接、断线重连中）。什么都没有发出，可以稍后重试。"""


class ConnectFailedError(EasytraderError, ConnectionError):
    """连接或订阅失败；信息里有原因和可以尝试的办法。可以重试。

    Attributes:
        code: 厂商接口的返回值（-1 等）；没有走到那一步时为 None。
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class QueryFailedError(EasytraderError):
    """查询没有得到可信的回答（超时、断线、返回 None）。查询没有副作用，可以重试。"""


class OutcomeUnknownError(EasytraderError):
    """委托或撤单已经发出而没有得到应答：它可能已经生效。**不可重试**，先核对。

    Attributes:
        tag: 这笔委托带在备注里的唯一标记，`user.find_entrust(tag)` 据此核对；撤单时为空。
        entrust_no: 撤单针对的委托编号；下单时为 None。
        client_order_id: 下单时给的 ``client_order_id``，没给为空；用它再下不会重复。
    """

    def __init__(
        self,
        message: str,
        *,
        tag: str = "",
        entrust_no: int | str | None = None,
        client_order_id: str = "",
    ) -> None:
        super().__init__(message)
        self.tag = tag
        self.entrust_no = entrust_no
        self.client_order_id = client_order_id


class WaitTimeoutError(EasytraderError):
    """`wait()` 到了期限委托还没有到终态；或异步的回执到了期限还没有应答。照旧有效，可以接着等。

    Attributes:
        row: 到期时看到的委托（与 `today_entrusts` 的行相同），可能为 None。
    """

    def __init__(self, message: str, row: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.row = row


class RiskRefusedError(EasytraderError):
    """风控规则（`easytrader.Guard`）不许这笔委托或撤单；什么都没有发出。

    Attributes:
        rule: 规则名，即 `Guard` 的字段名，如 ``max_order_value``。
        actual: 这一笔的数（元、比例、次数……）；说不出数的规则为 None。
        limit: 规则允许的数；说不出数的规则为 None。
    """

    def __init__(
        self, message: str, *, rule: str, actual: object = None, limit: object = None
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.actual = actual
        self.limit = limit

    def __reduce__(self) -> tuple[Callable[..., RiskRefusedError], tuple[object, ...]]:
        return _risk_refused, (str(self), self.rule, self.actual, self.limit)


class JournalError(EasytraderError):
    """带 ``client_order_id`` 的委托要先记下来才能发出，而记不下来；什么都没有发出。"""


class PlanStaleError(EasytraderError):
    """调仓计划不能照着做了：别的账号、别的日子，或持仓变了。什么都没有发出，重新做计划即可。

    Attributes:
        rule: ``account`` 账号不对，``day`` 不是那一天，``drift`` 持仓变了。
        codes: 变了的证券代码；只有 ``drift`` 有。
    """

    def __init__(self, message: str, *, rule: str, codes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.rule = rule
        self.codes = list(codes)

    def __reduce__(self) -> tuple[Callable[..., PlanStaleError], tuple[object, ...]]:
        return _plan_stale, (str(self), self.rule, self.codes)


class RebalanceBusyError(EasytraderError):
    """这个账号正有一个调仓在执行，同时只许一个；什么都没有发出。"""


class OrdersNotAllowedError(EasytraderError):
    """对面只许看，不许下单（终端里的中转没有开下单，或模型不是实盘）；什么都没有发出。"""


class UnsupportedError(EasytraderError):
    """这个柜台没有这个功能；什么都没有发出。信息里说是哪个柜台、缺什么、有没有别的办法。"""


class ClosedError(EasytraderError):
    """这个 trader 已经 `close()`，或是从父进程 fork 来的；请重新 `easytrader.use(...)`。"""


class SimulatorError(EasytraderError):
    """模拟 MiniQMT 的文件夹、服务进程或配置有问题；信息里说明是什么、怎么办。"""


NOTHING_SENT: Final = (
    UsageError,
    NotConnectedError,
    RiskRefusedError,
    JournalError,
    ClosedError,
    MissingDependencyError,
    OrdersNotAllowedError,
    UnsupportedError,
)
"""交易口的动词抛这几种，什么都没有发出；别的都可能已经生效。"""


def _risk_refused(message: str, rule: str, actual: object, limit: object) -> RiskRefusedError:
    return RiskRefusedError(message, rule=rule, actual=actual, limit=limit)


def _plan_stale(message: str, rule: str, codes: list[str]) -> PlanStaleError:
    return PlanStaleError(message, rule=rule, codes=codes)


_SECRETS: Final = (
    *("pwd", "password", "passwd", "passphrase", "secret", "secret key", "private_key", "token"),
    *("密码", "口令", "令牌", "密钥", "秘钥", "授权码", "授权编码", "认证码"),  # 登记的柜台的字段
)


def is_secret(argument: str) -> bool:
    """这个参数的值是口令、令牌，哪里都不写出来。"""
    return argument.lower().endswith(_SECRETS)


def _wrong(argument: str, value: object) -> str:
    """哪里不对；命令行上没有写的不说 None：那是 Python 的话。"""
    if value is None and (argument.startswith("-") or argument.isupper()):
        return "没有写"
    return f"不对：{shown_as(argument, value)}"


def shown_as(argument: str, value: object) -> str:
    """同 `shown`；口令、令牌不写出来，哪怕写错了地方。"""
    return "（不写出来）" if is_secret(argument) else shown(value)


def shown(value: object, limit: int = 80) -> str:
    """一个值写在错误里的样子：不会太长，写不出来的也不抛。"""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  边界：几千位的整数、用户的类写不出来，不能盖住要说的错
        text = f"（{type(value).__name__}，写不出来）"
    return text if len(text) <= limit else text[: limit - 1] + "…"
