"""一家柜台在表里的一行：字段与各项是什么意思。"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple, TypeAlias

System: TypeAlias = 'Literal["Windows", "Linux", "macOS"]'
Offset: TypeAlias = 'Literal["none", "required", "credit"]'
Positions: TypeAlias = 'Literal["net", "two-way", "mixed"]'
Ready: TypeAlias = 'Literal["account+contract", "account"]'

EVERY_PYTHON: Final = ("3.10", "3.11", "3.12", "3.13")
"""本库要 3.10 以上；纯 Python 的包哪个都行。"""
FATAL: Final = r"登录失败|授权验证失败|认证失败|初始化失败|连接失败|login failed"
"""多数接口没有「连不上」的事件，只有这样的一行日志。"""
LOST: Final = r"断开|disconnected|连接丢失"


class Field(NamedTuple):
    """连接的一个字段。

    Attributes:
        name: 现在的包要的名字（就是 VeighNa 的 ``default_setting`` 的键）。
        default: 不给时的值；是整数的字段只收整数。有 `choices` 的为第一个。
        choices: 只能是其中一个；空为随便写。
        secret: 密码、密钥、授权码：错误与日志里不写出来。
        required: 不给就登录不了；不给的当场说，不等它静静地超时。
        aliases: 文档与旧版里的叫法，两边都认。
        words: 值的别的叫法 → 现在的值。
    """

    name: str
    default: str | int = ""
    choices: tuple[str | int, ...] = ()
    secret: bool = False
    required: bool = False
    aliases: tuple[str, ...] = ()
    words: tuple[tuple[str, str | int], ...] = ()


class Runs(NamedTuple):
    """在哪个系统、哪几个 Python 上装得上而且导入得了。

    Attributes:
        system: ``Windows``、``Linux``、``macOS``。
        pythons: 次版本，如 ``("3.10", "3.13")``。
        how: ``wheel`` 有现成的；``pure`` 纯 Python；``build`` 要现场编译；
            ``fix`` 编译之后还要补一步，见 `note`。
        note: 要补的那一步，或哪个版本才行。
    """

    system: System
    pythons: tuple[str, ...] = EVERY_PYTHON
    how: Literal["wheel", "pure", "build", "fix"] = "pure"
    note: str = ""


class Defect(NamedTuple):
    """包里已知的一个毛病，与这里怎样对付。"""

    what: str
    answer: str


class Counter(NamedTuple):
    """一家柜台。

    Attributes:
        name: 名字，34 个各不相同，``use()`` 里写它。
        seed: 文档里的叫法，如 ``中泰XTP``。
        page: 哪一页文档：``001``（VeighNa）或 ``000``（它的一个旧分支）。
        aliases: 别的叫法。
        fields: 连接的字段，照登录窗口的顺序。
        dropped: 文档里有、现在的包没有的字段：收下，不交给包；值不能照做的不收。
        products: 交易品种。
        exchanges: 交易所，VeighNa 的名字。
        package: PyPI 上的名字，要定版本的带着版本；没有为空。
        module: 从哪个模块导入；没有为空。
        class_name: 接口类。
        default_name: 接口默认的 ``gateway_name``。
        needs: 另外要有的模块（券商自己给的 SDK 等）；``doctor`` 逐个看。
        extra: 另外要 pip 安装的。
        runs: 哪里能用；空为哪里都不能。
        own: 本库自己的后端，有它就先走它，如 ``okx``；没有为空。
        account_type: 资金账号类型（`codes.AccountType`、`codes.OtherAccountType` 的名字）。
        positions: ``net`` 一只一行；``two-way`` 多空分开；``mixed`` 股票 net、期权分开。
        offset: ``none`` 不看开平；``required`` 不写开平的不收；
            ``credit`` 现金账户不写、两融账户要写。
            `positions` 是 ``mixed`` 的说的是股票，期权总要写。
        order_types: 收哪些价格类型（VeighNa 的 ``OrderType`` 的名字）。
        ready: 见到什么算登录好了；``account``：合约要订阅才有（IB、MT5 不全）。
        loaded: 合约查完时的那一行日志；不写的为空。
        fatal: 见到这样的日志就不必再等。
        phantom: 委托编号是这个样子的，其实没有报出去。
        lost: 见到这样的日志就是断了。
        redials: 它自己会重连（重连之后会重新登录、重查合约）。
        tag_back: 下单时的 ``reference``，柜台推回来、查回来时还在；False 只在本进程里记得。
        ids_last: 重连之后，同一笔委托的编号不变。
        sees_earlier: 登录之后看得到这个进程以前报的委托与成交。
        one_per_process: 一个进程里只能有一个账号（模块里有公用的表）。
        freezes: 端口连不上、连上了没有应答时，它的登录占着解释器不放，整个进程都停住。
        conflicts: 不能与这些在同一个进程里。
        locale: Linux 上要有 ``zh_CN.GB18030``，没有的话进程会被终止。
        history: 有没有历史行情。
        cash_note: ``available`` 不能照用：``balance-frozen`` 之类的算法；空为照用。
        defects: 已知的毛病。
        closed: 关了：哪一天，为什么，怎么办；没有为空。
        unavailable: 没有公开的 SDK：为什么，怎么办；没有为空。
        install_note: 装的时候另外要说的。
        sources: 从哪里知道的，带日期；``推断`` 的写明。
    """

    name: str
    seed: str
    page: Literal["000", "001"]
    fields: tuple[Field, ...]
    products: tuple[str, ...]
    exchanges: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    dropped: tuple[Field, ...] = ()
    package: str = ""
    module: str = ""
    class_name: str = ""
    default_name: str = ""
    needs: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    runs: tuple[Runs, ...] = ()
    own: str = ""
    account_type: str = "FUTURE"
    positions: Positions = "two-way"
    offset: Offset = "required"
    order_types: tuple[str, ...] = ("LIMIT", "MARKET", "FAK", "FOK")
    ready: Ready = "account+contract"
    loaded: str = "合约信息查询成功"
    fatal: str = FATAL
    phantom: str = ""
    lost: str = LOST
    redials: bool = True
    tag_back: bool = False
    ids_last: bool = True
    sees_earlier: bool = True
    one_per_process: bool = False
    freezes: bool = False
    conflicts: tuple[str, ...] = ()
    locale: bool = False
    history: bool = False
    cash_note: str = ""
    defects: tuple[Defect, ...] = ()
    closed: str = ""
    unavailable: str = ""
    install_note: str = ""
    sources: tuple[str, ...] = ()

    def door(self) -> tuple[str, dict[str, Any]]:
        """``use()`` 怎样到那里：后端的名字与选项。

        Raises:
            UnsupportedError: 关了、没有公开的 SDK，或这个系统、这个 Python 上没有。
        """
        if self.own:
            return self.own, {}
        from easytrader.counters import status  # 走到这里的才用得到

        status.check(self)
        return "vnpy", {"gateway": self.name}

    @property
    def is_overnight(self) -> bool:
        """有夜盘：交易日从前一天 20:00 起。"""
        return self.account_type in ("FUTURE", "OUTTER_FUTURE")
