"""一个服务器从启动到停止：占住端口与账号，连上，听，停干净。

启动：占端口 → 造交易口、占账号 → 第一次连接有了结果（没连上的在后台接着连）→ 听。
停止：新的委托 503 → 在做的做完（有期限）→ 告诉连着的 → 断开账号 → 放开账号与端口。
"""

from __future__ import annotations

import errno
import os
import threading
import time
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from easytrader.basics import stopping, waits
from easytrader.basics.log import Log, masked
from easytrader.errors import ClosedError, EasytraderError, UsageError
from easytrader.server import audit, caps, control, stop, systemd, tls
from easytrader.server.accounts import Account
from easytrader.server.app import App
from easytrader.server.control import Control
from easytrader.server.desk import Desk
from easytrader.server.host import Host, bound
from easytrader.server.pages import Pages
from easytrader.server.tokens import Tokens, default_file

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

    from typing_extensions import Self

    from easytrader.profiles import AccountSpec
    from easytrader.server.config import ServerConfig
    from easytrader.server.fleet import FleetView

_ATTEMPT_S: Final = 10.0
"""第一次连接最多等这么久有个结果，然后就开始听。"""
_FINISH_S: Final = 6.0
"""停的时候，在做的调用最多再做这么久。"""
_CLOSE_S: Final = 5.0
"""断开各个账号一共最多这么久；最坏的也在 systemd 的 20 秒之内。"""
_TAKE_S: Final = 5.0
_LOOK_S: Final = 0.2
_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104  只拿来比较
_EXPOSED: Final = (
    "别的机器连得到的地址要有 TLS：先 easytrader serve init 做一张证书，"
    "或用 --proxy 与 --public-host 说明前面有反向代理；只给本机用就去掉 --host"
)


