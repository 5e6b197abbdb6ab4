"""存储的约定：一张表就是线。PostgreSQL（`postgres`）给几台机器，SQLite（`sqlite`）给一台机器。

规矩：

- **每个调用都有期限**（``time.monotonic``）。连不上、写不了抛 `StoreDownError`：什么都没有记下；
  断在半路、到期没有回答抛 `StoreUnknownError`：凭编号再问。参数不对、没有权限抛 `UsageError`。
- **返回了就是落盘的**（``synchronous_commit=on``）；只有续租、题目、`depart` 不等落盘。
- 钟是存储自己的；相对的秒数由存储换成它的时刻，路上耽搁的算在里面（迟到的不记）。
- 线程安全；fork 来的子进程用它抛 `StoreDownError`。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from easytrader.fleets.words import (
        AccountRow,
        Beat,
        Budget,
        Command,
        Greeting,
        Held,
        Lease,
        NewEvent,
        Outcome,
        Posted,
        Question,
        StoredEvent,
        Switch,
        Wish,
    )


class Store(Protocol):
    """见模块说明。"""

    where: str
    """在哪里，给人看，没有密码。"""

    def greet(self, deadline: float) -> Greeting:
        """连上，互报版本。

        Raises:
            UsageError: 表没有建，版本差得多，登录名没有身份；信息里说怎么办。
        """

    # ---- 策略

    def post(self, wish: Wish, deadline: float) -> Posted:
        """记下一条命令；原子。

        - 没有这个编号：记下，`QUEUED`；
        - 有，要做的不同：`UsageError`（``client_order_id``）；
        - 有，空着（`FREE`）、不是同一个请求：换成这个请求再来一次，``attempt`` 加一；
        - 有，别的：原样给那一行。

        作废过的请求（`withdraw`）、路上耽搁过了 ``valid_s`` 的，什么都不记，抛 `StoreDownError`。

        Raises:
            UsageError: 见上；没有这个账号，或这个登录名在它上面没有权限。
        """

    def withdraw(self, account: str, request: str, deadline: float) -> Command | None:
        """不要了：还没有领走的变成 `UNSENT`（``withdrawn``）；从来没有到的从此作废，返回 None。

        已经领走的不动，原样给那一行。与正在路上的 `post` 谁先谁后都只有一个结果。
        """

    def outcomes(self, numbers: Sequence[int], deadline: float) -> list[Command]:
        """这几条此刻的样子；一批问。"""

    def find(self, account: str, command_id: str, deadline: float) -> Command | None:
        """``command_id`` 的那一条；没有为 None。"""

    def keep(self, name: str, text: str, deadline: float) -> str:
        """记下一份写了就不再改的话（一个心愿怎样分给各账号）；返回记着的那一份。

        这个登录名已经有同名的，原样给那一份，什么都不改；两头同时写，只有一份作数。
        与委托的编号记得一样久。

        Args:
            name: 名字，不超过 64 字节。
            text: JSON，不超过 256 KB。
            deadline: 见模块说明。
        """

    def ask(self, question: Question, deadline: float) -> tuple[int, str]:
        """问一句：(题目的号, 该叫醒谁)。不落盘：存储倒了就没有了，再问。"""

    def replies(self, numbers: Sequence[int], deadline: float) -> dict[int, str]:
        """有了回答的：号 → JSON（同 `Command.answer`）；拿走就没有了。"""

    def read(self, account: str, after: int, most: int, deadline: float) -> list[StoredEvent]:
        """编号大于 ``after`` 的，旧的在前。第一条大于 ``after + 1`` 的，中间的已经不留了。"""

    def accounts(self, deadline: float, names: Iterable[str] | None = None) -> list[AccountRow]:
        """看得见的账号；给了名字的只要那几个。"""

    def bump(self, account: str, deadline: float) -> int:
        """最近一条事件的编号：不读事件，只看有没有新的。"""

    # ---- 代理：``leases`` 里的都是自己拿着的

    def acquire(
        self,
        account: str,
        *,
        owner: str,
        box: str,
        broker: str,
        groups: Sequence[str],
        takeover: str,
        previous: str,
        address: str,
        deadline: float,
    ) -> Lease | Held:
        """做一个账号的主人：没有这个账号就建；租约过期、又轮得到的，接过来，``epoch`` 加一。

        Args:
            account: 账号在队里的名字。
            owner: 我，每次启动不同。
            box: 这台机器的名字。
            broker: 后端，给人看。
            groups: 在哪几组。
            takeover: ``auto``：上一任的租约过期了别的机器就能接；``manual``：要人点头。
            previous: 这台机器上（文件锁在我手里）上一个代理的 ``owner``，没有为空：主人正是它的，
                肯定不在了，不必等租约。只看机器名不行：克隆的机器同名。
            address: 自己的网址，停单用；没有为空。
            deadline: 见模块说明。
        """

    def renew(self, leases: Sequence[Lease], deadline: float) -> Beat:
        """续租，一台机器的一起；顺便看有没有活、哪些开关开着。"""

    def release(self, leases: Sequence[Lease], deadline: float) -> None:
        """不做主人了：别人马上能接。"""

    def publish(self, lease: Lease, hello: str, glance: str, deadline: float) -> None:
        """写上自己的样子，见 `AccountRow`。不等落盘。"""

    def claim(
        self, leases: Sequence[Lease], most: int, deadline: float, *, busy: Collection[str] = ()
    ) -> list[Command]:
        """领走一批：撤单在前，别的先来先领；`SENDING`、记上是第几任。``busy`` 的账号只领撤单。

        过期的变成 `UNSENT`（``expired``）；开关管着的（撤单不管）变成 `UNSENT`（``switch``），
        ``answer`` 里是 `RiskRefusedError`。返回了才许发。租约不在了的账号，一条都不给。
        """

    def left_over(self, lease: Lease, deadline: float) -> list[Command]:
        """以前各任领走而没有结果的：改成 `UNKNOWN`，从此归这一任核对。"""

    def settle(
        self,
        leases: Sequence[Lease],
        outcomes: Sequence[Outcome],
        events: Sequence[NewEvent],
        deadline: float,
    ) -> dict[str, int]:
        """结果与事件一起记下，原子；返回各账号最近的事件编号。

        同一份待传的记录里重复的事件不再记；已经有结果的命令不改，除了 `UNKNOWN`。

        Raises:
            FencedError: 其中有一个账号不是自己的了；全都没有写。
        """

    def questions(self, leases: Sequence[Lease], most: int, deadline: float) -> list[Question]:
        """拿走要答的问题；没有人等了的不给。"""

    def reply(self, answers: Mapping[int, str], deadline: float) -> None:
        """答；``{题目的号: JSON}``。没有人等了的丢掉。"""

    def idle(self, leases: Sequence[Lease], deadline: float) -> bool:
        """刚才一条都没有领到，要去等提示了：从此 `post` 会叫醒我。返回此刻又有活了没有。"""

    # ---- 额度、开关、交接

    def draw(
        self, scope: str, kind: str, least: int, most: int, host: str, deadline: float
    ) -> int | None:
        """从今天的额度里领一份，至多 ``most``、至少 ``least``；不够为 0，没有设额度为 None。

        领了就算用了，归 ``host`` 慢慢花。
        """

    def budgets(self, deadline: float) -> list[Budget]:
        """各格额度今天的样子。"""

    def set_budget(self, scope: str, kind: str, allowed: int | None, deadline: float) -> None:
        """设一格额度；None 为不设。"""

    def switches(self, deadline: float) -> list[Switch]:
        """开着的开关。"""

    def set_switch(
        self, scope: str, on: bool, deadline: float, *, why: str = "", cancel_open: bool = False
    ) -> None:
        """停，或放开。

        已经停着的再按一次，换成这一次的原因与人；``cancel_open`` 只加不减，要放开才没有。
        """

    def take_over(self, account: str, box: str, deadline: float, *, force: bool = False) -> str:
        """许可 ``box`` 接一个账号；返回给人看的话。

        Raises:
            UsageError: 没有这个账号；租约还没有过期而没有 ``force``（那时说清楚危险在哪里）。
        """

    # ---- 给人看的，给人定的

    def commands(
        self,
        deadline: float,
        *,
        account: str = "",
        states: Collection[str] = (),
        most: int = 100,
    ) -> list[Command]:
        """最近的命令，新的在前；看得见的账号的。

        Args:
            deadline: 见模块说明。
            account: 只要这个账号的；空着是全部。
            states: 只要这些状态的；空着是全部。
            most: 最多几条。
        """

    def alarms(self, deadline: float, *, since: float = 0.0, most: int = 1000) -> list[StoredEvent]:
        """``since``（Unix 秒，存储的钟）以来要人看的事件（`ALARMS`），旧的在前。"""

    def decide(
        self,
        account: str,
        command_id: str,
        state: str,
        deadline: float,
        *,
        why: str,
        order_id: str = "",
    ) -> Command:
        """人看过柜台说的：`PLACED`（要有 ``order_id``）或 `ABSENT`；``reason`` 是 ``operator``。

        只有 `UNKNOWN` 的，与没有活着的主人而还在 `SENDING` 的，才能由人来定；谁、为什么都记下。

        Raises:
            UsageError: 没有这一条，状态不对，不是 ``operator``。
        """

    # ---- 提示：叫得醒是快一点，叫不醒也不会错

    def hint(self, topics: Iterable[str]) -> None:
        """叫醒等着这些题目的；不阻塞，不失败，可以合在一起叫。"""

    def wait(self, topic: str, timeout_s: float) -> bool:
        """等到有人叫，最多这么久；叫过了而还没有等的也算（每个题目只记一次）。"""

    def close(self) -> None:
        """放手；在等的都醒过来。可重复调用，最多一两秒。"""
