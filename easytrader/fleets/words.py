"""一队账号的几样东西：命令、事件、租约、开关、账号，与它们的状态；两种存法、两头都认它们。

一条命令的一生::

    queued ──领走──→ sending ──→ placed / done      有了委托 / 撤单、转账做了
      │                │  ├────→ refused            柜台当场拒绝，没有委托
      │                │  └────→ unknown ──核对──→ placed / absent
      └──→ unsent      └──→ unsent                  没有发出：过期、撤回、风控、开关、没有连接

``refused unsent absent`` 是空着的：同一个编号可以再发，算下一次（``attempt`` 加一）。
从 ``sending`` 起只有领走它的那一任（``epoch``）改得动；换了任，新的一任先核对，谁也不再发一次。

钟只认存储的（``clock_timestamp()``）与本机开机以来的（`basics.boot_clock`），墙上的钟只拿来给人看。
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

PROTOCOL: Final = 1
"""这一版说的话；存储、代理、策略各报各的，差一以内的互相听得懂。"""

QUEUED: Final = "queued"
SENDING: Final = "sending"
UNKNOWN: Final = "unknown"
PLACED: Final = "placed"
DONE: Final = "done"
REFUSED: Final = "refused"
UNSENT: Final = "unsent"
ABSENT: Final = "absent"

OPEN: Final = frozenset({QUEUED, SENDING, UNKNOWN})
"""还没有结果的。"""
FREE: Final = frozenset({REFUSED, UNSENT, ABSENT})
"""没有委托存在：同一个编号可以再发。"""
FINAL: Final = frozenset({PLACED, DONE}) | FREE
STATES: Final = OPEN | FINAL

Effect = Literal["order", "cancel", "move"]

TTL_S: Final = 10.0
"""租约多长：主人这么久没有续，别人才能接。"""
RENEW_S: Final = 2.0
FENCE_S: Final = 6.0
"""最近一次**有回答的**续租过了这么久，自己先不领了：比 `TTL_S` 早，钟走得不一样快也来得及。"""
SEND_BY_S: Final = 3.0
"""领到之后这么久（开机时钟）还没有交给柜台的接口，就不发了；接手的人等过它再核对。"""
POLL_S: Final = 1.0
"""提示会丢：隔这么久自己去看一眼。"""
WAIT_S: Final = 5.0
"""策略等一条命令的结果，默认等这么久；命令也只在这么久之内有效。"""

FLEET: Final = "fleet"
"""开关、额度管全部账号的那一格；别的写 ``group:组`` ``account:账号`` ``strategy:策略``。"""

ALARMS: Final = frozenset(
    {"duplicate", "late_order", "stale_lease", "spool_full", "stranger", "clock"}
)
"""要人看的事件：同一个标记两笔委托、说过没有的又出现了、主人不见了、存不下了、别处下的、钟差得多。"""


class StoreDownError(Exception):
    """连不上、写不了：这一次什么都没有记下。"""


class StoreUnknownError(Exception):
    """断在半路、到期没有回答：记下了没有不知道，凭编号再问。"""


class FencedError(Exception):
    """租约不是自己的了：这一批什么都没有写。"""


class Wish(NamedTuple):
    """策略要做的一件事。

    Attributes:
        account: 账号在队里的名字。
        command_id: 同一个账号里唯一：``client_order_id``；撤单、转账与带不了标记的是请求号。
        request: 这一次的请求号，处处唯一：再发一次是新的。
        verb: `wire.verbs` 的动词。
        effect: 它改变什么。
        arguments: JSON：``{"args": [...], "kwargs": {...}}``，`wire.values` 写的。
        digest: 要做的事的摘要：同一个编号前后必须相同。
        valid_s: 从现在起几秒之内有效。
        strategy: 策略名；没有为空。
        host: 谁在等（`Store.wait` 的题目）。
        limits: JSON：连接自己的风控（`Guard.limits`）；没有为空。
    """

    account: str
    command_id: str
    request: str
    verb: str
    effect: Effect
    arguments: str
    digest: str
    valid_s: float
    strategy: str = ""
    host: str = ""
    limits: str = ""


class Command(NamedTuple):
    """一条命令此刻的样子；前面几项同 `Wish`。

    Attributes:
        number: 全队从 1 起的流水号。
        login: 谁（哪个登录名）要的。
        may: 这个登录名在这个账号上的权限，`wire.verbs.SCOPES`。
        state: 本模块的常量。
        reason: ``unsent`` 的为什么：``expired withdrawn guard switch not_connected usage``…
        epoch: 领走它的是第几任；没有领走为 0。
        attempt: 第几次。
        order_id: 委托编号，文字；没有为空。
        answer: JSON：``{"result": ...}`` 或 ``{"error": ...}``（`wire.errors`）；还没有为空。
        seq: 异步的动词已经发出：序号；没有为 None。
        left_s: 还有几秒有效（存储的钟）。
        created_at: 记下的时刻，Unix 秒（存储的钟），下同；没有为 0。
        settled_at: 有了结果的时刻。
    """

    account: str
    command_id: str
    request: str
    verb: str
    effect: Effect
    arguments: str
    digest: str
    number: int
    strategy: str = ""
    host: str = ""
    limits: str = ""
    login: str = ""
    may: tuple[str, ...] = ()
    state: str = QUEUED
    reason: str = ""
    epoch: int = 0
    attempt: int = 1
    order_id: str = ""
    answer: str = ""
    seq: int | None = None
    left_s: float = 0.0
    created_at: float = 0.0
    settled_at: float = 0.0


class Posted(NamedTuple):
    """记下了，或早就有。

    Attributes:
        command: 此刻的那一行。
        fresh: 是这一次记下的。
        box: 该叫醒谁（`Store.hint` 的题目）；不用叫（正忙着，会自己看到）为空。
    """

    command: Command
    fresh: bool
    box: str


class Outcome(NamedTuple):
    """一条命令的结果，代理写的。``state`` 为 `SENDING` 的只补上 ``seq``。"""

    account: str
    command_id: str
    attempt: int
    state: str
    reason: str = ""
    order_id: str = ""
    answer: str = ""
    seq: int | None = None


class NewEvent(NamedTuple):
    """要记下的一条事件。

    Attributes:
        account: 账号。
        kind: `user.events()` 的种类，或 `ALARMS` 里的。
        data: JSON：``{"event", "event_name", "time", "data"}``。
        spool: 哪一份待传的记录，与其中的号：重复的不再记。
        n: 同上，从 1 起只增不减。
        command_id: 说的是哪条命令；没有为空。
    """

    account: str
    kind: str
    data: str
    spool: str
    n: int
    command_id: str = ""


class StoredEvent(NamedTuple):
    """记着的一条事件。

    Attributes:
        account: 账号。
        number: 这个账号从 1 起、没有缺的编号。
        kind: 种类。
        data: JSON，同 `NewEvent`。
        command_id: 同上。
        at: 记下的时刻，Unix 秒（存储的钟）。
    """

    account: str
    number: int
    kind: str
    data: str
    command_id: str
    at: float


class Lease(NamedTuple):
    """一个账号归我这一任管。

    Attributes:
        account: 账号。
        epoch: 第几任。
        owner: 我（每个进程每次启动不同）。
        last_no: 最近一条事件的编号。
        settle_after_s: 过这么多秒，上一任领走的肯定不会再发了，才能核对。
        timeline: 存储的时间线：换了（主备切换、恢复了备份）要从头核对。
    """

    account: str
    epoch: int
    owner: str
    last_no: int
    settle_after_s: float
    timeline: str


class Held(NamedTuple):
    """没有拿到租约：谁拿着，为什么。"""

    account: str
    box: str
    why: str


class Beat(NamedTuple):
    """续租的回答。

    Attributes:
        kept: 还是我的账号；少了的就是被接走了。
        has_work: 有要领的命令、要答的问题。
        switches: 此刻开着的开关。
        now: 存储的钟，Unix 秒。
        timeline: 同 `Lease`。
    """

    kept: frozenset[str]
    has_work: bool
    switches: tuple[Switch, ...]
    now: float
    timeline: str


class Switch(NamedTuple):
    """停单开关的一格。

    Attributes:
        scope: `FLEET`、``group:组`` ``account:账号`` ``strategy:策略``。
        cancel_open: 连同挂着的一起撤。
        why: 为什么。
        by: 谁。
        at: Unix 秒（存储的钟）。
    """

    scope: str
    cancel_open: bool
    why: str
    by: str
    at: float


class Question(NamedTuple):
    """一次查询：不记账，答完就没有了。

    Attributes:
        number: 存储给的号；还没有为 0。
        account: 账号。
        verb: 动词。
        arguments: 同 `Wish`。
        host: 谁在等。
        left_s: 还等几秒。
        login: 谁问的，与 ``may`` 同 `Command`；问的人不必填。
    """

    number: int
    account: str
    verb: str
    arguments: str
    host: str
    left_s: float
    login: str = ""
    may: tuple[str, ...] = ()


class AccountRow(NamedTuple):
    """一个账号在队里的样子，一行。

    Attributes:
        account: 名字。
        broker: 后端。
        groups: 在哪几组。
        box: 主人在哪台机器；没有主人为空。
        epoch: 第几任。
        alive: 租约没有过期。
        lease_left_s: 还剩几秒；过期的是负数。
        takeover: ``manual`` 或 ``auto``。
        takeover_to: 指定给哪台机器接；没有为空。
        protocol: 主人说的是第几版。
        hello: JSON：`wire.words.Hello` 里的 ``backend verbs state account_id account_key``。
        glance: JSON：一眼看到的资金、委托数、待传的事件数，代理每几秒写一次；没有为空。
        glance_age_s: ``glance`` 是几秒以前的。
        first_no: 留着的最早一条事件的编号。
        last_no: 最近一条的。
        open: 没有结果的命令有几条。
        address: 主人自己的网址（停单用），没有为空。
    """

    account: str
    broker: str
    groups: tuple[str, ...]
    box: str
    epoch: int
    alive: bool
    lease_left_s: float
    takeover: str
    takeover_to: str
    protocol: int
    hello: str
    glance: str
    glance_age_s: float
    first_no: int
    last_no: int
    open: int
    address: str = ""


class Greeting(NamedTuple):
    """存储的第一句话。

    Attributes:
        identity: 这一份存储，建的时候定的。
        timeline: 见 `Lease`。
        protocol: 表是第几版。
        login: 我是谁。
        roles: 我有哪几种身份：``agent strategy operator audit``。
        now: 存储的钟，Unix 秒。
        kind: 给人看的：``PostgreSQL 15.18``、``SQLite 3.45``。
    """

    identity: str
    timeline: str
    protocol: int
    login: str
    roles: tuple[str, ...]
    now: float
    kind: str


class Budget(NamedTuple):
    """一格额度：全队、一组、一个账号、一个策略一天最多多少。

    Attributes:
        scope: 同 `Switch.scope`。
        kind: ``orders``（笔）或 ``yuan``（元，委托金额）。
        allowed: 一天最多多少。
        taken: 今天各台机器已经领走多少（领了没有用的也在内）。
    """

    scope: str
    kind: str
    allowed: int
    taken: int
