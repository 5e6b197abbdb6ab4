"""查询合约：按代码、名称、拼音首字母找证券。"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypedDict

from easytrader.codes import MARKET_ORDER_TYPES
from easytrader.errors import UsageError
from easytrader.market.units import units_of
from easytrader.trader import engine_of

if TYPE_CHECKING:
    from easytrader.market.symbols import Security
    from easytrader.trader import Trader

MOST: Final = 20
"""最多给这么多只。"""
_LONGEST: Final = 32


class Found(TypedDict):
    """一只证券；数量是股/份/张，价位是元。"""

    stock_code: str
    name: str
    """不知道为空。"""
    kind: str
    board: str
    lot: int
    step: int
    tick: float
    market_types: list[str]
    """可用的市价类型；柜台没有市价委托为空。"""


def search(user: Trader, text: object) -> list[Found]:
    """代码、名称、拼音首字母里有 ``text`` 的，像的在前，最多 `MOST` 只。

    名称来自柜台的行情接口；它还没有把名称表交齐的、没有名称表的后端，只认代码。

    Args:
        user: 交易口。
        text: 如 ``6000``、``600036.SH``、``招商``、``zsyh``。

    Raises:
        UsageError: 不是文字，太长。
        NotConnectedError: 没有可用会话。
    """
    form = f"应为代码、名称或拼音首字母的一段，最多 {_LONGEST} 个字，如 '6000'、'招商'、'zsyh'"
    if not isinstance(text, str) or not text.isprintable() or len(text) > _LONGEST:
        raise UsageError("text", text, form)
    engine = engine_of(user)
    # 会话可以没有这个方法：它不在 `Session` 的约定里，`BaseSession` 的是空表
    names: dict[str, str] = getattr(engine.session, "names", dict)()
    wanted = text.strip().upper()
    parse = engine.capabilities.instruments.security
    ranked: list[tuple[int, str]] = []
    for code, name in list(names.items()) if wanted else ():
        rank = _rank(wanted, code, name)
        if rank is not None:
            ranked.append((rank, code))
    codes = [code for _, code in sorted(ranked)[:MOST]]
    try:
        whole = parse(text.strip())
    except UsageError:
        whole = None
    if whole is not None and whole.tradable:  # 写全了的放在最前，表里没有也算
        codes = [whole.stock_code, *(each for each in codes if each != whole.stock_code)][:MOST]
    market = "market" in engine.capabilities.kinds
    return [_found(parse(code), names.get(code, ""), market) for code in codes]


def _rank(wanted: str, code: str, name: str) -> int | None:
    """越小越像；不像为 None。"""
    plain = name.upper().replace(" ", "")
    if wanted in (plain, code, code[:6]):
        return 0
    if code.startswith(wanted) or plain.startswith(wanted):
        return 1
    if wanted.isascii() and wanted.isalpha():
        letters = initials(plain)
        if letters == wanted:
            return 1
        if letters.startswith(wanted):
            return 2
    if wanted in plain or (wanted.isdigit() and len(wanted) > 2 and wanted in code):
        return 3
    return None


def _found(security: Security, name: str, market: bool) -> Found:
    lot, step, tick_li = units_of(security)
    types: dict[str, int] = {}
    if market and security.exchange in MARKET_ORDER_TYPES:
        types = MARKET_ORDER_TYPES[security.exchange]
    return {
        "stock_code": security.stock_code,
        "name": name,
        "kind": security.kind.value,
        "board": security.board.value,
        "lot": lot,
        "step": step,
        "tick": tick_li / 1000,
        "market_types": list(types),
    }


_FIRSTS: Final = "啊A芭B擦C搭D蛾E发F噶G哈H击J喀K垃L妈M拿N哦O啪P期Q然R撒S塌T挖W昔X压Y匝Z"
"""GB2312 的一级汉字按拼音排：每个字母的第一个字。"""
_STARTS: Final = [
    (char.encode("gb2312"), letter)
    for char, letter in zip(_FIRSTS[::2], _FIRSTS[1::2], strict=True)
][::-1]
_LAST: Final = b"\xd7\xf9"
_OTHERS: Final = (
    "鑫X晟S睿R圳Z晖H昊H炜W钰Y锂L钛T铖C鸿H璟J瑾J琪Q琦Q祺Q骐Q麒Q骏J骥J鹭L鹏P鼐N颐Y芯X芮R芸Y荃Q茵Y莱L"
    "葆B蓥Y蕴Y薇W沣F泓H洺M浙Z涪F淼M渤B漳Z漯L瀚H邯H邳P郓Y郴C鄂E鄞Y铂B铄S铉X铮Z锆G锗Z镓J镕R闽M阆L隧S"
    "婺W嬴Y嵊S嵘R嵩S崃L岷M峨E垚Y埃A坤K圩W奕Y妍Y娲W孚F宸C宓M寰H尧Y岚L弈Y彧Y怡Y恺K悦Y愷K懿Y戬J拓T"
    "昕X晗H晞X暄X曦X旻M栩X桦H梵F棣D楠N榕R樾Y殷Y毓Y沅Y汨M汶W泸L洹H浔X淄Z淇Q渝Y湘X滁C滢Y潍W潞L濮P"
    "烨Y焱Y熠Y燊S爻Y犇B玑J玖J珀P珂K珑L珞L珩H琛C琨K琮C瑧Z瑶Y璞P璧B畲S皋G皖W睢S祯Z禧X禾H秣M稷J笛D"
    "绮Q綦Q缇T羲X翊Y翎L翱A耒L胤Y臻Z舟Z艺Y虹H蚌B衢Q裕Y襄X誉Y谌C赣G轶Y辕Y逸Y遨A醴L钼M铷R铼L锝D锶S"
    "长C重C行H厦X银Y"
)
"""二级汉字按部首排，证券名称里常见的列在这里；多音字取名称里常见的读法（银行、长江、重庆）。"""
_KNOWN: Final = dict(zip(_OTHERS[::2], _OTHERS[1::2], strict=True))


@lru_cache(maxsize=20_000)
def initials(name: str) -> str:
    """拼音首字母，大写：``招商银行`` → ``ZSYH``；认不得的字略过，字母数字照写。"""
    return "".join(map(_initial, name))


def _initial(char: str) -> str:
    if char.isascii():
        return char.upper() if char.isalnum() else ""
    known = _KNOWN.get(char)
    if known is not None:
        return known
    try:
        code = char.encode("gb2312")
    except UnicodeEncodeError:
        return ""
    if code > _LAST:
        return ""
    return next((letter for start, letter in _STARTS if code >= start), "")
