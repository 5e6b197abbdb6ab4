"""时钟准不准：与几个网站应答里的时间比；时区是不是北京时间。

用明文 HTTP：时钟错得多时 TLS 证书会被当成过期，反而问不到时间。
"""

from __future__ import annotations

import http.client
import threading
import time
import urllib.request
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError

from easytrader.basics.beijing import OFFSET_S
from easytrader.miniqmt.diagnose.file_checks import BAD, NOTE, OK, SKIPPED, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from easytrader.checkup.case import Case

HOSTS: Final = ("www.baidu.com", "www.qq.com", "www.aliyun.com")
TOTAL_S: Final = 5.0
_EACH_S: Final = 3.0
_NOTE_S: Final = 2.0
_BAD_S: Final = 30.0
_BEIJING: Final = timedelta(seconds=OFFSET_S)
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
    if offset is None or offset == _BEIJING:
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
