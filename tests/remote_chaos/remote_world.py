"""一个世界：模拟 MiniQMT、它前面的 ``easytrader serve``、坏网线、一直开着的远程交易口。

柜台有时是另一个进程（服务器被杀，它还活着），有时就在服务器里（同生共死）。
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from bad_proxy import DOWN, UP, BadProxy
from chaos_world import Book, Power, Reader, pause, rich
from remote_plan import TIMEOUT_S
from remote_serve import ServeProcess
from support import ACCOUNT

import easytrader
from easytrader.errors import SimulatorError
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chaos_check import Wish
    from raw_ws import RawWs

__all__ = ["NumberedEars", "RemoteWorld"]


class NumberedEars:
    """不经坏网线、直接听服务器的一条：编号要一个不漏、一个不重。"""

    def __init__(self, server: ServeProcess, token: str) -> None:
        self._server, self._token = server, token
        self.found: list[str] = []
        self.heard = 0
        self._boot, self._after = "", 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="chaos-numbers", daemon=True)
        self._thread.start()

    def close(self) -> list[str]:
        self._over.set()
        self._thread.join(10)
        return self.found

    def _listen(self) -> None:
        while not self._over.is_set():
            with suppress(OSError, ValueError), self._server.ws(self._token, timeout=0.5) as link:
                self._follow(link)
            self._over.wait(0.05)

    def _follow(self, link: RawWs) -> None:
        """听到断开为止；断了再来，从记着的编号接着。"""
        if link.hello["boot"] != self._boot:
            self._boot, self._after = link.hello["boot"], 0
        link.call("server.events", boot=self._boot, after=self._after)
        while not self._over.is_set():
            told = link.events.pop(0) if link.events else link.receive()
            if "gap" in told:
                self.found.append(f"没有那么多事件就说跟不上了：{told}")
                self._after = told["gap"]["next"] - 1
            for event in told.get("events", ()):
                here, due = (told["boot"], event["seq"]), (self._boot, self._after + 1)
                if here != due:
                    self.found.append(f"编号应为 {due}，来的是 {here}")
                self._after = event["seq"]
                self.heard += 1


class RemoteWorld(Book):
    """见模块说明。``apart``：柜台是另一个进程；``secure``：走 TLS，线上哪一位都可以坏。"""

    def __init__(
        self, folder: Path, home: Path, *, events: bool, apart: bool, secure: bool
    ) -> None:
        super().__init__()
        rich(folder, query_lag_s=0.1)
        self.folder, self.home = folder, home
        self.counter = Power(folder) if apart else None
        self.faults = Faults(folder)
        if self.counter is not None:
            self.counter.start()
        # use('sim') 见柜台没了会自己开一个：柜台在别处的，用 use('miniqmt')，它只会等
        self.server = ServeProcess(folder, home, broker="miniqmt" if apart else "sim")
        self.token = self.server.token("chaos", "trade")
        if secure:
            self.server.secure()
        self.server.start()
        self.proxy = BadProxy(self.server.port, f"{folder}")
        self.proxy.flip = 0x01 if secure else 0x80
        self.user = self.new_trader()
        self.connect(self.user, self.ears, wait=20)
        self.reader = Reader(self.user, self.ears) if events else None
        self.numbers = NumberedEars(self.server, self.token)

    # ---- 客户端

    timeout_s = TIMEOUT_S
    close_s = 5.0

    @staticmethod
    def new_trader() -> Any:
        return easytrader.use("remote")

    @property
    def address(self) -> str:
        """经坏网线到服务器。"""
        return f"{'https' if self.server.fingerprint else 'http'}://127.0.0.1:{self.proxy.port}"

    def connect(self, client: Any, callback: Any = None, *, wait: bool | float = False) -> None:
        client.connect(
            self.address,
            token=self.token,
            fingerprint=self.server.fingerprint or None,
            account=ACCOUNT,
            trader_callback=callback,
            reconnect_interval=0.05,
            timeout=TIMEOUT_S,
            wait=wait,
        )

    def close(self) -> list[str]:
        """全关掉；返回关的时候出的岔子。"""
        found = self.numbers.close()
        call, _ = self.call("close", self.close_s, self.user.close)
        if call.outcome != "ok":
            found.append(f"close() 抛了 {call.error}")
        if self.reader is not None and not self.reader.join(5):
            found.append("close() 之后 events() 没有结束")
        self.proxy.close()
        self.server.kill()
        if self.counter is not None:
            self.counter.kill()
        return found

    def child(self, wish: Wish) -> tuple[list[str], dict[str, str]]:
        """另一个进程下这一笔：(命令, 环境)。"""
        arguments = [self.address, ACCOUNT, wish.cid, wish.key, self.server.fingerprint]
        env = {**self.server.env, "EASYTRADER_TOKEN": self.token}
        return [sys.executable, "-c", _CHILD, *arguments], env

    # ---- 故障

    def calm(self) -> None:
        """故障全收，谁都醒着活着。"""
        with self.ears.changed:
            self.ears.slow_s = 0.0
            self.ears.doing = []
        self.proxy.calm()
        if self.counter is not None:
            self.counter.ensure()
        self.server.ensure()
        for _ in range(20):
            with suppress(SimulatorError, OSError):
                self.faults.clear()
                return
            pause(0.1)
        raise AssertionError("模拟 MiniQMT 一直没有回应")


def _swallow(world: RemoteWorld, ways: tuple[str, ...], fresh: bool = False) -> None:
    for way in ways:
        world.proxy.swallow(way, fresh=fresh)


def _refuse(world: RemoteWorld, times: int) -> None:
    world.proxy.refuse(times)
    world.proxy.cut()


def _kill(world: RemoteWorld, down_s: float) -> None:
    world.server.kill()
    pause(down_s)
    world.server.start(ready=False)


def _stop(world: RemoteWorld) -> None:
    world.server.stop()
    world.server.start(ready=False)


def _counter(action: Callable[[RemoteWorld, dict[str, Any]], None]) -> Callable[..., None]:
    """柜台在服务器里的世界里，没有另一个进程可以出故障。"""

    def act(world: RemoteWorld, detail: dict[str, Any]) -> None:
        if world.counter is not None:
            action(world, detail)

    return act


_CHILD: Final = """
import sys, easytrader
url, account, cid, key, pin = sys.argv[1:]
user = easytrader.use("remote")
user.connect(url, account=account, fingerprint=pin or None, timeout=3)
print("connected", flush=True)
try:
    print(user.buy("600036", 32.5, 100, remark=key, client_order_id=cid), flush=True)
