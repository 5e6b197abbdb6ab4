"""客户端进程的一生：读设置，连柜台，跑策略，等标准输入关上。

标准输入的第一行是一个 JSON 对象::

    {"host", "port", "token", "folder", "strategy" 或 "strategies": 路径, "manners", "mode",
     "account", "account_type", "period", "code", "replay_bars"}

标准输出只有一行：``{"loaded": true, "pid", "python", "name"}`` 或 ``{"loaded": false, "why"}``。
之后标准输入关上（起它的人走了，或者要它走）就正常退出；与柜台断开以 `LOST` 退出。
"""

import json
import os
import sys
import threading

from .link import Link, LinkError
from .manners import DEFAULT, MANNERS
from .terminal import LoadError, Terminal
from .trading import Desk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STOPPED, NOT_LOADED, LOST, KILLED = 0, 2, 3, 137
"""退出码。"""
_OPTIONS = ("mode", "account", "account_type", "period", "code", "replay_bars")
_STOP_S = 2.0


def main() -> None:
    """整个进程；不返回。"""
    try:
        settings = json.loads(sys.stdin.buffer.readline().decode("utf-8"))
        terminal = _open(settings)
        _load(terminal, settings)
    except (LoadError, LinkError, OSError, ValueError, KeyError) as error:
        _say({"loaded": False, "why": str(error) or repr(error)})
        _leave(NOT_LOADED)
    else:
        names = [each.name for each in terminal.strategies]
        version = "%d.%d.%d" % sys.version_info[:3]
        _say({"loaded": True, "pid": os.getpid(), "python": version, "name": ", ".join(names)})
        threading.Thread(target=_watch, args=(terminal,), daemon=True).start()
        terminal.run()
        # 杀掉的不打招呼，断开的没有什么可收拾；标准输入还阻塞着一个线程，解释器等不到它
        _leave({"lost": LOST, "killed": KILLED}.get(terminal.why_ended, STOPPED))


def _open(settings: "dict[str, Any]") -> Terminal:
    link = Link(settings.get("host", "127.0.0.1"), int(settings["port"]), settings["token"])
    folder = settings.get("folder", "")
    if folder:
        os.chdir(folder)
    manners = MANNERS[settings.get("manners") or DEFAULT]
    return Terminal(link, manners, Desk, folder)


def _load(terminal: Terminal, settings: "dict[str, Any]") -> None:
    options = {each: settings[each] for each in _OPTIONS if settings.get(each) is not None}
    for path in settings.get("strategies") or [settings["strategy"]]:
        sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
        with open(path, "rb") as file:
            source = file.read()
        terminal.load(source, os.path.splitext(os.path.basename(path))[0], **options)


def _watch(terminal: Terminal) -> None:
    """标准输入关上：正常停；策略占着主线程不放的，到时候照样走。"""
    while sys.stdin.buffer.read(1 << 12):
        pass
    terminal.soon(terminal.stop)
    threading.Event().wait(_STOP_S)
    _leave(STOPPED)


def _say(told: "dict[str, Any]") -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _leave(code: int) -> None:
    os._exit(code)
