"""时钟准不准：与几个网站应答里的时间比；时区是不是北京时间；今天开不开市。

用明文 HTTP：时钟错得多时 TLS 证书会被当成过期，反而问不到时间。
"""

from __future__ import annotations

import http.client
import threading
import time
import urllib.request
from datetime import datetime, timedelta
from datetime import time as clock_time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError

from easytrader.basics.beijing import BEIJING, beijing_now
from easytrader.miniqmt.diagnose.file_checks import BAD, NOTE, OK, SKIPPED, Verdict
from easytrader.sim.config.folder import SimFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from easytrader.checkup.case import Case

HOSTS: Final = ("www.baidu.com", "www.qq.com", "www.aliyun.com")
TOTAL_S: Final = 5.0
_EACH_S: Final = 3.0
_NOTE_S: Final = 2.0
_BAD_S: Final = 30.0
_SYNC: Final = "打开系统的「自动设置时间」"


def look_clock(
    case: Case,
    *,
    fetch: Callable[[str, float], float] | None = None,
    utc_offset: timedelta | None = None,
    total_s: float = TOTAL_S,
) -> Verdict:
    """时钟差多少秒，时区对不对。

    Args:
        case: 这次体检。
        fetch: (主机, 期限) → 本机时间减去它的时间，秒。
        utc_offset: 本机时区。
        total_s: 一共最多等几秒。
    """
    zone = _told_zone(utc_offset if utc_offset is not None else datetime.now().astimezone())
    if not case.network:
        return _without_network("没有上网核对（network=False）", "", zone)
    skew = _measure(fetch or _ask, total_s)
    if skew is None:
        fix = f"连不上 {'、'.join(HOSTS)}；请自己核对时间"
        return _without_network("没有问到网络时间", fix, zone)
    told = f"本机时间{'快' if skew > 0 else '慢'} {abs(skew):.1f} 秒"
    if abs(skew) > _BAD_S:
        fix = f"{_SYNC}：交易时段、委托时间都会判断错"
        return Verdict(BAD, "；".join(filter(None, (told, zone))), fix)
    if abs(skew) > _NOTE_S:
        return Verdict(NOTE, "；".join(filter(None, (told, zone))), _SYNC)
    if zone:
        return Verdict(NOTE, f"时间准（差 {abs(skew):.1f} 秒以内）；{zone}", _ZONE_FIX)
    return Verdict(OK, f"时间准（差 {abs(skew):.1f} 秒以内），北京时间")


_ZONE_FIX: Final = (
    "不影响交易：order_time 等是 Unix 秒，交易日按北京时间算；"
    "只是日志与你自己换算的时间按本机时区显示"
)


def _without_network(reason: str, fix: str, zone: str) -> Verdict:
    if zone:
        return Verdict(NOTE, f"{zone}；{reason}", _ZONE_FIX)
    return Verdict(SKIPPED, reason, fix)


def _told_zone(where: datetime | timedelta) -> str:
    offset = where.utcoffset() if isinstance(where, datetime) else where
    if offset is None or offset == BEIJING.utcoffset(None):
        return ""
    return f"本机时区是 UTC{offset.total_seconds() / 3600:+g}，不是北京时间"


def _measure(
    fetch: Callable[[str, float], float], total_s: float, hosts: Sequence[str] = HOSTS
) -> float | None:
    """同时问几家，取差得最小的：被缓存过的应答只会差得更多。"""
    answers: list[float] = []
    left = threading.Semaphore(0)

    def ask(host: str) -> None:
        try:
            answers.append(fetch(host, min(_EACH_S, total_s)))
        except Exception:  # noqa: BLE001  边界：一家问不到还有别家
            return
        finally:
            left.release()

    deadline = time.monotonic() + total_s
    for host in hosts:
        # 域名解析没有期限，所以不等线程，只等结果
        threading.Thread(
            target=ask, args=(host,), name=f"easytrader-clock-{host}", daemon=True
        ).start()
    for _ in hosts:
        if not left.acquire(timeout=max(0.0, deadline - time.monotonic())):
            break
    return min(list(answers), key=abs, default=None)


class _StayHere(urllib.request.HTTPRedirectHandler):
    """不跟着转走：第一个应答里就有时间。"""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _ask(host: str, timeout_s: float) -> float:
    """本机时间减去 ``host`` 的时间，秒；精确到约半秒。"""
    opener = urllib.request.build_opener(_StayHere())
    headers = {"Cache-Control": "no-cache"}
    request = urllib.request.Request(f"http://{host}/", method="HEAD", headers=headers)
    before = time.time()
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            told = answer.headers
    except HTTPError as error:  # 转走、拒绝也带着时间
        with error:
            told = error.headers
    middle = (before + time.time()) / 2
    stamp = told.get("Date")
    if not stamp:
        raise http.client.HTTPException("应答里没有时间")
    # Date 舍去了秒以下的部分
    server = parsedate_to_datetime(stamp).timestamp() + 0.5
    return middle - server - float(told.get("Age") or 0)


# ---- 今天开不开市，现在是一天里的哪一段

_PHASES: Final = (
    (clock_time(9, 15), "盘前"),
    (clock_time(9, 25), "开盘集合竞价"),
    (clock_time(9, 30), "开盘前的等待"),
    (clock_time(11, 30), "连续竞价（上午）"),
    (clock_time(13, 0), "午间休市"),
    (clock_time(14, 57), "连续竞价（下午）"),
    (clock_time(15, 0), "收盘集合竞价"),
    (clock_time(15, 5), "收盘"),
    (clock_time(15, 30), "盘后（固定价格交易）"),
)


def look_trading_day(case: Case, *, now: datetime | None = None) -> Verdict:
    """是不是交易日；不是的话下一个是哪天。"""
    from easytrader.market import calendar

    moment = (now or beijing_now()).astimezone(BEIJING)
    today = moment.date()
    told = f"北京时间 {moment:%Y-%m-%d %H:%M}"
    if case.simulated and (own := _own_time(case)):
        return Verdict(OK, f"{told}；{own}")
    trading = calendar.is_trading_day(today, case.simulated)
    if trading is None:
        fix = "照上面说的改好这个文件" if calendar.trouble() else calendar.remedy()
        return Verdict(NOTE, f"{told}；不知道是不是交易日：{calendar.explain(today)}", fix)
    last = calendar.ending(today)
    ends = "" if last is None else f"；日历只到 {last}"
    if not trading:
        following = calendar.next_trading_day(today, case.simulated)
        shown = f"，下一个交易日 {following}" if following else ""
        fix = "客户端这时常常关着；委托等开市再下"
        fix = f"{fix}；{calendar.remedy()}" if ends else fix
        return Verdict(NOTE, f"{told}；今天不是交易日{shown}{ends}", fix)
    if ends:
        return Verdict(NOTE, f"{told}；交易日，{phase(moment)}{ends}", calendar.remedy())
    return Verdict(OK, f"{told}；交易日，{phase(moment)}")


def phase(moment: datetime) -> str:
    """交易日里的这一刻属于哪一段。"""
    now = moment.timetz().replace(tzinfo=None)
    return next((name for end, name in _PHASES if now < end), "收盘后")


def _own_time(case: Case) -> str:
    """这个模拟文件夹不看交易所的时间；看的为空。"""
    assert case.folder is not None
    clock = SimFolder.open(case.folder).config.clock
    return {"always": "这个模拟文件夹全天可交易", "step": "这个模拟文件夹的时钟由脚本走"}.get(
        clock, ""
    )