except easytrader.EasytraderError as exc:
    print(repr(exc), flush=True)
sys.stdin.read()
"""

RemoteWorld.blows = {
    "none": lambda world, detail: None,
    "cut": lambda world, detail: world.proxy.cut(),
    "cut_reset": lambda world, detail: world.proxy.cut(rst=True),
    "cut_and_refuse": lambda world, detail: _refuse(world, **detail),
    "delay_up": lambda world, detail: world.proxy.delay(**detail),
    "delay_down": lambda world, detail: world.proxy.delay(**detail),
    "late_up": lambda world, detail: world.proxy.delay(**detail),
    "late_down": lambda world, detail: world.proxy.delay(**detail),
    "held_up": lambda world, detail: world.proxy.hold(**detail),
    "swallow_up": lambda world, detail: _swallow(world, **detail),
    "swallow_down": lambda world, detail: _swallow(world, **detail),
    "swallow_both": lambda world, detail: _swallow(world, **detail),
    "swallow_fresh": lambda world, detail: _swallow(world, **detail),
    "duplicate_up": lambda world, detail: world.proxy.duplicate(**detail),
    "duplicate_down": lambda world, detail: world.proxy.duplicate(**detail),
    "truncate_up": lambda world, detail: world.proxy.truncate(**detail),
    "truncate_down": lambda world, detail: world.proxy.truncate(**detail),
    "garble_up": lambda world, detail: world.proxy.garble(**detail),
    "garble_down": lambda world, detail: world.proxy.garble(**detail),
    "drip": lambda world, detail: (world.proxy.drip(UP), world.proxy.drip(DOWN)),  # type: ignore[dict-item,func-returns-value]
    "server_kill": lambda world, detail: _kill(world, **detail),
    "server_stop": lambda world, detail: _stop(world),
    "server_suspend": lambda world, detail: world.server.suspend(**detail),
    "counter_kill": _counter(lambda world, detail: world.counter.restart()),  # type: ignore[union-attr]
    "counter_suspend": _counter(lambda world, detail: world.counter.suspend(**detail)),  # type: ignore[union-attr]
    "counter_drop_answer": lambda world, detail: world.faults.drop_answer(**detail),
    "counter_disconnect": lambda world, detail: world.faults.disconnect(),
}
