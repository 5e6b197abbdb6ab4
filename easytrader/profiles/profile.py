r"""一个账号的设置文件：``<用户数据目录>/profiles/名字.toml``，哪个后端都一样。

```toml
broker = "miniqmt"
wait = 60                      # 连不上时最多等多少秒
guard = { max_order_value = 50000 }
log_file = "main.log"

[use]                          # use() 的别的选项；多数后端没有
# gateway = "XTP"              # broker = "vnpy" 的

[connect]                      # 交给 connect() 的选项
miniqmt_path = 'D:\国金证券QMT交易端\userdata_mini'
stock_account = "env:QMT_ACCOUNT"

[job]                          # 没有人看着的任务的默认值
price = "对手价"

[[notify]]
kind = "企业微信"
url = "keyring:easytrader/wecom"
```
"""

from __future__ import annotations

import inspect
import os
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.api import use
from easytrader.basics import pace, replaying
from easytrader.basics.keywords import unknown_told
from easytrader.basics.paths import home
from easytrader.basics.private import private_file, private_folder
from easytrader.basics.references import hidden
from easytrader.errors import ConnectFailedError, NotConnectedError, UsageError
from easytrader.profiles import tomlfile
from easytrader.profiles.account import (
    OURS,
    AccountSpec,
    broker_of,
    check_name,
    connect_of,
    goes_through_veighna,
    use_of,
    waits_itself,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from easytrader.risk import Guard
    from easytrader.trader import Trader

VARIABLE: Final = "EASYTRADER_PROFILE"
DEFAULT: Final = "default"
WAIT_S: Final = 30.0
"""没有写 ``wait`` 时，连不上最多等这么久。"""
_AGAIN_S: Final = 1.0
_SLOWEST_S: Final = 10.0
_KEYS: Final = ("broker", "connect", "guard", "job", "log_file", "notify", "use", "wait")
JOB_KEYS: Final[dict[str, tuple[type, ...]]] = {
    "price": (str,),
    "patience": (int, float),
    "deadline": (str, int, float),
    "slices": (str,),
    "cash_buffer": (int, float),
    "others": (str,),
    "min_turnover": (int, float),
    "assume_open": (bool,),
    "hours": (bool,),
    "timeout": (int, float),
    "lock_wait": (int, float),
    "report": (str,),
}
"""``[job]`` 里能写的 → 值的类型；值对不对，由用它的那一步说。"""


@dataclass(frozen=True)
class Profile:
    """一个账号的设置；用 `find` 得到，也可以直接造。

    Args:
        name: 名字。
        account: 后端、连接的选项、风控。
        wait: 连不上时最多等多少秒。
        job: 任务的默认值，键见 `JOB_KEYS`。
        notify: 通知，每个一张表，键见文档「通知」；值可以是 ``env:…``、``keyring:…``。
        log_file: 任务的日志也写进这个文件；None 不写。
        file: 从哪个文件读来的；直接造的为 None。
    """

    name: str
    account: AccountSpec
    wait: float = WAIT_S
    job: Mapping[str, Any] = field(default_factory=dict)
    notify: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)  # 里面可能有密码
    log_file: Path | None = None
    file: Path | None = None

    @property
    def broker(self) -> str:
        """后端，同 `easytrader.use`。"""
        return self.account.broker

    @property
    def connect(self) -> Mapping[str, Any]:
        """交给 ``connect()`` 的选项，密码还没有取。"""
        return self.account.connect

    @property
    def guard(self) -> Guard | None:
        """风控规则。"""
        found = self.account.guard
        assert not isinstance(found, (dict, bool))  # AccountSpec 造的时候就换成 Guard 了
        return found

    @property
    def told(self) -> str:
        """写在错误里：是哪个设置。"""
        return f"账号设置 {self.name}"

    def open(self, *, debug: bool = False, wait: float | None = None, **connect: Any) -> Trader:
        """连上，给出交易口；用完 ``close()``，或 ``with profile.open() as user:``。

        重试的只有连接：连不上的在 ``wait`` 秒之内再来，委托绝不在这里重发。

        Args:
            debug: 是否记 DEBUG 日志。
            wait: 最多等多少秒，默认用设置里的；0 只试一次。
            **connect: 盖过设置里的选项，如 ``timeout=5``、``trader_callback=…``。

        Raises:
            UsageError: 哪一项不对、密码取不到；什么都没有做。
            MissingDependencyError: 后端、keyring 装得不全。
            ConnectFailedError: 到期还没有连上；什么都没有留下。
        """
        wait_s = self.wait if wait is None else arguments.seconds("wait", wait, allow_zero=True)
        if replaying.current() is not None:  # 都去回放的账户，密码不必取
            rehearsal = use("sim", debug=debug, guard=self.account.guard)
            rehearsal.connect(**connect)
            return rehearsal
        options = self.account.options(self.told)
        fetched = self.account.secrets_of(options)
        trader = self.account.make(debug=debug)
        try:
            self.check_options(trader)
            with hidden(*fetched), tomlfile.within(self.told):
                _connect(trader, {**options, **connect}, wait_s)
        except BaseException:
            trader.close()
            raise
        return trader

    def check_options(self, trader: Trader) -> None:
        """``[connect]`` 里的名字，这个后端的 ``connect()`` 都认得。

        Raises:
            UsageError: 有不认得的；说出是不是哪一个，有的是哪些。
        """
        accepted: frozenset[str] = getattr(trader.connect, "accepted", frozenset())
        if goes_through_veighna(self.broker):  # 接口自己的字段也是参数
            accepted = _gateway_names(self.account, trader)
        for each in self.connect if accepted else ():
            if each not in accepted:
                told = unknown_told("connect", each, accepted.difference(OURS))
                raise UsageError(f"connect.{each}", "…", f"{told}（{self.told}）")  # 可能是密码

    def shown(self) -> dict[str, Any]:
        """给人看的：密码、取密码的地方以外的都在，直接写着的密码换成星号。

        键：``name file broker use connect guard wait job notify log_file``。
        """
        return {
            "name": self.name,
            "file": None if self.file is None else str(self.file),
            "broker": self.broker,
            "use": dict(self.account.use),
            "connect": tomlfile.starred(dict(self.connect)),
            "guard": None if self.guard is None else self.guard.limits(),
            "wait": self.wait,
            "job": dict(self.job),
            "notify": tomlfile.starred([dict(each) for each in self.notify]),
            "log_file": None if self.log_file is None else str(self.log_file),
        }


