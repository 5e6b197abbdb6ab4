"""中转文件：一个账号的令牌、端口、管道、文件夹，与把它们写进 `agent` 得到的、要贴进客户端的文件。

设置记在 ``<数据目录>/bigqmt/<账号>.json``（只给本人看），第一次用到时做出来，以后不变：贴进客户端的
文件与 ``use("bigqmt")`` 各看各的，凑到一起不用再抄一遍。
"""

from __future__ import annotations

import ast
import json
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics import paths, private
from easytrader.basics.log import masked
from easytrader.errors import UsageError

if TYPE_CHECKING:
    import os

ACCOUNT_TYPES: Final = ("STOCK", "CREDIT")

_BEGIN: Final = "# ---- settings"
_END: Final = "# ---- end of settings"
_PORTS: Final = range(20000, 32000)
"""在各系统给连出去的连接随手用的端口（32768 以上）之外。"""
_HOW_MANY: Final = 5


class Settings(NamedTuple):
    """一个账号的中转要知道的。

    Attributes:
        account: 资金账号。
        account_type: ``STOCK`` 或 ``CREDIT``。
        token: 两头都有的令牌，64 位十六进制。
        ports: 5 个端口，都只在 127.0.0.1 上。
        pipe: 命名管道的名字（Windows）。
        spool: 文件夹那条线的位置。
        allow_orders: 许不许下单、撤单。
        period_ms: 客户端定时器的间隔，毫秒。
        caps: 限额：``codes`` 列表、``max_value`` 元、``max_per_minute`` 笔，没有的不限。
    """

    account: str
    account_type: str
    token: str
    ports: tuple[int, ...]
    pipe: str
    spool: str
    allow_orders: bool = False
    period_ms: int = 100
    caps: dict[str, Any] = {}  # noqa: RUF012  谁也不改它

    def __repr__(self) -> str:
        """令牌不写出来。"""
        return f"Settings({self.account_type}, ports={self.ports}, orders={self.allow_orders})"


def settings_for(account: str, account_type: str = "", *, new_token: bool = False) -> Settings:
    """这个账号的设置；没有就做一份记下来，以后每次都是它。

    Args:
        account: 资金账号。
        account_type: ``STOCK``、``CREDIT``；空为上次说的，从没说过是 ``STOCK``。
        new_token: 换一个令牌，端口与管道也换（旧的中转文件从此连不上）。

    Raises:
        UsageError: 账号或账号类型不对，记下的那份文件坏了。
    """
    _check(account, account_type)
    file = _file(account)
    kept = _kept(file)
    known = kept or _fresh(account)
    wanted = {
        **(_fresh(account) if new_token else known),
        "account_type": account_type or known["account_type"],
    }
    if wanted != kept:
        wanted = _keep(file, wanted, replacing=kept)
    return Settings(
        account,
        wanted["account_type"],
        wanted["token"],
        tuple(wanted["ports"]),
        wanted["pipe"],
        wanted["spool"],
    )


def known(account: str) -> Settings | None:
    """这个账号已经有的设置；没有为 None，不会做一份。

    Raises:
        UsageError: 账号不对，记下的那份文件坏了。
    """
    _check(account, "")
    return None if _kept(_file(account)) is None else settings_for(account)


def never_written(account: str) -> str:
    """没有给这个账号写过中转：怎么说，写过哪些也说出来。"""
    folder = _file(account).parent
    have = sorted(masked(each.stem) for each in folder.glob("*.json"))
    told = f"；写过的有 {'、'.join(have)}" if have else ""
    return (
        f"没有给账号 {masked(account)} 写过中转{told}，什么都没有发出。看的是 {folder}"
        "（随用户与环境变量 EASYTRADER_HOME 变：定时任务常常不一样）。核对账号；"
        "没有写过的先写一份贴进客户端：easytrader bigqmt agent --account 资金账号 --allow-orders；"
        "在别处写的，用 connect(..., agent=那个文件)"
    )


