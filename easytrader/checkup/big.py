"""完整版 QMT 的体检：哪几项与 MiniQMT 的看法不同，都在这里；结果的键还是那九个。

内置 Python 在客户端里，我们只看得到它的日志、中转的设置，和真的连一次时中转自己说的。
"""

from __future__ import annotations

import platform
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

from easytrader._version import __version__
from easytrader.basics.log import masked
from easytrader.errors import ConnectFailedError, EasytraderError, UsageError
from easytrader.miniqmt.diagnose import big_client
from easytrader.miniqmt.diagnose.file_checks import BAD, NOTE, OK, SKIPPED, Verdict
from easytrader.trader import engine_of

if TYPE_CHECKING:
    from easytrader.checkup.case import Case
    from easytrader.types import AccountTypeName

_OLDEST: Final = (3, 10)
_CLICKS: Final = (
    "客户端 → 模型研究 → 新建 Python 模型，贴进中转文件 → 模型交易 → 新建策略交易：选这个模型"
    "与资金账号、周期 1 分钟，运行模式选「实盘」，"
    "不要勾「启动本地python」「独立python进程」「原生python」"
)
_WRITE: Final = "easytrader bigqmt agent --account 资金账号 --allow-orders -o 中转.py"
_KNOCK_S: Final = 0.3
_WIRES: Final = {"tcp": "本机端口", "pipe": "命名管道", "spool": "文件夹"}
_SLOW_MS: Final = 500
_CLOSED: Final = (
    "「连接与账号」正常就不要紧：端口、命名管道、文件夹通一条就能用。一条都不通的，本库不绕过去：问券商，"
    "把 easytrader bigqmt probe 写出的模型跑一遍，印出来的发给我们"
)


def look_python(case: Case) -> Verdict:
    """外面这个 Python：没有厂商的二进制，只要够新；真的客户端在 Windows 上。"""
    name = f"{platform.python_implementation()} {platform.python_version()}"
    detail = f"{name}，{platform.system()} {platform.machine()}"
    if sys.version_info[:2] < _OLDEST:
        return Verdict(BAD, detail, "easytrader 要 Python 3.10 以上")
    if case.is_real and platform.system() != "Windows":
        fix = "中转只在客户端那台机器上听：在那台 Windows 上运行，别的机器经 easytrader serve 来连"
        return Verdict(BAD, detail, fix)
    return Verdict(OK, detail)


def look_packages(case: Case) -> Verdict:
    """只要本库：不用 xtquant。"""
    return Verdict(OK, f"easytrader {__version__}（不用 xtquant）")


def look_mode(case: Case) -> Verdict:
    """引擎的日志：跑起来没有，实盘还是模拟，客户端不许什么。"""
    assert case.folder is not None
    seen = big_client.read_log(case.folder)
    if not seen.name:
        fix = f"模型还没有运行过：{_CLICKS}。中转文件由 {_WRITE} 写出"
        return Verdict(NOTE, "没有内置 Python 的日志", fix)
    told = [f"{seen.name}：{_MODES[seen.mode]}", f"送出过 {seen.orders} 笔" if seen.orders else ""]
    if seen.refusals:
        told.append("客户端说：" + "；".join(seen.refusals))
    detail = "；".join(filter(None, told))
    if seen.mode == "sim":
        fix = "模型的运行模式是「模拟」，只出信号，委托不会送出：停掉，把运行模式改成「实盘」再运行"
        return Verdict(BAD, detail, fix)
    if seen.refusals:
        return Verdict(NOTE, detail, _CLOSED)
    if not seen.mode:
        fix = f"还没有进入交易：在编辑器里「运行」的不送委托。{_CLICKS}"
        return Verdict(NOTE, detail, fix)
    return Verdict(OK, detail)


_MODES: Final = {"live": "实盘", "sim": "模拟（只出信号）", "": "没有进入交易"}


