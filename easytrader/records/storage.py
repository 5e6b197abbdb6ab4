"""记录的存法：委托意向、计数、事件、往日的账、编号，各一个小协议，合起来是 `Storage`。

SQLite 文件（`sqlite.SqliteStorage`）是默认；`memory.MemoryStorage` 给测试和示例后端；
几台机器共用的数据库照着这几个协议写。三条规矩：

- **占住是原子的**：`Intents.begin`、`Intents.reopen`、`Counters.add` 都是「比较并写入」，
  几个线程、几个程序、几台机器同时来，只有一个成功；返回了成功，就已经在存储里，断电之外不会丢。
- **每一步都有期限**：``deadline`` 是 ``time.monotonic`` 的时刻。到期抛 `JournalError`
  （计数抛 ``OSError``），那时什么都没有写，或写了而自己不知道：后者由核对兜底。
- **主人的死活说得清**：`Owner.is_alive` 宁可把死的当活的（等着），不可把活的当死的（会重复下单）。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from easytrader.basics.numbers import Number, OrderId

SENDING: Final = "sending"
"""正在发，或发的进程中途没了。"""
UNKNOWN: Final = "unknown"
"""发出了，没有应答。"""
PLACED: Final = "placed"
"""柜台有这笔委托，编号已知。"""
REFUSED: Final = "refused"
"""当场被拒绝，没有委托。"""
UNSENT: Final = "unsent"
"""没有发出。"""
ABSENT: Final = "absent"
"""核对过，柜台没有。"""

FREE: Final = frozenset({REFUSED, UNSENT, ABSENT})
"""没有委托存在：同一个 id 可以再发。"""
OPEN: Final = frozenset({SENDING, UNKNOWN})
"""结果还不知道。"""
MAX_NUMBER: Final = 2**31 - 1
"""委托编号最大是多少。"""
STATES: Final = FREE | OPEN | {PLACED}


class Intent(NamedTuple):
    """一行意向。

    Attributes:
        client_order_id: 用户给的 id。
        tag: 备注里的标记。
        stock_code: 证券。
        order_type: 23 买入、24 卖出。
        price_type: 报价类型。
        price: 委托价，元；市价为 0。
        volume: 数量。
        owner: 谁发的（见 `Owner`）。
        state: 见本模块的常量。
        order_id: 委托编号；还不知道为 0。
        attempt: 第几次发。
        created: 这一次发的时刻，Unix 秒。
    """

    client_order_id: str
    tag: str
    stock_code: str
    order_type: int
    price_type: int
    price: Number
    volume: Number
    owner: str
    state: str = SENDING
    order_id: OrderId = 0
    attempt: int = 1
    created: float = 0.0

    @property
    def wish(self) -> tuple[Any, ...]:
        """要做的事：同一个 id 前后两次必须相同。"""
        return (self.stock_code, self.order_type, self.price_type, self.price, self.volume)


class Intents(Protocol):
    """委托意向，一个 id 一行。任何线程都可以用；写不了、读不了都抛 `JournalError`。"""

    def begin(self, intent: Intent, deadline: float) -> Intent | None:
        """这个 id 还没有就记下（`SENDING`）并返回 None，可以发了；否则是已有的那一行。原子。"""

    def reopen(self, found: Intent, intent: Intent, deadline: float) -> bool:
        """那一行还是 ``found``（同一次、同一状态）才改成再发一次；被别人抢先返回 False。原子。"""

    def settle(self, intent: Intent, state: str, order_id: OrderId = 0) -> None:
        """这个主人的这一次有了结果；还没有结果的才改得动。

        不阻塞、不失败：可以稍后落盘，但本进程里马上算数。
        """

    def find(self, name: str, deadline: float) -> Intent | None:
        """``client_order_id`` 或标记是 ``name`` 的那一行。"""

    def unsettled(self, deadline: float) -> list[Intent]:
        """结果还不知道的，先发的在前。"""

    def placed_since(self, epoch_s: float, deadline: float) -> OrderId:
        """这个时刻以来成为了委托的随便一笔的编号；没有为 0。"""

    def between(self, start_s: float, end_s: float, deadline: float) -> list[Intent]:
        """这一段里（Unix 秒，含头不含尾）发的，先发的在前。"""

    def close(self) -> None:
        """写完、放手；可重复调用，被打断之后再调用接着做完。"""


class Owner(Protocol):
    """一个 trader 在意向里的身份：它在，它正在发的就还有下文。"""

    name: str

    def is_alive(self, name: str, since: float = 0.0) -> bool:
        """那个身份的主人还在不在；说不准就是在。``since``：它最近一次有动静，Unix 秒。"""

    def close(self) -> None:
        """不在了；可重复调用，被打断之后再调用接着做完。"""


class Counted(NamedTuple):
    """数到了多少。``day`` 是北京日期的序号（1970-01-01 为 0）。"""

    day: int
    today: int
    second: int


class SecondFull(NamedTuple):
    """这一秒满了，最快 ``wait_s`` 秒后有名额。"""

    sent: int
    wait_s: float


class DayFull(NamedTuple):
    """今天满了。"""

    sent: int


class Counters(Protocol):
    """一个账号一日、一秒发了多少。用它的人（`Meter`）自己排队，不会两个线程同时进来。

    读写不了抛 ``OSError`` 或 ``sqlite3.Error``：什么都没有记上。
    """

    where: str
    """在哪里：说给人听，也用来认出是不是同一个。"""

    def add(
        self, limit_s: int | None, limit_day: int | None, deadline: float
    ) -> Counted | SecondFull | DayFull:
        """有名额就记上一次；没有就什么都不记。原子：最后一个名额只有一个人拿到。"""

    def seed(self, count: int, deadline: float) -> None:
        """把今天的数抬到至少 ``count``。"""

    def read(self, deadline: float) -> Counted:
        """此刻的数。"""

    def close(self) -> None:
        """放手；再用会重新打开。"""


class Stored(NamedTuple):
    """存着的一条事件：序号从 1 起，读到的只增不减。"""

    number: int
    kind: str
    at: float
    row: Mapping[str, Any]


class Events(Protocol):
    """一个 trader 收到、还没有取走的事；写不了、读不了都抛 `JournalError`。

    用它的人（`push.event_log.EventLog`）自己排队，不会两个线程同时进来。
    """

    def append(self, kind: str, at: float, row: Mapping[str, Any], deadline: float) -> int:
        """记下一条，返回序号。回调排在它后面，要快。

        Args:
            kind: `user.events()` 里的种类。
            at: 交付的时刻，Unix 秒。
            row: ``data``；读它的时候才写成字典，要存到别处去的先 ``dict(row)``。
            deadline: 见模块说明，下同。
        """

    def read(self, after: int, most: int, deadline: float) -> list[Stored]:
        """序号大于 ``after`` 的，旧的在前，最多 ``most`` 条；``after`` 之前的不会再读。

        第一条的序号大于 ``after + 1``，就是中间的已经不留了（`user.events()` 会说丢了几条）。
        积多了把同一笔委托的旧状态换成新的，不算丢：不空出序号。
        ``most`` 可以是 0：从此有人在取，还没有人取的时候可以少留。
        """


class Kept(NamedTuple):
    """往日的账的一行：``(day, kind, key)`` 只有一行，后来的 ``rank`` 不小于已有的才换掉它。

    Attributes:
        day: 哪一天，``2026-11-30``。
        kind: 哪一种，见 `history.daybook`。
        key: 同一天同一种里的哪一个。
        rank: 新旧，按文字比大小。
        at: 记下的时刻，Unix 秒。
        data: 内容；JSON 写得下的，数也可以是 Decimal。
    """

    day: str
    kind: str
    key: str
    rank: str
    at: float
    data: Mapping[str, Any]


class Days(Protocol):
    """往日的账。用它的人（`history.daybook.Daybook`）自己排队，不会两个线程同时进来。

    写不了、读不了都抛 `JournalError`：什么都没有写。
    """

    def put(self, rows: Sequence[Kept], deadline: float) -> None:
        """一批记下，全有或全无；几个程序同时写，谁的 ``rank`` 大留谁的。"""

    def read(self, first: str, last: str, deadline: float) -> list[Kept]:
        """这几天（含两头）的，按日子、种类、时刻。"""

    def close(self) -> None:
        """放手；再用会重新打开。"""


class Numbered(NamedTuple):
    """柜台自己没有整数编号的：我们给一笔委托的编号。

    Attributes:
        day: 哪一天，``20261130``。
        key: 同一天里的哪一笔：我们发的是 ``~标记``，别的是 ``市场 合同编号``。
        number: 给它的编号，31 位正整数，同一天里不重复。
        alias: 同一笔的另一个叫法，编号与它本来的那一行相同。
        remark: 用户的备注，柜台带不下。
        strategy: 策略名。
        state: 发到哪一步了，由后端定；别人的为空。
        boot: 交给了对面的哪一次启动。
        at: 记下的时刻，Unix 秒。
    """

    day: str
    key: str
    number: int
    alias: bool = False
    remark: str = ""
    strategy: str = ""
    state: str = ""
    boot: str = ""
    at: float = 0.0


class Numbers(Protocol):
    """给委托的编号；几个程序共用一处，同一笔得到同一个。

    用它的人（`bigqmt.ids.Numbering`）自己排队。写不了、读不了都抛 `JournalError`：什么都没有写。
    """

    def claim(
        self, rows: Sequence[Numbered], deadline: float, *, inherit: bool = False
    ) -> list[Numbered]:
        """还没有的记下，有的不动；返回记着的。一批一起，原子。

        编号被同一天的另一笔占了就往后换一个（``alias`` 的照用）。

        Args:
            rows: 要的。
            deadline: 见模块说明。
            inherit: 这一天没有、别的日子有同一个 ``key`` 的，是同一笔：照抄最近的那一行。
        """

    def change(self, row: Numbered, deadline: float) -> None:
        """改 ``(day, key)`` 那一行的其余几项（编号不动）；没有就不改。"""

    def of_day(self, day: str, deadline: float) -> list[Numbered]:
        """这一天的。"""

    def latest(self, key: str, deadline: float) -> Numbered | None:
        """最近一天的这个 ``key``。"""

    def close(self) -> None:
        """放手；再用会重新打开。"""


class Storage(Protocol):
    """一个账号的记录。用到哪一样才打开哪一样。"""

    where: str
    """在哪里，说给人听。"""

    def has_intents(self) -> bool:
        """记过意向没有；说不准就是有。不建任何东西。"""

    def open(self, deadline: float) -> tuple[Intents, Owner]:
        """打开意向，领一个身份；每次都是新的身份。打不开抛 `JournalError`。"""

    def counters(self, wall: Callable[[], float]) -> Counters:
        """计数；``wall`` 是 Unix 秒的时钟。用到时才打开。"""

    def events(self) -> Events:
        """打开事件；每次都是新的一份：同一个账号的几个 trader 各收各的。"""

    def days(self) -> Days:
        """往日的账；几个 trader 共用一份。用到时才打开。"""

    def numbers(self) -> Numbers:
        """委托的编号；柜台自己有编号的用不到。用到时才打开。"""
