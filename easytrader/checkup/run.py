"""按顺序查，一项一个期限；哪一项自己出了错也只是那一项「有问题」。"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from easytrader.basics.threads import call_aside
from easytrader.checkup import big, clock, connection, environment
from easytrader.checkup.case import look_disk, look_path, look_permission, look_session
from easytrader.errors import EasytraderError
from easytrader.miniqmt.diagnose.file_checks import BAD, SKIPPED, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.checkup.case import Case
    from easytrader.types import CheckName, CheckResult, CheckVerdict

_FILES_S: Final = 5.0
_IMPORT_S: Final = 20.0
_CLOSE_S: Final = 6.0
"""连接那一项在 timeout 之外：导入厂商包、断开。"""
_OTHERS_S: Final = 30.0
"""除了连接，其余各项加起来最多这么久。"""


class Check(NamedTuple):
    """一项检查。

    Attributes:
        name: 结果里的 ``check``。
        title: 中文名。
        look: 怎样查；收 `Case`，或 `examine` 收的那一种。
        needs: 这几项有问题或被跳过，它就不必查。
        limit_s: 期限，秒；None 由 timeout 定。
    """

    name: CheckName
    title: str
    look: Callable[[Any], Verdict]
    needs: tuple[str, ...] = ()
    limit_s: float | None = _FILES_S


CHECKS: Final = (
    Check("python", "Python", environment.look_python),
    Check("packages", "依赖包", environment.look_packages),
    Check("path", "客户端路径", look_path),
    Check("permission", "极简模式与权限", look_permission, ("path",)),
    Check("session", "会话 id", look_session, ("path",)),
    Check("disk", "磁盘", look_disk),
    Check("clock", "时钟", clock.look_clock, limit_s=clock.TOTAL_S + 1),
    Check("trading_day", "交易日", clock.look_trading_day, limit_s=_IMPORT_S),
    Check(
        "connect",
        "连接与账号",
        connection.look_connect,
        ("python", "packages", "path", "permission", "session", "disk"),
        limit_s=None,
    ),
)
"""全部检查，按查的顺序。"""

_BIG: Final = {
    "python": ("Python", big.look_python),
    "packages": ("依赖包", big.look_packages),
    "permission": ("模型与日志", big.look_mode),
    "session": ("中转", big.look_agent),
    "connect": ("连接与账号", big.look_connect),
}
BIG_CHECKS: Final = tuple(
    each._replace(
        title=_BIG[each.name][0],
        look=_BIG[each.name][1],
        needs=("python", "path") if each.name == "connect" else each.needs,
    )
    if each.name in _BIG
    else each
    for each in CHECKS
)
"""完整版 QMT 的：同样的九项，有五项看法不同；日志、端口看不出问题的也真的连一次。"""


def examine(case: Case, checks: tuple[Check, ...] | None = None) -> list[CheckResult]:
    """逐项检查；不说查哪些的，照客户端的种类。"""
    deadline = time.monotonic() + _OTHERS_S
    try:
        call_aside(case.find_folder, _FILES_S)
    except Exception as exc:  # noqa: BLE001  边界：见模块说明
        case.folder_problem = Verdict(
            BAD, f"看不了这个路径：{_told(exc)}", "看看磁盘、网络盘是否正常"
        )
    if checks is None:
        checks = BIG_CHECKS if case.is_big else CHECKS
    rows: list[CheckResult] = []
    for check in checks:
        verdict = _skipped(case, checks, check) or _look(case, check, deadline)
        case.done[check.name] = verdict
        rows.append(
            {
                "check": check.name,
                "title": check.title,
                "status": cast("CheckVerdict", verdict.status),
                "detail": verdict.detail,
                "fix": verdict.fix,
            }
        )
    return rows


def _skipped(case: Case, checks: tuple[Check, ...], check: Check) -> Verdict | None:
    titles: dict[str, str] = {each.name: each.title for each in checks}
    for name in check.needs:
        found = case.done.get(name)
        if found is not None and found.status in (BAD, SKIPPED):
            return Verdict(SKIPPED, f"「{titles[name]}」{found.status}，不必查", found.fix)
    return None


def _look(case: Case, check: Check, deadline: float) -> Verdict:
    if check.limit_s is None:
        limit_s = case.timeout_s + _CLOSE_S
    else:
        limit_s = max(0.0, min(check.limit_s, deadline - time.monotonic()))
    try:
        return call_aside(lambda: check.look(case), limit_s, name="easytrader-doctor")
    except Exception as exc:  # noqa: BLE001  边界：见模块说明
        return Verdict(BAD, f"检查时出错：{_told(exc)}", "按上面说的处理；看不懂就把这一行发给我们")


def _told(exc: Exception) -> str:
    if isinstance(exc, (EasytraderError, TimeoutError)):
        return str(exc)
    return f"{type(exc).__name__}: {exc}"
