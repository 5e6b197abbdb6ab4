"""公开的方法收哪些参数：写错了名字、少给、多给，都抛 `UsageError` 并说出想写的多半是哪一个。

默默丢掉写错的参数会亏钱：``use("sim", gaurd=…)`` 没有风控，``clientorder_id=…`` 重了一笔。
旧版 easytrader 的参数只认得下面几个，而且只认不改变意思的值。
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Final, TypeVar

from easytrader.errors import UsageError, is_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from types import CodeType

    from typing_extensions import ParamSpec

    _P = ParamSpec("_P")
    _R = TypeVar("_R")

_MARKET: Final = "market_"
_HARMLESS: Final[dict[str, tuple[frozenset[Any], str]]] = {
    "entrust_prop": (
        frozenset({0, "0", "limit", "限价", "", None}),
        "这里是限价委托；要市价请用 market_buy、market_sell",
    ),
    "volume": (frozenset({0, None}), "旧版的 volume 是总金额，这里不做；数量写 amount（股/份/张）"),
    "limit_price": (frozenset({None}), "市价委托不支持保护限价；要限价请用 buy、sell"),
}
"""旧版的参数 → (收下也不改变意思的值, 别的值为什么不收)。"""

_MARKET_PROP: Final = (
    frozenset({0, "0", "market", "市价", "", None}),
    "这里是市价委托；要限价请用 buy、sell",
)

_MEANT: Final = {
    "stock_code": "security", "code": "security", "symbol": "security", "ticker": "security",
    "quantity": "amount", "qty": "amount", "shares": "amount", "volume": "amount",
    "order_id": "entrust_no", "order_no": "entrust_no", "no": "entrust_no",
    "order_remark": "remark", "user_order_id": "client_order_id", "account": "stock_account",
    "path": "miniqmt_path", "callback": "trader_callback", "price_type": "ttype", "type": "ttype",
    "client_order_id": "key", "entrust_no": "key",
}  # fmt: skip
"""别处的叫法 → 这里的，拼写差得远，`difflib` 认不出。"""


OLD_NAMES: Final = {
    "prepare": "登录在客户端里做，脚本里 user.connect(路径, 资金账号)",
    "cancel_all_entrusts": "现在是 user.cancel_all()",
    "auto_ipo": "现在是 user.ipo.subscribe_all()",
    "refresh": "不必刷新，每次问到的都是新的",
    "exit": "现在是 user.close()",
    "follower": "跟单不在这里：目标写进文件用 easytrader rebalance，脚本里用 user.adjust_weights",
}
"""原来的 easytrader 的名字 → 现在怎样写。"""


def old_name_told(owner: str, name: str) -> str:
    """没有这个名字；是原来的 easytrader 的就说现在怎样写。"""
    told = OLD_NAMES.get(name, "")
    hint = f"。{told}；哪样换成哪样见文档 migrate.md（从原来的 easytrader 来）" if told else ""
    return f"{owner} has no attribute {name!r}{hint}"


class _Absent:
    def __repr__(self) -> str:
        return "没有给"


class _Untold:
    def __repr__(self) -> str:
        return "（可能是密码，不写出来）"


def guarded(
    function: Callable[_P, _R],
    *,
    title: str = "",
    inherited: Collection[str] = (),
    others: bool = False,
    then: Callable[[_R], Any] | None = None,
) -> Callable[_P, Any]:
    """这个函数的参数名写错、少给、多给时抛 `UsageError`。

    Args:
        function: 函数，或类里的方法（第一个参数叫 ``self``）。
        title: 错误里怎样称呼它，默认是它自己的名字。
        inherited: ``**`` 里的转交给谁，谁收的名字。``**legacy`` 只收旧版的参数，别的什么都收。
        others: ``**`` 里什么名字都收，由函数自己看；位置上少给、多给的照样说。
        then: 拿它的结果再做一步，给出这一步的结果。
    """
    code = function.__code__  # 只用于 Python 写的函数
    size = code.co_argcount + code.co_kwonlyargcount
    own, rest = code.co_varnames[:size], _rest(code)
    names = frozenset(own[own[:1] == ("self",) :]) | frozenset(inherited)
    legacy = rest == "legacy"
    if rest and not legacy and not inherited and not others:
        assert then is None
        return function
    shown = title or function.__name__

    @functools.wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> Any:
        if kwargs and not others and not kwargs.keys() <= names:
            kept = {each: kwargs[each] for each in kwargs if each in names}
            for each in kwargs.keys() - names:
                _unknown(shown, each, kwargs[each], names, legacy)
            return call(*args, **kept)  # type: ignore[arg-type]
        try:
            found = function(*args, **kwargs)
        except TypeError:
            problem = _mismatch(function, shown, args, kwargs)
            if problem is None:
                raise  # 进到函数里才出的错，与参数的个数无关
        else:
            return found if then is None else then(found)
        raise problem

    call.accepted = names  # type: ignore[attr-defined]
    return call


def guarded_class(kind: type) -> None:
    """一个类自己的公开方法都用上 `guarded`。"""
    for name, each in list(vars(kind).items()):
        if name.startswith("_") or not inspect.isfunction(each) or hasattr(each, "accepted"):
            continue
        above: Any = None
        if _rest(each.__code__):
            above = next((getattr(base, name, None) for base in kind.__mro__[1:]), None)
        setattr(kind, name, guarded(each, inherited=getattr(above, "accepted", ())))


def _rest(code: CodeType) -> str:
    """``**`` 那个参数叫什么；没有为空。"""
    if not code.co_flags & inspect.CO_VARKEYWORDS:
        return ""
    starred = bool(code.co_flags & inspect.CO_VARARGS)
    return code.co_varnames[code.co_argcount + code.co_kwonlyargcount + starred]


def _unknown(title: str, name: str, value: object, names: Collection[str], legacy: bool) -> None:
    """不认识的名字：旧版的、值又不改变意思的放过，其余的抛异常。"""
    if legacy and name in _HARMLESS:
        harmless, why = _HARMLESS[name]
        if name == "entrust_prop" and title.startswith(_MARKET):
            harmless, why = _MARKET_PROP
        if isinstance(value, (int, str, type(None))) and value in harmless:
            return
        raise UsageError(name, value, why)
    raise UsageError(name, value, unknown_told(title, name, names))


def unknown_told(title: str, name: str, names: Collection[str]) -> str:
    """不认识的名字怎样说。

    Args:
        title: 谁的参数。
        name: 写了的名字。
        names: 有的。
    """
    import difflib  # 写错了才用得到

    meant = _MEANT.get(name, "")
    close = [meant] if meant in names else difflib.get_close_matches(name, names, 1, 0.5)
    guess = f"，是不是 {close[0]}？" if close else "。"
    return f"{title} 没有这个参数{guess}可用的：{'、'.join(sorted(names))}"


def _mismatch(
    function: Callable[..., Any], title: str, args: tuple[Any, ...], given: dict[str, Any]
) -> UsageError | None:
    """少给、多给、给了两次。"""
    parameters = list(inspect.signature(function).parameters.values())
    placed = [each for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    names = [p.name for p in placed if p.name != "self"]
    others = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    form = f"{title} 的参数依次是：{'、'.join(names)}" if names else f"{title} 没有参数"
    if others:
        form += f"；要写名字的：{'、'.join(others)}"
    if len(args) > len(placed):
        extra = _Untold() if any(map(is_secret, names + others)) else args[len(placed)]
        return UsageError(title, extra, f"多给了；{form}")
    for index, each in enumerate(placed):
        if index < len(args) and each.name in given:
            return UsageError(each.name, given[each.name], f"给了两次；{form}")
    filled = {each.name for each in placed[: len(args)]} | given.keys()
    for each in parameters:
        plain = each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        if plain and each.default is each.empty and each.name not in filled:
            return UsageError(each.name, _Absent(), f"要给；{form}")
    return None
