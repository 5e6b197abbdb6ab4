"""一个代理进程：与 ``easytrader serve`` 一样给出账号（停单不靠存储），另外经存储领命令。"""

from __future__ import annotations

import secrets
import socket
from typing import TYPE_CHECKING, Final

from easytrader.agent.station import Station
from easytrader.basics.paths import home
from easytrader.basics.private import private_folder
from easytrader.errors import EasytraderError
from easytrader.server.serve import Serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from easytrader.fleets.store import Store
    from easytrader.profiles import AccountSpec
    from easytrader.server.config import ServerConfig
    from easytrader.server.tokens import Tokens

_LONGEST: Final = 40


class Agent(Serving):
    """一个代理；用法同 `Serving`。

    Args:
        config: 服务器的设置；账号在服务器上的名字就是队里的名字。
        store: 存储；还没有连，归它关。
        box: 这台机器在队里的名字，全队唯一；空是 `own_box`。
        groups: 账号在哪几组。
        takeover: ``auto`` 或 ``manual``。
        rebind: 名字在队里是另一个资金账号的，也接过来。
        tokens: 认谁，同 `Serving`。
        debug: 是否记 DEBUG 日志。
    """

    def __init__(
        self,
        config: ServerConfig,
        store: Store,
        *,
        box: str = "",
        groups: Sequence[str] = (),
        takeover: str = "manual",
        rebind: bool = False,
        tokens: Tokens | None = None,
        debug: bool = False,
    ) -> None:
        super().__init__(config, tokens=tokens, debug=debug)
        self.store = store
        self.box = box or own_box()
        self.groups = tuple(groups)
        self._takeover = takeover
        self._rebind = rebind
        self.station: Station | None = None
        """领命令的那一半；启动之后才有。"""

    def start(self) -> None:
        """启动；返回时已经在听，存储不在的一直等它。

        Raises:
            UsageError: 同 `Serving.start`，或存储不让用。
            EasytraderError: 同 `Serving.start`，或待传的记录用不了。
        """
        try:
            super().start()
            self.station = Station(
                self.store,
                self.desks,
                box=self.box,
                groups=self.groups,
                takeover=self._takeover,
                address=self.url,
                rebind=self._rebind,
            )
            self.station.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """停干净：先不领了，做完手上的，放开租约，再停服务器；可以重复调用。"""
        if self.station is not None:
            self.station.close()
        self.store.close()
        super().stop()

    def add(self, spec: AccountSpec) -> str:
        """网页上多给出一个账号：也归队里。"""
        name = super().add(spec)
        if self.station is not None:
            self.station.add(self.desks[name])
        return name


def own_box() -> str:
    """这台机器在队里的名字：主机名与一段随机数，第一次用时取，从此不变。

    只用主机名不行：两台克隆的虚拟机同名，就会把对方当作自己的上一次启动。

    Raises:
        EasytraderError: 记不下来。
    """
    file = home() / "fleet" / "box"
    try:
        if file.is_file():
            told = file.read_text(encoding="utf-8").strip()
            if told:
                return told
        private_folder(file.parent, tighten=True)
        name = f"{socket.gethostname()[:_LONGEST] or 'box'}-{secrets.token_hex(2)}"
        file.write_text(name, encoding="utf-8")
    except OSError as exc:
        told = f"这台机器的名字记不下来（{exc}）：用 --box 给它取一个，每次启动都一样"
        raise EasytraderError(told) from exc
    return name