def find(name: str | os.PathLike[str] | None = None) -> Profile:
    """名字，或一个 ``.toml`` 文件的路径 → 设置。

    Args:
        name: 名字（``main`` 是 `folder` 里的 ``main.toml``）；带分隔符、以 ``.toml`` 结尾的是路径。
            不给就看环境变量 ``EASYTRADER_PROFILE``，再没有就是 ``default``。

    Raises:
        UsageError: 没有这个设置（列出有的），读不了，写得不对，里面有密码而别人读得到。
    """
    if name is None:
        named = os.environ.get(VARIABLE, "").strip()
        with tomlfile.within(f"环境变量 {VARIABLE}" if named else f"没有说名字，也没有 {VARIABLE}"):
            return find(named or DEFAULT)
    file = file_of(name)
    if not file.is_file():
        if replaying.current() is not None:  # 回放的机器上不必有实盘的设置
            return Profile(file.stem, AccountSpec("sim"))
        raise _unknown(name, file)
    told = tomlfile.read(file, "profile")
    with tomlfile.within(f"账号设置 {file}"):
        return _profile(file.stem, file, told)


def open_account(name: str | os.PathLike[str] | None = None, **connect: Any) -> Trader:
    """`find` 之后 `Profile.open`：脚本里一行连上，``with profiles.open() as user:``。

    Args:
        name: 同 `find`。
        **connect: 同 `Profile.open`，``wait``、``debug`` 也写在这里。
    """
    return find(name).open(**connect)


def names() -> list[str]:
    """有哪些设置。"""
    try:
        found = sorted(each.stem for each in folder().glob("*.toml") if each.is_file())
    except OSError:
        return []
    return found


def folder() -> Path:
    """设置文件放在哪里；可能还不存在。"""
    return home() / "profiles"


def file_of(name: str | os.PathLike[str]) -> Path:
    """名字（或路径）→ 文件，不看有没有。

    Raises:
        UsageError: 名字不对。
    """
    text = os.fspath(name) if isinstance(name, (str, os.PathLike)) else ""
    if not isinstance(name, str) or _is_path(text):
        file = Path(text).expanduser()
        if file.suffix.lower() != ".toml":
            raise UsageError("profile", str(name), "应为设置的名字，或一个 .toml 文件的路径")
        return file.absolute()
    try:
        return folder() / f"{check_name(text)}.toml"
    except UsageError as exc:
        raise UsageError("profile", text, exc.expected) from None


