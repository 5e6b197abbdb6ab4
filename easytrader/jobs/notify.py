"""通知：任务完了、没有办成、成交、断线的时候，运行一个命令、调一个网址，或发到群里。

都在自己的线程上送：排队有上限，有期限，没有送到的再来几次（通知不是委托，重发没有害处）；
送不到只是一条警告，绝不影响任务。群机器人一分钟只收几条，挤在一起的合成一条。

设置在账号设置的 ``[[notify]]`` 里，见文档「通知」。
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from easytrader import arguments
from easytrader.basics import references, replaying, scrub, waits
from easytrader.basics.log import Log
from easytrader.basics.scrub import scrubbed
from easytrader.errors import UsageError
from easytrader.jobs import deliver, robots
from easytrader.jobs.deliver import NotDeliveredError
from easytrader.profiles import tomlfile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from typing_extensions import Self

    from easytrader.jobs.outcome import Outcome
    from easytrader.profiles import Profile

EVENTS: Final[dict[str, str]] = {
    "finish": "办成了",
    "failure": "没有办成",
    "fill": "成交",
    "disconnect": "断线",
    "reconnect": "恢复",
    "closed": "没有开市",
}
"""事件 → 中文名。"""
DEFAULT_ON: Final = ("finish", "failure", "disconnect")
CLOSE_S: Final = 15.0
"""任务结束时，最多等通知这么久。"""
LINGER_S: Final = 2.0
"""成交等一等后面的，合成一条。"""
MINUTE_S: Final = 60.0
TRIES: Final = 3
AGAIN_S: Final = 1.0
"""没有送到的，隔 1、2 秒再来。"""
_MOST: Final = 200
"""排着的最多这么多条。"""
_RESERVED: Final = 2
"""一分钟的几条里，留给任务结束时的。"""
_TIMEOUT_S: Final = 10.0
_KINDS: Final = {"命令": "command", "command": "command", "webhook": "webhook", **robots.NAMES}
_KEYS: Final = (
    "command", "format", "headers", "kind", "name", "on", "secret", "shell", "timeout", "url",
)  # fmt: skip


@dataclass(frozen=True)
class Message:
    """一条通知。

    Args:
        event: `EVENTS` 里的一种。
        title: 一行标题。
        lines: 内容，一行一行。
        data: 给程序看的；要能写成 JSON。
        time: 何时，Unix 秒。
    """

    event: str
    title: str
    lines: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    time: float = field(default_factory=time.time)

    @property
    def text(self) -> str:
        """内容，一行一行。"""
        return "\n".join(self.lines)


@dataclass(frozen=True)
class Hook:
    """往一处送。

    Args:
        kind: ``command webhook wecom dingtalk feishu``。
        on: 哪些事件送；``disconnect`` 连同 ``reconnect``。
        url: 网址；里面多半有钥匙，哪里都不写出来。
        secret: 加签的密钥。
        command: 命令：列表不经 shell，文字（``shell = true``）经。
        form: 群机器人的 ``markdown`` 或 ``text``。
        headers: 网址的请求头。
        limit_s: 一次最多多少秒。
        name: 在日志里怎样称呼它。
    """

    kind: str
    on: frozenset[str]
    url: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    command: str | tuple[str, ...] = field(default=(), repr=False)
    form: robots.Format = "markdown"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    limit_s: float = _TIMEOUT_S
    name: str = ""

    @property
    def robot(self) -> robots.Robot | None:
        """是哪种群机器人；不是为 None。"""
        return robots.ROBOTS.get(cast("robots.Kind", self.kind))

    def send(self, message: Message, about: Mapping[str, str]) -> None:
        """送一次。

        Raises:
            NotDeliveredError: 没有送到。
        """
        title, lines = scrubbed(message.title), [scrubbed(each) for each in message.lines]
        if self.kind == "command":
            variables = {
                "EASYTRADER_EVENT": message.event,
                "EASYTRADER_TITLE": title,
                "EASYTRADER_JOB": about.get("job", ""),
                "EASYTRADER_RESULT": str(message.data.get("result", "")),
                "EASYTRADER_EXIT_CODE": str(message.data.get("exit_code", "")),
            }
            deliver.run(self.command, "\n".join([title, *lines, ""]), variables, self.limit_s)
            return
        url, body = self.url, _plain_body(message, title, lines, about)
        if self.robot is not None:
            kind = cast("robots.Kind", self.kind)
            url, body = robots.request(kind, url, self.secret, title, lines, self.form, time.time())
        text = json.dumps(body, ensure_ascii=False, default=str)
        answer = deliver.post(url, text.encode(), self.headers, self.limit_s)
        if self.robot is not None:
            why, again = robots.problem(cast("robots.Kind", self.kind), answer)
            if why:
                raise NotDeliveredError(f"对方没有收下：{why}", again=again)


def hook_of(row: Mapping[str, Any], where: str = "") -> Hook:
    """``[[notify]]`` 的一段 → 往哪里送；密码现在就取来。

    Args:
        row: 键：``kind`` 必写；``url secret format headers``，或 ``command shell``；
            ``on timeout name`` 可选。
        where: 是哪一段，写在错误里。

    Raises:
        UsageError: 哪一项不对，密码取不到。
        MissingDependencyError: 没有装 keyring。
    """
    with tomlfile.within(where):
        tomlfile.check_keys(row, _KEYS, "notify.")
        kind = _KINDS.get(str(row.get("kind")))
        if kind is None:
            raise UsageError("notify.kind", row.get("kind"), f"可以是：{'、'.join(_KINDS)}")
        limit_s = arguments.seconds("notify.timeout", row.get("timeout", _TIMEOUT_S))
        name = row.get("name", "")
        if not isinstance(name, str):
            raise UsageError("notify.name", name, "应为文字")
        if kind == "command":
            _refuse(row, "url", "secret", "format", "headers")
            command = _command(row)
            return Hook(kind, _on(row), command=command, limit_s=limit_s, name=name or "命令")
        _refuse(row, "command", "shell")
        told = {key: references.resolved(row[key], f"notify.{key}", where)
                for key in ("url", "secret", "headers") if key in row}  # fmt: skip
        host = _host(told.get("url"))
        if not isinstance(told.get("secret", ""), str):
            raise UsageError("notify.secret", "…", "应为加签的密钥，或 env:变量名")
        for secret in (told["url"], told.get("secret", ""), *_headers(told).values()):
            scrub.remember(secret)
        title = row["kind"] if kind == "webhook" else robots.ROBOTS[kind].title  # type: ignore[index]
        return Hook(
            kind, _on(row), told["url"], told.get("secret", ""), (), _form(row, kind),
            _headers(told), limit_s, name or f"{title} {host}",
        )  # fmt: skip


class Notifier:
    """一个任务的全部通知；``with Notifier.of(profile, "rebalance") as notifier: ...``。

    `say`、`finished` 放进队里就回来，任何线程都可以；`close` 最多等 `CLOSE_S` 秒。

    Args:
        hooks: 往哪里送。
        job: 任务的名字。
        profile: 账号设置的名字。
    """

    def __init__(self, hooks: Iterable[Hook] = (), *, job: str = "", profile: str = "") -> None:
        about = {"job": job, "profile": profile}
        self._lines = [_Line(each, about) for each in hooks]
        self._job = job
        self._profile = profile

    @classmethod
    def of(cls, profile: Profile, job: str) -> Self:
        """账号设置里的 ``[[notify]]``。

        Raises:
            UsageError: 哪一段不对；什么都没有送。
            MissingDependencyError: 没有装 keyring。
        """
        hooks = [
            hook_of(row, f"{profile.told} 第 {number} 个 [[notify]]")
            for number, row in enumerate(profile.notify, 1)
        ]
        return cls(hooks, job=job, profile=profile.name)

    def wants(self, event: str) -> bool:
        """有没有人要这种事件。"""
        return any(event in each.hook.on for each in self._lines)

    def say(
        self, event: str, title: str, lines: Sequence[str] = (), data: Mapping[str, Any] = {}
    ) -> None:
        """送一条，不等；回放的成交不是真的，不送。"""
        if replaying.inside():
            return
        message = Message(event, title, tuple(lines), dict(data))
        for each in self._lines:
            if event in each.hook.on:
                each.put(message)

    def finished(self, outcome: Outcome, lines: Sequence[str] = ()) -> None:
        """任务完了：``finish`` 办成了，``closed`` 没有开市，``failure`` 其余的，包括办成一部分。

        Args:
            outcome: 结果。
            lines: 另外几行，如报告的合计。
        """
        event = {"done": "finish", "closed": "closed"}.get(outcome.result, "failure")
        where = f"（{outcome.profile}）" if outcome.profile else ""
        document = outcome.to_dict()
        title = f"{outcome.job} {document['result_name']}{where}"
        told = [f"账号 {outcome.account}"] if outcome.account else []
        if outcome.reason:
            told.append(outcome.reason)
        self.say(event, title, [*told, *lines], document)

    def test(self) -> bool:
        """给每一处送一条试的，不管它要哪些事件；现在就送，都送到了为真，原因在日志里。"""
        message = Message("finish", "easytrader 的一条试的通知", ("收到就是通了",))
        sent = [each.send_now(message) for each in self._lines]  # 一个不通，别的也要送
        return all(sent)

    def close(self, limit_s: float = CLOSE_S) -> bool:
        """不再收，把排着的送完，最多等 ``limit_s`` 秒；可重复调用。都送完了为真。"""
        deadline = time.monotonic() + limit_s
        for each in self._lines:
            each.finish()
        done = [each.join(max(0.0, deadline - time.monotonic())) for each in self._lines]
        return all(done)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Notifier {'、'.join(each.hook.name for each in self._lines) or '没有通知'}>"


class _Line:
    """往一处送的队：一个线程，有了第一条才起。"""

    def __init__(self, hook: Hook, about: Mapping[str, str]) -> None:
        self.hook = hook
        self._about = about
        self._log = Log()
        self._queue: deque[Message] = deque()
        self._changed = threading.Condition()
        self._finishing = threading.Event()
        self._given_up = False
        self._lost = 0
        self._failing = False
        self._sent: deque[float] = deque()
        self._thread: threading.Thread | None = None

    def put(self, message: Message) -> None:
        with self._changed:
            if self._finishing.is_set():
                return
            if len(self._queue) >= _MOST:
                self._drop()
            self._queue.append(message)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="easytrader-notify", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()

    def finish(self) -> None:
        with self._changed:
            self._finishing.set()
            self._changed.notify_all()

    def join(self, limit_s: float) -> bool:
        if self._thread is None:
            return True
        if waits.join(self._thread, limit_s):
            return True
        with self._changed:
            if not self._given_up:
                self._given_up = True
                told = "通知没有送完就结束了（{}），还有 {} 条"
                self._log.warning(told, self.hook.name, len(self._queue))
        return False

    def _drop(self) -> None:
        """满了：丢最早的一条成交，没有成交丢最早的。"""
        index = next((n for n, each in enumerate(self._queue) if each.event == "fill"), 0)
        del self._queue[index]
        self._lost += 1

    def _run(self) -> None:
        while (message := self._take()) is not None:
            self.send_now(message)

    def _take(self) -> Message | None:
        """下一条；没有了、不送了为 None。"""
        with self._changed:
            while not self._queue:
                if self._finishing.is_set() or self._given_up:
                    return None
                waits.change(self._changed, waits.SLICE_S)
            self._linger()
            self._pace()
            if self._given_up or not self._queue:
                return None
            return self._merged()

    def _linger(self) -> None:
        """只有成交：等一等后面的。"""
        deadline = time.monotonic() + LINGER_S
        while all(each.event == "fill" for each in self._queue):
            left_s = deadline - time.monotonic()
            if left_s <= 0 or self._finishing.is_set():
                return
            waits.change(self._changed, left_s)

    def _pace(self) -> None:
        """群机器人：这一分钟送够了就等，后面的一起合成一条；任务结束时用留着的几条。"""
        robot = self.hook.robot
        if robot is None:
            return
        while not self._given_up:
            now = time.monotonic()
            while self._sent and now - self._sent[0] >= MINUTE_S:
                self._sent.popleft()
            spare = 0 if self._finishing.is_set() else _RESERVED
            if len(self._sent) < robot.per_minute - spare:
                return
            waits.change(self._changed, self._sent[0] + MINUTE_S - now)

    def _merged(self) -> Message:
        """群机器人：排着的都合成一条；别的只合挨着的成交。"""
        first = self._queue.popleft()
        taken = [first]
        whole = self.hook.robot is not None
        while self._queue and (whole or first.event == self._queue[0].event == "fill"):
            taken.append(self._queue.popleft())
        lost, self._lost = self._lost, 0
        if len(taken) == 1 and not lost:
            return first
        return _joined(taken, lost)

    def send_now(self, message: Message) -> bool:
        """送一条，送不到再来几次；送到了为真。"""
        again = Retrying(
            retry=retry_if_exception(lambda exc: isinstance(exc, NotDeliveredError) and exc.again),
            stop=stop_after_attempt(TRIES),
            wait=wait_exponential(AGAIN_S),
            sleep=self._rest,
            reraise=True,
        )
        try:
            again(self._once, message)
        except NotDeliveredError as exc:
            if not self._failing and not self._given_up:  # 一直送不到的，只说一次
                self._failing = True
                self._log.warning("通知没有送到（{}）：{}", self.hook.name, scrubbed(str(exc)))
        except Exception as exc:  # noqa: BLE001  边界：通知出什么错都不能影响任务
            self._log.warning("通知没有送到（{}）：{}", self.hook.name, type(exc).__name__)
        else:
            self._failing = False
            return True
        return False

    def _rest(self, seconds: float) -> None:
        self._finishing.wait(seconds)  # 任务要结束了：马上再来

    def _once(self, message: Message) -> None:
        if self._given_up:
            raise NotDeliveredError("任务已经结束，不再送")
        self._sent.append(time.monotonic())
        self.hook.send(message, self._about)


def _joined(taken: Sequence[Message], lost: int) -> Message:
    """几条合成一条。"""
    worst = next((each for each in taken if each.event == "failure"), taken[-1])
    data: Mapping[str, Any]
    if len(taken) == 1:
        title, lines, data = worst.title, list(worst.lines), worst.data
    elif all(each.event == "fill" for each in taken):
        fills = [fill for each in taken for fill in each.data.get("fills", ())]
        title = f"成交 {len(fills)} 笔"
        lines = [line for each in taken for line in each.lines]
        data = {"fills": fills}
    else:
        title = f"{worst.title}（{len(taken)} 条通知）"
        lines = [line for each in taken for line in (f"{each.title}：", *each.lines)]
        data = {**worst.data, "merged": [{"event": each.event, **each.data} for each in taken]}
    if lost:
        lines.append(f"另有 {lost} 条没有排上，丢了")
    return Message(worst.event, title, tuple(lines), data, taken[-1].time)


def _plain_body(
    message: Message, title: str, lines: Sequence[str], about: Mapping[str, str]
) -> dict[str, Any]:
    """``webhook`` 的请求体。"""
    return {
        "event": message.event,
        "event_name": EVENTS.get(message.event, message.event),
        "title": title,
        "text": "\n".join(lines),
        "time": message.time,
        **about,
        "data": message.data,
    }


# ---- 设置的一段


def _on(row: Mapping[str, Any]) -> frozenset[str]:
    told = row.get("on", list(DEFAULT_ON))
    events = [told] if isinstance(told, str) else told
    if not isinstance(events, list) or not events:
        raise UsageError("notify.on", told, f"写成列表，可以是：{'、'.join(EVENTS)}")
    tomlfile.check_keys(dict.fromkeys(map(str, events)), EVENTS, "notify.on 里的 ")
    more = ["reconnect"] if "disconnect" in events else []
    return frozenset([*events, *more])


def _command(row: Mapping[str, Any]) -> str | tuple[str, ...]:
    command, shell = row.get("command"), arguments.flag("notify.shell", row.get("shell", False))
    form = "写成列表，例如 ['notify.bat', '--to', '我']；要经 shell 的写成文字，加 shell = true"
    if shell:
        if isinstance(command, str) and command.strip():
            return command
        raise UsageError("notify.command", "…", form)
    if isinstance(command, list) and command and all(isinstance(each, str) for each in command):
        return tuple(command)
    raise UsageError("notify.command", "…", form)


def _form(row: Mapping[str, Any], kind: str) -> robots.Format:
    form = row.get("format", "markdown")
    if kind == "webhook" and "format" in row:
        raise UsageError("notify.format", form, "只有群机器人有这一项；去掉它")
    if form not in ("markdown", "text"):
        raise UsageError("notify.format", form, "应为 markdown 或 text")
    return cast("robots.Format", form)


def _headers(told: Mapping[str, Any]) -> dict[str, str]:
    headers = told.get("headers", {})
    good = isinstance(headers, dict) and all(
        isinstance(each, str) and each.isprintable() for each in headers.values()
    )
    if not good:
        raise UsageError("notify.headers", "…", "写成表，例如 { Authorization = 'env:HOOK_AUTH' }")
    return cast("dict[str, str]", headers)


def _host(url: object) -> str:
    """网址里的主机，给人看的。"""
    form = "应为 https:// 开头的网址，或 env:变量名（网址里有钥匙，不要给别人看）"
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError("notify.url", "…", form)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError("notify.url", "…", form)
    return host


def _refuse(row: Mapping[str, Any], *names: str) -> None:
    for each in names:
        if each in row:
            raise UsageError(f"notify.{each}", "…", f"kind 是 {row['kind']} 的没有这一项；去掉它")
