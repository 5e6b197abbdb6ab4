"""到 OpenD 的一条连接。

futu-api 管连接、分包、加密、心跳，请求与应答由这里按序号配对：它自己的同步方法要等 12 秒以上，
断线时会一直等重连、连上了再发；成功与「超时、不知道」都是一个 ``RET_ERROR``。这里用它的协议消息
（厂商公开的 proto），从不自己重连，应答里的 ``retType`` 原样交出去。
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import tempfile
import threading
import time
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics.threads import AbandonedError, Aside
from easytrader.errors import ConnectFailedError, MissingDependencyError, NotConnectedError
from easytrader.overseas.common_door import load

if TYPE_CHECKING:
    from collections.abc import Callable

_loading: Final = threading.Lock()
_opening: Final = threading.Lock()
_PATIENT_S: Final = 600.0
"""futu-api 等应答的期限（它的默认是 12 秒，过了的应答丢掉）：我们的期限由回执管。"""
_ADVICE: Final = "OpenD 开着没有、地址与端口对不对（它的设置里的 API 端口，默认 11111）？"


class Sdk(NamedTuple):
    """futu-api 里要用的。"""

    futu: Any
    utils: Any
    """``futu.common.utils``：打包。"""
    pb: Any
    """名字 → 协议消息的模块，如 ``pb("Trd_PlaceOrder")``。"""


def sdk() -> Sdk:
    """导入 futu-api：不动 Ctrl-C，不往标准输出打印，没有 HOME 也导入得了。

    它在导入时在用户目录里建 ``.com.futunn.FutuOpenD/Log`` 写日志（Windows 上在 APPDATA），关不掉。

    Raises:
        MissingDependencyError: 没有装，或装着而导入不了。
    """
    with _loading:
        missing = "HOME" not in os.environ
        if missing:
            os.environ["HOME"] = _home()
        try:
            futu = load("futu", "futu-api", "futu")
        finally:
            if missing:
                del os.environ["HOME"]
        if not hasattr(futu, "OpenSecTradeContext"):  # PyPI 上的 futu 是不相干的包
            told = '装着的 futu 不是富途的：pip uninstall futu，再 pip install "easytrader[futu]"'
            raise MissingDependencyError(told)
        futu.SysConfig.enable_console_log(False)
        logging.getLogger("FTConsoleLog").addHandler(logging.NullHandler())  # 不然打印到标准错误

        def message(name: str) -> Any:
            return load(f"futu.common.pb.{name}_pb2", "futu-api", "futu")

        return Sdk(futu, load("futu.common.utils", "futu-api", "futu"), message)


def _home() -> str:
    try:
        return str(Path.home())
    except RuntimeError:  # 容器里没有这个用户
        return tempfile.gettempdir()


class Place(NamedTuple):
    """OpenD 在哪里。"""

    host: str
    port: int
    rsa_file: str
    """RSA 私钥文件，与 OpenD 配的是同一个；空是不加密。"""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Wire:
    """一条连接；开好的才有。`close` 之后不复活。

    ``on_push`` 与请求的回调在 futu-api 的网络线程上、拿着它的锁调用：只许往队列里放。
    """

    def __init__(self, kit: Sdk, place: Place) -> None:
        self.kit = kit
        self.place = place
        self.on_push: Callable[[int, Any], None] = _nothing
        """(协议号, 消息)：一条推送。"""
        self.on_lost: Callable[[str], None] = _nothing
        """断了，参数是原因；只叫一次。"""
        self.lost = ""
        self._context: Any = None
        self._heard: dict[int, Callable[[Any], None]] = {}

    def send(self, name: str, request: Any, heard: Callable[[Any], None], serial: int = 0) -> None:
        """发一个请求，不等应答。

        Args:
            name: 协议的名字，如 ``Trd_PlaceOrder``。
            request: 那个协议的 ``Request``。
            heard: 应答来了调用一次，参数是那个协议的 ``Response``；断线之后不会再叫。
            serial: 序号，`serial` 给的；不给就新取一个。

        Raises:
            NotConnectedError: 断着，什么都没有发出。
        """
        serial = serial or self.serial()
        proto_id = getattr(self.kit.utils.ProtoId, name)

        def pack() -> Any:
            self._heard[serial] = heard
            return self.kit.utils.pack_pb_req(request, proto_id, self.conn_id, serial)

        code, told = self._context._query_async(pack, None)  # noqa: SLF001  没有公开的不等应答的发法
        if code != self.kit.futu.RET_OK:
            self._heard.pop(serial, None)
            raise NotConnectedError(f"没有发给 OpenD（{self.lost or told}），什么都没有发出")

    def serial(self) -> int:
        """一个新的序号。"""
        return int(self.kit.utils.get_unique_id32())

    @property
    def conn_id(self) -> int:
        """这条连接在 OpenD 那里的号。"""
        return int(self._context.get_sync_conn_id())

    def close(self) -> None:
        """断开；可重复调用，任意线程，不等。"""
        if self._context is not None:
            with contextlib.suppress(Exception):  # 边界：关的时候它抛什么都不要紧
                self._context.close()

    def forget(self) -> None:
        """不再报推送、断线。"""
        self.on_push = self.on_lost = _nothing

    # ---- 给 futu-api 的上下文

    def _answered(self, serial: int, message: Any) -> None:
        heard = self._heard.pop(serial, None)
        if heard is not None and message is not None:
            heard(message)

    def _broke(self, reason: str) -> None:
        if not self.lost:
            self.lost = reason
            self.on_lost(reason)


def _nothing(*_: Any) -> None:
    """还没有人听。"""


def open_wire(place: Place, deadline: float, stop: Callable[[], bool]) -> Wire:
    """开一条连接，最晚到 ``deadline``（``time.monotonic``）。

    Raises:
        ConnectFailedError: 没连上；什么都没有留下。
    """
    kit = sdk()
    _reach(place, deadline)  # futu-api 自己连：连不上会打印、会等 20 秒，域名写错了等到永远
    with _loading:
        network(kit)
    wire = Wire(kit, place)
    opening = Aside(partial(_make, wire), "easytrader-futu-open").start()
    try:
        opening.result(max(0.0, deadline - time.monotonic()), stop)
    except AbandonedError:
        wire.close()
        told = f"{place} 连得上而没有回答，那里是 OpenD 吗？开了加密要给 rsa_file"
        raise ConnectFailedError(told) from None
    except ConnectFailedError:
        raise
    except Exception as exc:  # 边界：futu-api 抛什么都是没连上
        wire.close()
        raise ConnectFailedError(f"连 OpenD（{place}）出错：{exc!r}") from exc
    if wire._context.status != kit.futu.common.constant.ContextStatus.READY:  # noqa: SLF001
        wire.close()
        told = f"OpenD（{place}）没有让连：{wire.lost or '它的日志里有原因'}；开了加密要给 rsa_file"
        raise ConnectFailedError(told)
    return wire


def _reach(place: Place, deadline: float) -> None:
    """先敲一敲：连不上现在就说清楚。"""
    limit_s = max(0.1, deadline - time.monotonic())
    try:
        socket.create_connection((place.host, place.port), limit_s).close()
    except (OSError, UnicodeError) as exc:
        raise ConnectFailedError(f"连不上 {place}（{exc}）。{_ADVICE}") from exc


def network(kit: Sdk) -> None:
    """全进程共用的网络线程要在：没了的（fork 出来的，或它自己出错）换一个，不然永远连不上。"""
    manager = kit.futu.common.network_manager.NetManager
    shared = manager._default_inst  # noqa: SLF001  没有公开的
    if shared is not None and not shared._thread.is_alive():  # noqa: SLF001
        manager._default_inst = None  # noqa: SLF001
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 它还在用 setDaemon
        manager.default()


def _make(wire: Wire) -> None:
    """造 futu-api 的上下文；会阻塞，在一次性的线程上。"""
    futu = wire.kit.futu
    config = futu.SysConfig

    base: Any = futu.OpenSecTradeContext

    class Context(base):  # type: ignore[misc]  # 没有类型
        def _init_connect_sync(self) -> Any:
            wire._context = self  # noqa: SLF001  到期时由外面关掉它
            self._query_timeout = _PATIENT_S
            self._auto_reconnect = False  # 不自己重连：连不上的构造函数会一直试下去
            config.set_all_thread_daemon(daemon)
            return super()._init_connect_sync()

        def on_api_socket_reconnected(self) -> Any:
            return futu.RET_OK, ""  # 账户、订阅由我们问

        def handle_packet(
            self, conn_id: int, proto_id: int, serial_no: int, rsp_pb: Any, err: Any, msg: str
        ) -> None:
            wire._answered(serial_no, rsp_pb)  # noqa: SLF001

        def handle_push(
            self, conn_id: int, proto_id: int, serial_no: int, rsp_pb: Any, err: Any, msg: str
        ) -> None:
            if rsp_pb is not None:
                wire.on_push(proto_id, rsp_pb)

        def on_disconnect(self, conn_id: int, reason: Any, msg: str) -> None:
            super().on_disconnect(conn_id, reason, msg)
            wire._broke(f"与 OpenD 断开（{reason.name}{msg and '：'}{msg}）")  # noqa: SLF001

    key = _private_key(wire.place.rsa_file)
    with _opening:  # 下面的几项是全进程的
        daemon, key_file = config.get_all_thread_daemon(), config.INIT_RSA_FILE
        config.set_all_thread_daemon(True)  # 它的回调线程不是守护的，解释器会退不出去
        if wire.place.rsa_file:  # 没有给的，照用户自己在 SysConfig 里设的
            config.set_init_rsa_file(wire.place.rsa_file)
            config.RSA_OBJ = key  # 它自己读的话，读不出会打印，文件也不关
        try:
            Context(
                filter_trdmarket=futu.TrdMarket.NONE,
                host=wire.place.host,
                port=wire.place.port,
                is_encrypt=True if wire.place.rsa_file else None,
                security_firm=futu.SecurityFirm.NONE,
            )
        finally:
            if wire.place.rsa_file:
                config.set_init_rsa_file(key_file)


def _private_key(path: str) -> Any:
    if not path:
        return None
    try:
        return load("Crypto.PublicKey.RSA", "futu-api", "futu").import_key(Path(path).read_bytes())
    except (OSError, ValueError, IndexError, TypeError) as exc:
        raise ConnectFailedError(f"rsa_file 里读不出 RSA 私钥：{exc}") from exc