class Serving:
    """一个服务器。

    信号、屏幕不归它管，见 `run`；别的程序里也能用::

        with Serving(ServerConfig((AccountSpec("sim"),), port=0)) as server:
            print(server.url)
            server.wait()

    Args:
        config: 设置。
        tokens: 认谁；None 是 ``easytrader token`` 管着的那些。
        debug: 是否记 DEBUG 日志。
    """

    def __init__(
        self, config: ServerConfig, *, tokens: Tokens | None = None, debug: bool = False
    ) -> None:
        self.config = config
        self.tokens = Tokens(default_file()) if tokens is None else tokens
        self.accounts: list[Account] = []
        self.desks: dict[str, Desk] = {}
        """名字 → 账号；启动之后才有。"""
        self.port = 0
        self.fingerprint = ""
        """证书的指纹；明文为空。"""
        self._debug = debug
        self._log = Log(debug)
        self._asked: SimpleQueue[str] = SimpleQueue()  # put 可以在信号处理里，Event.set 不行
        self._why = ""
        self._control: Control | None = None
        self._host: Host | None = None
        self._sock: socket.socket | None = None
        self._books: list[Callable[[], None]] = []
        self._over = threading.Event()
        self._adding = threading.Lock()
        self._desk_of: Callable[[Account], Desk]

    @property
    def url(self) -> str:
        """客户端用的网址。"""
        scheme = "https" if self.fingerprint else "http"
        host = self.config.host.strip("[]")
        if host in _EVERYWHERE:
            import socket

            names = self.config.public_hosts
            host = names[0].strip("[]") if names else socket.gethostname()
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def failure(self) -> BaseException | None:
        """自己停了的原因；没有为 None。"""
        return None if self._host is None else self._host.failed

    def start(self) -> None:
        """启动；返回时已经在听。失败的什么都不留下。

        Raises:
            UsageError: 设置、连接的选项不对。
            MissingDependencyError: 后端装得不全。
            EasytraderError: 端口或账号有别人占着。
            ClosedError: 还没有启动完，就被叫停了。
        """
        try:
            pair = self._certificate()
            context = None if pair is None else tls.context(pair)
            self._sock = _bind(self.config)
            self.port = self._sock.getsockname()[1]
            self._control = Control(self.port, self.ask)
            self._open_accounts()
            app = self._app(pair)
            self._check_asked()
            self._host = Host(app, self._sock, context)
            self._listen(self._host)
            self._control.open()
        except BaseException:
            self.stop()
            raise
        systemd.notify(systemd.READY)
        period_s = systemd.watchdog_s()
        if period_s is not None:
            watch = partial(self._watchdog, period_s)
            threading.Thread(target=watch, name="easytrader-serve-alive", daemon=True).start()

    def ask(self, who: str) -> None:
        """叫它停；什么时候、哪个线程、信号处理里都可以。"""
        self._asked.put(who)

    def wait(self, limit_s: float = float("inf")) -> bool:
        """等到有人叫停，或它自己停了；到期还没有为假。"""
        return waits.sliced(self._is_asked, limit_s, stop=self._is_dead, slice_s=_LOOK_S)

    def stop(self) -> None:
        """停干净，最多十几秒；可以重复调用。"""
        if self._host is not None:
            systemd.notify(systemd.STOPPING)
            self._host.stop(_FINISH_S)
        self._over.set()
        if self._sock is not None:
            self._sock.close()
        with self._adding:
            accounts = list(self.accounts)
        _together([each.close for each in accounts], _CLOSE_S)
        for close in self._books:
            close()
        if self._control is not None:
            self._control.close()

    def add(self, spec: AccountSpec) -> str:
        """服务着的时候多给出一个账号；返回它的名字。任意线程，最多几十秒，连上没有不等。

        Raises:
            UsageError: 连接的选项不对，或与已有的撞了。
            MissingDependencyError: 后端装得不全。
            EasytraderError: 账号有别人占着。
            ClosedError: 服务器停了。
        """
        account = Account(spec, debug=self._debug)
        try:
            account.start(self._over.is_set)
            account.await_attempt(time.monotonic() + _ATTEMPT_S, self._over.is_set)
            with self._adding:
                self._take_in(account)
        except BaseException:
            account.close()
            raise
        return account.name

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # ---- 启动

    def _certificate(self) -> tls.Pair | None:
        """证书；不用的为 None。

        Raises:
            UsageError: 别的机器连得到，而没有证书、没有代理。
            EasytraderError: 证书读不懂。
        """
        config = self.config
        if config.cert is not None and config.key is not None:
            return tls.read(Path(config.cert).expanduser(), Path(config.key).expanduser())
        if config.is_local or config.proxies:
            return None
        made = tls.load(tls.default_folder())
        if made is None:
            raise UsageError("host", config.host, _EXPOSED)
        return made

    def _open_accounts(self) -> None:
        for spec in self.config.accounts:
            self.accounts.append(Account(spec, debug=self._debug))
        for number, each in enumerate(self.accounts):
            each.start(self._is_asked_now)
            _check_apart(each, self.accounts[:number])
        deadline = time.monotonic() + _ATTEMPT_S
        for each in self.accounts:
            each.await_attempt(deadline, self._is_asked_now)

    def _app(self, pair: tls.Pair | None) -> App:
        """应用，连同它记账的几样；记不了的在听之前就说。"""
        config = self.config
        names = config.public_hosts
        if pair is not None:
            self.fingerprint, names = pair.fingerprint, (*names, *pair.names)
            told = tls.warning(pair)
            if told:
                self._log.warning("{}", told)
        limits = caps.Caps(caps.default_file())
        self._books.append(limits.close)
        record = audit.Audit(audit.default_folder() / str(self.port))
        self._books.append(record.close)
        switch = stop.StopSwitch(stop.default_file())
        self._desk_of = lambda each: Desk(
            each.name, each.trader, caps=limits, stop=switch, audit=record
        )
        fleet = self._fleet()
        desks = self.desks = {each.name: self._desk_of(each) for each in self.accounts}
        pages = None
        if config.page:
            secure = pair is not None or bool(config.proxies)
            add = self.add if config.page_connect else None
            pages = Pages(
                desks, self.tokens, port=self.port, secure=secure, add=add, fleet=fleet is not None
            )
        app = App(
            desks,
            self.tokens,
            audit=record,
            hosts=names,
            proxies=config.proxies,
            sessions=None if pages is None else pages.sessions,
            routes=() if pages is None else pages.routes(),
            more=() if fleet is None else fleet.routes(),
            qka=config.qka,
        )
        if pages is not None:
            app.every(pages.curves.run)
        return app

    def _fleet(self) -> FleetView | None:
        """一队账号；没有写的为 None。地址不对当场说，存储此刻不在不要紧。"""
        if self.config.fleet is None:
            return None
        from easytrader.fleets.address import open_store
        from easytrader.server.fleet import FleetView

        found = FleetView(open_store(self.config.fleet))
        self._books.append(found.close)
        return found

    def _take_in(self, account: Account) -> None:
        """交给应用，从此有人来问；拿着锁。"""
        host = self._host
        if self._over.is_set() or host is None or host.loop is None:
            raise ClosedError("服务器停了")
        _check_apart(account, self.accounts)
        desk, taken = self._desk_of(account), threading.Event()

        def take() -> None:
            host.app.add(desk)
            taken.set()

        host.loop.call_soon_threadsafe(take)
        if not waits.event(taken, _TAKE_S):
            raise ClosedError("服务器停了")
        self.accounts.append(account)

    def _listen(self, host: Host) -> None:
        try:
            host.start()
        except OSError as exc:
            raise _bind_failure(self.config, exc) from None

    def _is_asked(self, seconds: float) -> bool:
        if not self._why:
            try:
                self._why = self._asked.get(block=seconds > 0, timeout=seconds)
            except Empty:
                return False
            self._log.info("停止：{}", self._why)
        return True

    def _is_asked_now(self) -> bool:
        return self._is_asked(0.0)

    def _is_dead(self) -> bool:
        return self._host is not None and self._host.wait(0.0)

    def _check_asked(self) -> None:
        if self._is_asked_now():
            raise ClosedError("还没有启动完，就被叫停了")

    def _watchdog(self, period_s: float) -> None:
        """经循环说「还活着」：循环卡住了就不说，systemd 会重新启动它。"""
        while not self._over.wait(period_s):
            loop = None if self._host is None else self._host.loop
            if loop is None or loop.is_closed():
                return
            try:
                loop.call_soon_threadsafe(systemd.notify, systemd.ALIVE)
            except RuntimeError:
                return  # 正好关了