def look_agent(case: Case) -> Verdict:
    """中转的设置：这台机器上写过没有，它的端口有没有人在听。"""
    from easytrader.bigqmt import agentfile

    if case.account_id is None:
        return Verdict(SKIPPED, "没有给资金账号", "加上 --account 资金账号")
    try:
        settings = agentfile.known(case.account_id)
    except UsageError as exc:
        return Verdict(BAD, exc.expected, "照上面说的处理")
    told = f"账号 {masked(case.account_id)}"
    if settings is None:
        fix = f"写一份，贴进客户端：{_WRITE}；然后 {_CLICKS}"
        return Verdict(BAD, f"{told} 在这台机器上没有写过中转文件", fix)
    heard = [port for port in settings.ports if _listens(port)]
    ports = "、".join(map(str, heard))
    if heard:
        return Verdict(OK, f"{told} 的中转在 127.0.0.1 的端口 {ports} 上听")
    fix = (
        f"「连接与账号」正常就不要紧：走的是命名管道或文件夹。不正常的，是中转没有在运行：{_CLICKS}"
    )
    return Verdict(NOTE, f"{told} 的中转写过，端口上没有人在听", fix)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=_KNOCK_S):
        return True
    return False


def look_connect(case: Case) -> Verdict:
    """真的连一次，听中转说它自己：版本、模式、节拍、哪几条线通，客户端不许的原话。"""
    from easytrader.brokers.sim import bigqmt_trader

    assert case.folder is not None
    if case.account_id is None:
        return Verdict(SKIPPED, "没有给资金账号", "加上 --account 资金账号")
    user = bigqmt_trader()
    try:
        user.connect(
            str(case.folder),
            case.account_id,
            account_type=cast("AccountTypeName", case.account_type),
            timeout=case.timeout_s,
            reconnect_enabled=False,
        )
        asset = user.balance[0]
        hello = getattr(engine_of(user).session, "hello", {})
    except ConnectFailedError as exc:
        head, *rest = str(exc).splitlines()
        return Verdict(
            BAD, head, " ".join(line.strip() for line in rest) or "按上面说的处理，再查一遍"
        )
    except EasytraderError as exc:
        return Verdict(BAD, f"连上了，但是 {exc}", "在客户端里看这个账号登录了没有")
    finally:
        user.close()
    return judge(hello, asset["total_asset"], f"账号 {masked(case.account_id)}")


def judge(hello: dict[str, Any], total_asset: float, who: str) -> Verdict:
    """中转说的好不好。"""
    wires = hello.get("wires") or {}
    open_ones = [_WIRES[name] for name in _WIRES if wires.get(name) == "ok"]
    closed = [
        f"{_WIRES[name]}不通（{said}）" for name, said in wires.items()
        if name in _WIRES and said and said != "ok"
    ]  # fmt: skip
    cadence = hello.get("cadence_ms")
    told = [
        f"{who} 已登录，总资产查得到",
        f"中转版本 {hello.get('agent')}，Python {hello.get('python')}",
        "可以下单" if hello.get("orders") else "只读",
        f"通的线：{'、'.join(open_ones) or '没有'}",
        *closed,
        f"定时器约 {cadence:.0f} 毫秒一次" if isinstance(cadence, (int, float)) else "",
        f"这个终端没有 {'、'.join(map(str, hello['missing']))}" if hello.get("missing") else "",
    ]
    detail = "；".join(filter(None, told))
    if hello.get("mode") != "live":
        fix = f"中转是在编辑器里运行的，委托不会送出：{_CLICKS}"
        return Verdict(BAD, detail, fix)
    if not hello.get("orders"):
        fix = f"要下单的话，写一份许下单的中转换上：{_WRITE}"
        return Verdict(NOTE, detail, fix)
    if isinstance(cadence, (int, float)) and cadence > _SLOW_MS:
        fix = "同一个客户端里别的模型占着线程：停掉不用的模型，它们里面不要 sleep"
        return Verdict(NOTE, detail, fix)
    if not total_asset:
        return Verdict(NOTE, f"{detail}；总资产是 0", "新开的账号、账号类型不对都会这样")
    return Verdict(OK, detail)
