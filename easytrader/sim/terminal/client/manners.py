"""脾气：一家券商的完整版客户端怎样拖延、怎样说谎、不许做什么。按名字挑一份，单项可以另设。

数字取自公开的记录；运行中可以换（故障的 ``control``），用的人每次都从 `Terminal.manners` 现读。
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Span = tuple[float, float]
    """一段随机的延迟：最短、最长几秒。"""

DEFAULT = "open"
"""没有指名时用的。"""

NONE, ZERO, POSITIVE = "none", "zero", "positive"
TRUTH, LIES, TRUE, FALSE = "truth", "lies", "true", "false"
DIGITS, LETTERS = "digits", "letters"
COLLATERAL, REFUSED = "collateral", "refused"
STOP, LOG = "stop", "log"
TICK, NEVER = "tick", "never"
NOW, PERIOD = "now", "period"
FREE, HELD = "free", "held"
CALLBACKS, TRADING, NO = "callbacks", "trading", "no"
OPEN, CONNECT, BIND, PATCHED = "open", "connect", "bind", "patched"


class Manners:
    """一份脾气。

    Attributes:
        passorder_s: 一次 ``passorder`` 占住主线程多久。
        query_s: 一次 ``get_trade_detail_data`` 占住主线程多久。
        passorder_returns: 它返回什么：``none`` ``zero``（总是 0）``positive``（总是正数）。
        order_lag_s: 柜台的变化多久之后查得到（``ORDER`` ``TASK``）。
        deal_lag_s: 同上，``DEAL``。
        account_lag_s: 同上，``ACCOUNT``。
        position_lag_s: 同上，``POSITION``。
        callback_lag_s: 柜台的变化多久之后回调；与查得到没有先后的约定。
        sysid_s: 一行第一次出现（合同编号是空的）之后多久有编号；0 是第一次就有。
        sysid_style: 编号的样子：``digits`` 照柜台的，``letters`` 是 ``MM582811``。
        sysid_placeholder: 废单的编号是 ``xt<ref>``。
        junk_twice: 「废单」回调两次。
        duplicate: 「已报」回调两次，别的也时常两次。
        coalesce: 一步做完的只回调最后的样子（50 → 56 中间的没有）。
        reorder: 靠得近的回调次序打乱。
        repush: 柜台断了又好，当天的委托与成交再回调一遍。
        popup: 客户端自己先查资金、持仓、价格；不够的只弹窗：没有记录，没有回调。
        cancel_returns: ``cancel`` 返回什么：``truth`` ``lies``（反着说）``true`` ``false``。
        cancel_quiet_from: 几点几分（时 × 100 + 分）以后撤单不起作用，而返回 True；2400 为没有。
        shows_cancelling: 撤单收下了（51、52）有没有一行。
        remark_bytes: 备注截到几字节；0 是不截。
        deal_remark: 成交上有没有备注。
        source_is_model: ``m_strSource`` 是模型的名字，否则是下单时的策略名。
        old_commission: 成交的佣金在拼错的 ``m_dComssion`` 里，``m_dCommission`` 是 0。
        last_order_id_stale: ``get_last_order_id`` 停在几秒以前。
        replay_orders: 回放历史时 ``quickTrade=2`` 的真的发出去。
        plain_on_credit: 信用账户上的 23、24：``collateral`` 当作担保品买卖，``refused`` 参数错。
        credit_query_s: 异步的信用查询多久有结果。
        credit_query_gap_s: 两次异步的信用查询至少隔多久。
        algo: 有没有智能算法。
        missing_globals: 这个版本没有的函数。
        missing_attributes: 这个版本的对象上没有的属性。
        seed: 随机的延迟用的种子。
        uncaught: 策略抛出没有接住的异常之后：``stop`` 策略停，``log`` 只记日志。
        handlebar: ``tick`` 主图每一跳都调，``never`` 从来不调（引擎当它是定时器驱动的）。
        tick_s: 主图多久一跳。
        timer_first: 定时器第一次什么时候响：``now`` 马上，``period`` 等一个周期。
        schedule_past_s: ``schedule_run`` 给了过去的时间，多久之后响。
        gil: ``held`` 主线程空闲时也占着解释器锁：别的线程一跳（``gil_tick_s``）才走一步。
        gil_tick_s: 见 ``gil``。
        callback_imports: 交易回调里能不能导入还没有加载的模块。
        needs_account: 没有 ``set_account`` 时：``callbacks`` 没有回调，``trading`` 连委托也不发，
            ``no`` 什么都不少。
        imports: 能导入的模块（自己写的因此也不行）；空为不限制。
        files: 能不能读写文件。
        loopback: 127.0.0.1 上不许的：``open`` 都许，``connect`` ``bind``，``none`` 都不许。
        ctypes: ``open``、``patched``（``wintypes`` 里没有 HANDLE、BOOL）、``none`` 不许导入。
    """

    passorder_s: float = 0.01
    query_s: float = 0.0
    passorder_returns: str = NONE
    order_lag_s: "Span" = (0.05, 0.05)
    deal_lag_s: "Span" = (0.05, 0.05)
    account_lag_s: "Span" = (0.05, 0.05)
    position_lag_s: "Span" = (0.05, 0.05)
    callback_lag_s: "Span" = (0.03, 0.03)
    sysid_s: "Span" = (0.03, 0.03)
    sysid_style: str = DIGITS
    sysid_placeholder: bool = False
    junk_twice: bool = True
    duplicate: bool = False
    coalesce: bool = False
    reorder: bool = False
    repush: bool = False
    popup: bool = False
    cancel_returns: str = TRUTH
    cancel_quiet_from: int = 2400
    shows_cancelling: bool = True
    remark_bytes: int = 0
    deal_remark: bool = True
    source_is_model: bool = False
    old_commission: bool = False
    last_order_id_stale: bool = False
    replay_orders: bool = False
    plain_on_credit: str = COLLATERAL
    credit_query_s: float = 1.0
    credit_query_gap_s: float = 180.0
    algo: bool = True
    missing_globals: "tuple[str, ...]" = ()
    missing_attributes: "tuple[str, ...]" = ()
    seed: int = 0
    # 循环与沙箱
    uncaught: str = LOG
    handlebar: str = TICK
    tick_s: float = 3.0
    timer_first: str = NOW
    schedule_past_s: float = 0.0
    gil: str = FREE
    gil_tick_s: float = 0.1
    callback_imports: bool = False
    needs_account: str = CALLBACKS
    imports: "tuple[str, ...]" = ()
    files: bool = True
    loopback: str = OPEN
    ctypes: str = OPEN

    def __init__(self, **fields: "Any") -> None:
        for name, value in fields.items():
            setattr(self, name, checked(name, value))

    def changed(self, **fields: "Any") -> "Manners":
        """另一份，只有这几项不同。不认识的名字、不对的值是 ValueError，说明该是什么。"""
        return Manners(**dict(vars(self), **fields))

    def __repr__(self) -> str:
        return "Manners({})".format(
            ", ".join("%s=%r" % each for each in sorted(vars(self).items()))
        )


_CHOICES = {
    "passorder_returns": (NONE, ZERO, POSITIVE),
    "sysid_style": (DIGITS, LETTERS),
    "cancel_returns": (TRUTH, LIES, TRUE, FALSE),
    "plain_on_credit": (COLLATERAL, REFUSED),
    "uncaught": (STOP, LOG),
    "handlebar": (TICK, NEVER),
    "timer_first": (NOW, PERIOD),
    "gil": (FREE, HELD),
    "needs_account": (CALLBACKS, TRADING, NO),
    "loopback": (OPEN, CONNECT, BIND, NONE),
    "ctypes": (OPEN, PATCHED, NONE),
}
FIELDS = tuple(Manners.__annotations__)
"""全部的名字。"""


def checked(name: str, value: "Any") -> "Any":
    """``Manners`` 的一项，换成它的类型；不对的是 ValueError。"""
    if name not in FIELDS:
        raise ValueError("没有「%s」这一项脾气；有：%s" % (name, "、".join(FIELDS)))
    default = getattr(Manners, name)
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ValueError("%s 要是 %s 之一，得到 %r" % (name, "、".join(_CHOICES[name]), value))
    if isinstance(default, bool):
        wanted, good = "true 或 false", isinstance(value, bool)
    elif isinstance(default, str):
        wanted, good = "文字", isinstance(value, str)
    elif isinstance(default, int):
        wanted, good = "不小于 0 的整数", _is_number(value) and value == int(value)
    elif isinstance(default, float):
        wanted, good = "不小于 0 的秒数", _is_number(value)
    elif default and isinstance(default[0], float):
        value = (value, value) if _is_number(value) else tuple(value or ())
        wanted = "秒数，或「最短、最长」两个秒数"
        good = len(value) == 2 and all(map(_is_number, value)) and value[0] <= value[1]
    else:
        value = tuple(value) if isinstance(value, (list, tuple)) else value
        wanted = "名字的列表"
        good = isinstance(value, tuple) and all(isinstance(each, str) for each in value)
    if not good:
        raise ValueError("%s 要是%s，得到 %r" % (name, wanted, value))
    return value


def _is_number(value: "Any") -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e6


_STANDARD = (
    "sys time datetime math json re struct collections itertools functools traceback string random "
    "hashlib hmac base64 binascii decimal copy operator bisect heapq socket select errno os "
    "numpy pandas scipy talib statsmodels"
)
_AT_ONCE = (0.0, 0.0)
_POLLED = (1.0, 6.0)

MANNERS = {
    "open": Manners(),
    "instant": Manners(
        passorder_s=0.0,
        order_lag_s=_AT_ONCE,
        deal_lag_s=_AT_ONCE,
        account_lag_s=_AT_ONCE,
        position_lag_s=_AT_ONCE,
        callback_lag_s=_AT_ONCE,
        sysid_s=_AT_ONCE,
        credit_query_s=0.0,
    ),
    "slow": Manners(
        passorder_s=0.2,
        query_s=0.002,
        order_lag_s=_POLLED,
        deal_lag_s=_POLLED,
        account_lag_s=_POLLED,
        position_lag_s=_POLLED,
        callback_lag_s=_POLLED,
    ),
    "lagging": Manners(
        order_lag_s=6.0, deal_lag_s=6.0, account_lag_s=6.0, position_lag_s=6.0, callback_lag_s=6.0
    ),
    "whitelist": Manners(imports=tuple(_STANDARD.split())),
    "nofile": Manners(files=False),
    "noloopback": Manners(loopback=NONE),
    "locked": Manners(files=False, loopback=NONE, ctypes=NONE),
    "lying": Manners(
        passorder_returns=ZERO,
        cancel_returns=LIES,
        last_order_id_stale=True,
        old_commission=True,
        deal_remark=False,
        missing_globals=("get_history_trade_detail_data",),
        missing_attributes=("m_strLocalInfo", "m_xtTag"),
    ),
    "late": Manners(
        sysid_s=(0.5, 3.0), sysid_style=LETTERS, sysid_placeholder=True, remark_bytes=23
    ),
    "duplicate": Manners(
        duplicate=True, reorder=True, repush=True, callback_lag_s=(0.0, 0.2), source_is_model=True
    ),
    "evening": Manners(cancel_quiet_from=1700),
    "popup": Manners(popup=True, passorder_returns=POSITIVE),
    "credit": Manners(plain_on_credit=REFUSED, order_lag_s=(0.05, 1.0), account_lag_s=(1.0, 3.0)),
}
"""名字 → 脾气。"""