def run(serving: Serving, announce: Callable[[Serving], None]) -> BaseException | None:
    """前台跑到被叫停（``--stop``、Ctrl-C、SIGTERM、Ctrl-Break），停干净；再来一次信号立刻退出。

    Args:
        serving: 还没有启动的服务器。
        announce: 就绪时调用。

    Returns:
        自己停了的原因；被叫停的为 None。
    """
    with stopping.heard(serving.ask):
        try:
            serving.start()
        except ClosedError:
            return None
        try:
            announce(serving)
            serving.wait()
            return serving.failure
        finally:
            serving.stop()


def _check_apart(account: Account, others: Iterable[Account]) -> None:
    """不与别的撞：同一个账号、同一个名字。"""
    marks = {account.key, account.name, account.account_id}
    if any(marks & {each.key, each.name, each.account_id} for each in others):
        told = "同一个账号写了两次，或两个账号撞了名字：用 --name 给它们不同的名字"
        raise UsageError("account", masked(account.account_id), told)


def _bind(config: ServerConfig) -> socket.socket:
    try:
        return bound(config.host.strip("[]"), config.port)
    except OSError as exc:
        raise _bind_failure(config, exc) from None


def _bind_failure(config: ServerConfig, exc: OSError) -> EasytraderError:
    """占不了端口，为什么。Windows 上别人占着是 EACCES。"""
    busy = exc.errno == errno.EADDRINUSE or (os.name == "nt" and exc.errno == errno.EACCES)
    if busy:
        ours = control.running(config.port) if config.port else []
        who = f"（进程 {ours[0].pid} 的 easytrader serve）" if ours else ""
        told = f"端口 {config.port} 已经有程序在用{who}：换一个 --port，或先停掉它"
        return EasytraderError(told)
    if exc.errno == errno.EACCES:
        return EasytraderError(f"没有权限用端口 {config.port}：用 1024 以上的")
    return UsageError("host", config.host, f"应为这台机器自己的地址：{exc.strerror or exc}")


def _together(jobs: list[Callable[[], None]], limit_s: float) -> None:
    """一起做，最多等这么久：一个卡住的账号不拖累别的。"""
    threads = [
        threading.Thread(target=each, name="easytrader-serve-close", daemon=True) for each in jobs
    ]
    deadline = time.monotonic() + limit_s
    for each in threads:
        each.start()
    for each in threads:
        waits.join(each, max(0.0, deadline - time.monotonic()))