def create(name: str, text: str) -> Path:
    """建一个设置文件，只给本人看；已经有的不动它。

    Raises:
        UsageError: 名字不对，已经有了，写不了。
    """
    file = file_of(name)
    if file.exists():
        raise UsageError("profile", name, f"已经有了：{file}")
    try:
        private_folder(file.parent)
        private_file(file)
        file.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise UsageError("profile", name, f"写不了 {file}：{exc.strerror or exc}") from None
    return file


def _connect(trader: Trader, options: dict[str, Any], wait_s: float) -> None:
    """连到连上为止，最多 ``wait_s`` 秒。"""
    if not wait_s:
        trader.connect(**options)
        return
    if waits_itself(trader):  # 它分得清哪些错再等也没有用
        trader.connect(**{"wait": wait_s, **options})
        return
    from tenacity import Retrying, retry_if_exception_type, wait_exponential

    clock = pace.current()
    deadline = clock.monotonic() + wait_s
    again = Retrying(
        retry=retry_if_exception_type((ConnectFailedError, NotConnectedError)),
        stop=lambda _: clock.monotonic() >= deadline,
        wait=wait_exponential(_AGAIN_S, _SLOWEST_S),
        sleep=lambda seconds: clock.sleep(min(seconds, max(0.0, deadline - clock.monotonic()))),
        reraise=True,
    )
    again(lambda: trader.connect(**options))


def _profile(name: str, file: Path, told: dict[str, Any]) -> Profile:
    tomlfile.check_keys(told, _KEYS)
    job, notify, log_file = told.get("job", {}), told.get("notify", []), told.get("log_file")
    if not isinstance(job, dict):
        raise UsageError("job", job, "写成 [job]，一行一个默认值")
    _check_job(job)
    if not isinstance(notify, list) or not all(isinstance(each, dict) for each in notify):
        raise UsageError("notify", "…", "写成 [[notify]]，一个通知一段")
    if log_file is not None and (not isinstance(log_file, str) or not log_file.strip()):
        raise UsageError("log_file", log_file, "应为文件的路径，例如 'main.log'")
    connect = connect_of(told)
    if tomlfile.holds_secret([connect, notify]):
        tomlfile.check_private(file, "profile")
    return Profile(
        name,
        AccountSpec(broker_of(told), connect=connect, guard=told.get("guard"), use=use_of(told)),
        arguments.seconds("wait", told.get("wait", WAIT_S), allow_zero=True),
        job,
        tuple(notify),
        None if log_file is None else file.parent / Path(log_file).expanduser(),
        file,
    )


def _check_job(job: dict[str, Any]) -> None:
    tomlfile.check_keys(job, JOB_KEYS, "job.")
    for name, value in job.items():
        kinds = JOB_KEYS[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            told = {str: "文字", bool: "true 或 false", dict: "表", int: "整数", float: "数"}
            forms = "或".join(dict.fromkeys(told[each] for each in kinds))
            raise UsageError(f"job.{name}", value, f"应为{forms}")


def _gateway_names(account: AccountSpec, trader: Trader) -> frozenset[str]:
    """VeighNa 的接口的 ``connect()`` 收哪些名字；接口不在登记里的不知道，都收。"""
    from easytrader import counters
    from easytrader.counters.fields import known_names

    name = account.use.get("gateway", account.broker)
    counter = counters.find(name) if isinstance(name, str) else None
    parameters = inspect.signature(trader.connect).parameters.values()
    starred = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    own = frozenset(each.name for each in parameters if each.kind not in starred)
    return frozenset() if counter is None else known_names(counter) | own


def _is_path(text: str) -> bool:
    return "/" in text or "\\" in text or text.lower().endswith(".toml")


def _unknown(name: str | os.PathLike[str], file: Path) -> UsageError:
    if not isinstance(name, str) or _is_path(name):
        return UsageError("profile", str(name), f"没有这个文件：{file}")
    have = names()
    near = get_close_matches(name, have, 1)
    asked = f"是不是 {near[0]}？" if near else ""
    listed = f"有的是：{'、'.join(have)}" if have else f"还一个也没有（{folder()}）"
    told = f"没有这个设置。{asked}{listed}；新建：easytrader profile init {name}"
    return UsageError("profile", name, told)
