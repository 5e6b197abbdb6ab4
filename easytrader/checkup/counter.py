"""登记的柜台：系统与 Python、包、区域设置、在子进程里导入、字段、端口。不登录，不下单。"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.checkup import clock
from easytrader.checkup.case import Case
from easytrader.checkup.run import Check
from easytrader.counters import fields, locale, ports, status
from easytrader.errors import MissingDependencyError, UsageError
from easytrader.miniqmt.diagnose.file_checks import BAD, NOTE, OK, SKIPPED, Verdict

if TYPE_CHECKING:
    import os

    from easytrader.counters.shape import Counter

_PORT_S: Final = 5.0
_IMPORT: Final = """\
import importlib, sys
for name in sys.argv[2:]:
    importlib.import_module(name)
found = importlib.import_module(sys.argv[2])
if sys.argv[1]:
    getattr(found, sys.argv[1])
sys.stdout.write("imported")
"""
_DISTRIBUTION: Final = {
    "zmq": "pyzmq", "futu": "futu-api", "ibapi": "ibapi-stable", "ib_async": "ib_async",
}  # fmt: skip


@dataclass
class CounterCase(Case):
    """一次体检：哪一家，字段是什么。

    Attributes:
        counter: 哪一家。
        config: ``connect_xxx.json`` 的路径、字典，或没有给（None）。
        through_veighna: 说的是 VeighNa 的接口，不看本库自己的后端。
        locale_problem: 要做 ``zh_CN.GB18030`` 而没有做成的原因。
        values: 交给接口的字段；没有给、不对的为 None。
    """

    counter: Counter = field(kw_only=True)
    config: str | os.PathLike[str] | Mapping[str, Any] | None = None
    through_veighna: bool = False
    locale_problem: str = ""
    values: dict[str, object] | None = None

    def find_folder(self) -> None:
        """没有客户端的文件夹。"""

    def make_locale(self) -> None:
        """没有 ``zh_CN.GB18030`` 就做一个；几十秒，在各项之前。"""
        if self.counter.locale and locale.is_needed() and not locale.is_there():
            try:
                locale.ensure()
            except MissingDependencyError as exc:
                self.locale_problem = str(exc)

    @property
    def own(self) -> bool:
        """走本库自己的后端。"""
        return bool(self.counter.own) and not self.through_veighna


def look_python(case: CounterCase) -> Verdict:
    """系统、Python 有没有它能用的包。"""
    place = status.here()
    detail = f"Python {place.python}，{place.system} {place.machine}"
    counter = case.counter
    told = status.refusal(counter, through_veighna=case.through_veighna)
    if told:
        return Verdict(BAD, detail, told)
    if case.own:
        return Verdict(OK, f"{detail}；走 use({counter.own!r})")
    runs = status.runs_at(counter, place)
    if runs is not None and runs.how in ("build", "fix"):
        note = f"；{runs.note}" if runs.note else ""
        return Verdict(OK, f"{detail}；没有现成的 wheel，pip 现场编译{note}")
    return Verdict(OK, detail)


def look_packages(case: CounterCase) -> Verdict:
    """要的包装了没有，哪个版本。"""
    counter = case.counter
    missing, told = [], []
    for module, package in _wanted(case):
        if not status.is_there(module):
            missing.append(module)
            told.append(f"{module} 没有装")
            continue
        told.append(f"{module} {_version(package) or _version(module) or '版本不明'}")
    detail = "，".join(told)
    if missing:
        lines = status.install_lines(counter, through_veighna=case.through_veighna)
        return Verdict(BAD, detail, f"装上：{'；'.join(lines)}")
    return Verdict(OK, detail)


def look_locale(case: CounterCase) -> Verdict:
    """Linux 上有没有 ``zh_CN.GB18030``。"""
    if case.own or not case.counter.locale or not locale.is_needed():
        return Verdict(OK, "用不着")
    if locale.is_there():
        return Verdict(OK, f"有 {locale.NAME}")
    if case.locale_problem:
        return Verdict(BAD, f"没有 {locale.NAME}", case.locale_problem)
    folder = locale.made()
    if folder is not None:
        locale.point_at(folder)
        return Verdict(OK, f"自己做的 {locale.NAME}：LOCPATH={folder}（连接时自动设上）")
    fix = "没有它，进程会被 C++ 终止。连接时会先自动做一个（几十秒）；现在就做：加上 --fix-locale"
    return Verdict(NOTE, f"没有 {locale.NAME}", fix)


def look_native(case: CounterCase) -> Verdict:
    """在子进程里导入：它终止了也只是子进程。"""
    modules = [module for module, _ in _wanted(case)]
    own = modules[:1] if case.own else [case.counter.module]
    name = "" if case.own else case.counter.class_name
    with tempfile.TemporaryDirectory() as place:
        Path(place, ".vntrader").mkdir()  # VeighNa 导入时要写文件：写在这里，不动用户的
        try:
            done = subprocess.run(  # noqa: S603  就是这个 Python
                [sys.executable, "-X", "utf8", "-c", _IMPORT, name, *own],
                capture_output=True, stdin=subprocess.DEVNULL, timeout=case.timeout_s,
                check=False, cwd=place,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            told = f"导入 {own[0]} 过了 {case.timeout_s:g} 秒还没有完"
            return Verdict(BAD, told, "机器忙就加大 --timeout 再来")
    if done.returncode == 0 and b"imported" in done.stdout:
        return Verdict(OK, f"{own[0]} 导入得了{f'（{name}）' if name else ''}")
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    why = lines[-1][:200] if lines else "没有说原因"
    if done.returncode < 0 or done.returncode > 255:
        why = f"进程被终止（{done.returncode}）：{why}"
    return Verdict(BAD, f"{own[0]} 导入失败：{why}", _import_fix(case))


def look_fields(case: CounterCase) -> Verdict:
    """字段齐不齐、对不对；密码不写出来。"""
    counter = case.counter
    if case.own:
        case.values = _plain_values(case)
        return Verdict(SKIPPED, f"字段由 use({counter.own!r}).connect() 自己查")
    if case.config is None:
        fix = f"给出 VeighNa 的 connect_{(counter.default_name or counter.name).lower()}.json"
        return Verdict(SKIPPED, "没有给字段", f"{fix}，或 --profile NAME")
    try:
        case.values = fields.resolve(_given(case), counter)
    except UsageError as exc:
        return Verdict(BAD, str(exc), f"有哪些字段：easytrader brokers {counter.name}")
    empty = [name for name, value in case.values.items() if value == ""]
    told = f"，空着的：{'、'.join(empty)}" if empty else ""
    return Verdict(OK, f"{len(case.values)} 个字段都对{told}")


def look_ports(case: CounterCase) -> Verdict:
    """字段里的地址，TCP 连不连得上；不登录。"""
    if case.values is None:
        return Verdict(SKIPPED, "没有字段，不知道连哪里")
    places = ports.addresses(case.values)
    if not places:
        return Verdict(SKIPPED, "字段里没有写全的地址与端口")
    deadline = time.monotonic() + case.timeout_s
    told, refused = [], []
    for name, (host, port) in places.items():
        why = ports.unreachable(host, port, min(_PORT_S, max(0.1, deadline - time.monotonic())))
        told.append(f"{name} {host}:{port} {'通' if not why else f'连不上（{why}）'}")
        if why:
            refused.append(name)
    detail = "；".join(told)
    if not refused:
        return Verdict(OK, f"{detail}（通不等于登录得了）")
    only_quotes = all("行情" in name for name in refused)
    fix = "看看地址、端口、网络与防火墙，柜台此刻开不开；本机的看那个程序开没开"
    return Verdict(NOTE if only_quotes else BAD, detail, fix)


CHECKS: Final = (
    Check("python", "系统与 Python", look_python),
    Check("packages", "依赖包", look_packages, ("python",)),
    Check("locale", "区域设置", look_locale),
    Check("native", "导入", look_native, ("python", "packages"), limit_s=None),
    Check("fields", "字段", look_fields),
    Check("ports", "端口", look_ports, limit_s=None),
    Check("clock", "时钟", clock.look_clock, limit_s=clock.TOTAL_S + 1),
)
"""登记的柜台的各项，按查的顺序。"""


def _wanted(case: CounterCase) -> list[tuple[str, str]]:
    """要的模块与它在 PyPI 上的名字。"""
    counter = case.counter
    if case.own:
        module = status.own_module(counter)
        return [(module, _DISTRIBUTION.get(module, module))]
    package = counter.package.partition("==")[0]
    modules = [("vnpy", "vnpy"), (counter.module, package)]
    return modules + [(each, _DISTRIBUTION.get(each, each)) for each in counter.needs]


def _import_fix(case: CounterCase) -> str:
    runs = status.runs_at(case.counter, status.here())
    if not case.own and runs is not None and runs.how == "fix":
        return f"{runs.note}；见文档 brokers.md（Linux 上补一步）"
    lines = status.install_lines(case.counter, through_veighna=case.through_veighna)
    return f"重装：{'；'.join(lines)}"


def _given(case: CounterCase) -> Mapping[str, object]:
    config = case.config
    assert config is not None
    return config if isinstance(config, Mapping) else fields.read_config(config)


def _plain_values(case: CounterCase) -> dict[str, object]:
    """自己的后端：字段照登记的叫法认得出地址就行，不查别的。"""
    values: dict[str, object] = {each.name: each.default for each in case.counter.fields}
    if case.config is not None:
        values.update(_given(case))
    return values


def _version(package: str) -> str:
    try:
        return version(package) if package else ""
    except PackageNotFoundError:
        return ""