def render(settings: Settings) -> str:
    r"""要贴进客户端的文件：全是 ASCII，第一行是 ``#coding:gbk``，换行是 ``\\n``。"""
    before, block = _product("agent.py").split(_BEGIN, 1)
    heading = block.split("\n", 1)[0]
    after = block.split(_END, 1)[1]
    lines = [f"{name.upper()} = {value!a}" for name, value in settings._asdict().items()]
    return f"{before}{_BEGIN}{heading}\n" + "\n".join(lines) + f"\n{_END}{after}"


def probe_text() -> str:
    """只看不动的模型：印出这个客户端允许什么。"""
    return _product("probe.py")


def _product(name: str) -> str:
    """贴进客户端的文件；第一行照客户端的写法。"""
    text = Path(__file__).with_name(name).read_text(encoding="ascii")
    return "#coding:gbk\n" + text.split("\n", 1)[1]


def read_settings(path: str | os.PathLike[str]) -> Settings:
    """从 `render` 写出的文件里读回设置；编辑器存成 GBK、带 BOM、换了换行的都认。

    Raises:
        UsageError: 不是中转文件，参数名为 ``agent``。
    """
    told = "应是 easytrader bigqmt agent 写出的文件"
    try:
        text = Path(path).expanduser().read_text(encoding="latin-1")
    except OSError as exc:
        raise UsageError("agent", str(path), f"读不了这个文件（{exc.strerror}）；{told}") from None
    found = re.search(rf"^{_BEGIN}.*?$(.*?)^{_END}", text, re.DOTALL | re.MULTILINE)
    values: dict[str, Any] = {}
    for line in found[1].splitlines() if found else ():
        name, equals, value = line.partition(" = ")
        if equals and name.lower() in Settings._fields:
            try:
                values[name.lower()] = ast.literal_eval(value.strip())
            except (ValueError, SyntaxError):
                raise UsageError("agent", str(path), f"{name} 那一行写坏了；{told}") from None
    missing = [each.upper() for each in Settings._fields if each not in values]
    if missing or not values["token"] or not isinstance(values["ports"], tuple):
        raise UsageError("agent", str(path), told)
    return Settings(**values)


def _check(account: str, account_type: str) -> None:
    if not isinstance(account, str) or not account.strip() or not account.isprintable():
        raise UsageError("account", account, "应是资金账号，如 1000000365")
    if account_type not in ("", *ACCOUNT_TYPES):
        raise UsageError("account_type", account_type, "应是 STOCK（普通）或 CREDIT（信用）")


def _file(account: str) -> Path:
    return paths.home() / "bigqmt" / f"{paths.folder_name(account)}.json"


def _fresh(account: str) -> dict[str, Any]:
    ports = secrets.SystemRandom().sample(_PORTS, _HOW_MANY)
    return {
        "account_type": "STOCK",
        "token": secrets.token_hex(32),
        "ports": sorted(ports),
        "pipe": rf"\\.\pipe\easytrader-{secrets.token_hex(8)}",
        # 日志里会写出是哪个文件夹：不用账号作名字
        "spool": str(_file(account).with_name(f"files-{secrets.token_hex(4)}")),
    }


def _kept(file: Path) -> dict[str, Any] | None:
    """记下的那份；还没有为 None。"""
    try:
        found = json.loads(private.patiently(lambda: file.read_text(encoding="utf-8")))
        if set(found) == {"account_type", "token", "ports", "pipe", "spool"}:
            return dict(found)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        pass
    told = f"{file.parent} 里名字末尾是 {file.name[-9:]} 的文件"
    raise UsageError(
        "account", masked(file.stem), f"这个账号的中转设置坏了：删掉 {told}，重新装一次中转"
    )


def _keep(file: Path, wanted: dict[str, Any], *, replacing: object) -> dict[str, Any]:
    """记下；同时来的几个进程记下的是同一份。"""
    from filelock import FileLock

    private.private_folder(file.parent, tighten=True)
    with FileLock(str(file.with_suffix(".lock")), timeout=10):
        now = _kept(file)
        if now is not None and replacing is None:  # 别的进程抢先做好了
            wanted = {**now, "account_type": wanted["account_type"]}
        private.replace_file(file, json.dumps(wanted, indent=1).encode("utf-8"))
    return wanted
