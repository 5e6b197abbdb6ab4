"""``easytrader fleet``：一队账号给人用的命令；建表、登录名、维护在 `fleet_admin`。"""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import beijing, waits
from easytrader.cli.output import complain, quiet_log, say, say_json
from easytrader.cli.parser import whole_number
from easytrader.errors import ConnectFailedError, OutcomeUnknownError, UsageError
from easytrader.fleets.words import FLEET, STATES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from easytrader.cli.fleet_boxes import Reached
    from easytrader.cli.parser import Parser, Rooms
    from easytrader.fleets.store import Store
    from easytrader.fleets.words import Command, StoredEvent

VARIABLE: Final = "EASYTRADER_FLEET"
"""不写 ``--dsn`` 时，存储的地址在这个环境变量里。"""
FAILED: Final = 1
_TIMEOUT_S: Final = 5.0
_TAKEN_S: Final = 12.0
"""许可之后等那台机器来接：它每两秒看一次，上一任的租约至多还有十秒。"""
_LOOK_S: Final = 0.2
_SCOPE_TOLD: Final = "fleet 全队（默认）、group:组、account:账号、strategy:策略"


def register(rooms: argparse._SubParsersAction[Parser]) -> None:
    """挂上 ``fleet`` 的各个命令。"""
    fleet = rooms.add_parser(
        "fleet",
        description="一队账号：几台机器上的账号经一份 PostgreSQL 一起用（一台机器的用 SQLite）。\n"
        f"存储的地址写 --dsn，或放在环境变量 {VARIABLE} 里；密码写 env:变量名 那样的。\n"
        "退出码：0 成功，1 没办成（check：有要管的），2 用法不对。",
    )
    commands = fleet.add_commands()
    import_module("easytrader.cli.fleet_admin").register(commands)
    if find_spec("easytrader.cli.fleet_agent") is not None:
        import_module("easytrader.cli.fleet_agent").register(commands)
    _register_looking(commands)
    _register_switches(commands)
    _register_deciding(commands)
    _register_boxes(commands)


def add_dsn(parser: Parser, *, as_json: bool = True, bare: bool = False) -> None:
    """加上 ``--dsn``；``as_json``：还有 ``--json``；``bare``：不写 ``--dsn`` 直接写地址也行。"""
    told = f"存储的地址：postgresql://…、sqlite:///路径、env:变量名（默认看 {VARIABLE}）"
    parser.set_defaults(dsn_bare=None)
    if bare:
        parser.add_argument("dsn_bare", metavar="DSN", nargs="?", help=f"同 --dsn：{told}")
    parser.add_argument("--dsn", metavar="DSN", help=told)
    if as_json:
        parser.add_argument("--json", action="store_true", help="输出 JSON")


def dsn_of(arguments: argparse.Namespace) -> str:
    """命令行上的，或环境变量里的地址；``env:``、``keyring:`` 的用到时才去取。

    Raises:
        UsageError: 哪里都没有写。
    """
    dsn: str = arguments.dsn or arguments.dsn_bare or os.environ.get(VARIABLE, "")
    if not dsn:
        told = f"存储的地址：postgresql://… 或 sqlite:///路径；也可以放在环境变量 {VARIABLE} 里"
        raise UsageError("--dsn", None, told)
    return dsn


@contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[Store]:
    """命令行说的存储；用完关掉。

    Raises:
        UsageError: 地址不对。
        ConnectFailedError: 连不上：什么都没有记下。
        OutcomeUnknownError: 断在半路。
    """
    from easytrader.fleets.address import open_store
    from easytrader.fleets.words import StoreDownError, StoreUnknownError

    store = open_store(existing(dsn_of(arguments)), _TIMEOUT_S)
    try:
        yield store
    except StoreDownError as exc:
        raise ConnectFailedError(f"什么都没有改：{exc}") from exc
    except StoreUnknownError as exc:
        told = f"断在半路，改了没有不知道，再看一眼：{exc}"
        raise OutcomeUnknownError(told) from exc
    finally:
        store.close()


def existing(dsn: str) -> str:
    """SQLite 的文件要在：写错的路径不能建出一个空的来，像是什么账号也没有、什么都停好了。

    Raises:
        UsageError: 没有这个文件。
    """
    from easytrader.fleets.address import resolved

    place = resolved(dsn)
    if isinstance(place, Path) and not place.exists():
        raise UsageError("--dsn", dsn, f"没有文件 {place}：代理（easytrader fleet agent）起过才有")
    return dsn


def soon() -> float:
    """一个调用的期限。"""
    return time.monotonic() + _TIMEOUT_S


def say_rows(titles: str, rows: Sequence[Sequence[object]]) -> None:
    """一张表：``titles`` 用空格隔开。"""
    from easytrader.cli.tables import plain_table, say_drawn

    table = plain_table()
    for title in titles.split():
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*map(str, row))
    say_drawn(table)


# ---- 看


def _register_looking(commands: Rooms) -> None:
    status = commands.add_parser("status", help="一行一个账号：机器、租约、资金、开关、报警")
    add_dsn(status, bare=True)
    status.runs(_status)
    check = commands.add_parser(
        "check",
        help="有没有要人管的；给 cron 用",
        description="主人不见了、结果未知的命令、今天的报警、存着没有传的、钟、版本、磁盘。\n"
        "退出码：0 都好，1 有要管的或连不上，2 用法不对。",
    )
    add_dsn(check, bare=True)
    check.add_argument("--notify", metavar="PROFILE", help="有要管的就照这个设置的 [[notify]] 通知")
    check.runs(_check)
    events = commands.add_parser("events", help="一个账号记着的事件")
    events.add_argument("account", metavar="ACCOUNT")
    events.add_argument(
        "--after", metavar="N", type=whole_number(0), help="从这个编号之后（默认最近 50 条）"
    )
    events.add_argument("--most", metavar="N", type=whole_number(1), default=50, help="最多几条")
    add_dsn(events)
    events.runs(_events)
    listing = commands.add_parser("commands", help="最近的命令，新的在前")
    listing.add_argument("--account", metavar="ACCOUNT", default="", help="只看这个账号")
    listing.add_argument(
        "--state", metavar="STATE", action="append", choices=sorted(STATES), default=[],
        help=f"只看这些状态，可重复：{'、'.join(sorted(STATES))}",
    )  # fmt: skip
    listing.add_argument("--most", metavar="N", type=whole_number(1), default=50, help="最多几条")
    add_dsn(listing, bare=True)
    listing.runs(_commands)


def _status(arguments: argparse.Namespace) -> int:
    from easytrader.cli import fleet_boxes as boxes
    from easytrader.fleets import view

    with opened(arguments) as store:
        now = store.greet(soon()).now
        accounts = store.accounts(soon())
        switches = store.switches(soon())
        midnight = float(beijing.midnight(beijing.day_of(now)))
        alarms = store.alarms(soon(), since=midnight)
    boxes.remember(accounts)
    rows = view.rows(accounts, switches, alarms)
    if arguments.json:
        say_json(rows)
        return 0
    from easytrader.cli.tables import say_table

    if rows:
        say_table(view.KIND.brief_columns, rows)
    else:
        complain("一个账号也没有：在有客户端的机器上 easytrader fleet agent")
    for each in switches:
        when = beijing.stamp(each.at, "%m-%d %H:%M:%S")
        say(f"停着：{each.scope}（{each.by} {when}）{each.why}")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from easytrader.fleets import inspection

    notifier = _notifier(arguments.notify)
    try:
        with opened(arguments) as store:
            found = inspection.look(store, soon)
    except ConnectFailedError as exc:
        found = [inspection.Problem("store", "", str(exc))]
    bad = [each for each in found if each.bad]
    if arguments.json:
        say_json({"ok": not bad, "problems": [each._asdict() for each in found]})
    else:
        for each in found:
            say(f"{'要管' if each.bad else '留意'}：{each}")
        if not bad:
            say("都好")
    if notifier is not None:
        with notifier:
            if bad:
                lines = [str(each) for each in bad]
                notifier.say("failure", f"一队账号有 {len(bad)} 件要管的", lines)
    return FAILED if bad else 0


def _notifier(name: str | None) -> Any:
    if name is None:
        return None
    from easytrader import profiles
    from easytrader.jobs.notify import Notifier

    profile = profiles.find(name)
    if not profile.notify:
        raise UsageError("--notify", name, "这个设置里没有 [[notify]]，不知道通知谁")
    return Notifier.of(profile, "fleet check")


def _events(arguments: argparse.Namespace) -> int:
    with opened(arguments) as store:
        after = arguments.after
        if after is None:
            after = max(0, store.bump(arguments.account, soon()) - arguments.most)
        found = store.read(arguments.account, after, arguments.most, soon())
    if arguments.json:
        say_json([_event(each) for each in found])
        return 0
    if not found:
        complain(f"编号 {after} 之后没有事件")
        return 0
    if found[0].number > after + 1:
        complain(f"编号 {after + 1} 至 {found[0].number - 1} 的已经不留了")
    say_rows("编号 时间 种类 命令 内容", [
        (each.number, beijing.stamp(each.at, "%m-%d %H:%M:%S"), each.kind, each.command_id,
         json.dumps(_data(each.data), ensure_ascii=False))
        for each in found
    ])  # fmt: skip
    return 0


def _event(each: StoredEvent) -> dict[str, Any]:
    return {**each._asdict(), "data": _data(each.data)}


def _data(text: str) -> Any:
    try:
        told = json.loads(text)
    except ValueError:
        return text
    return told.get("data", told) if isinstance(told, dict) else told


def _commands(arguments: argparse.Namespace) -> int:
    with opened(arguments) as store:
        found = store.commands(
            soon(), account=arguments.account, states=arguments.state, most=arguments.most
        )
    if arguments.json:
        say_json([_command(each) for each in found])
    elif found:
        _show_commands(found)
    else:
        complain("没有这样的命令")
    return 0


def _command(each: Command) -> dict[str, Any]:
    row = each._asdict()
    row["arguments"] = _data(each.arguments)
    row["answer"] = _data(each.answer) if each.answer else None
    del row["limits"]
    return row


def _show_commands(found: Iterable[Command]) -> None:
    say_rows("号 时间 账号 编号 动作 参数 状态 原因 委托 策略 登录名", [
        (each.number, beijing.stamp(each.created_at, "%m-%d %H:%M:%S"), each.account,
         each.command_id, each.verb, _told_arguments(each.arguments), each.state, each.reason,
         each.order_id, each.strategy, each.login)
        for each in found
    ])  # fmt: skip


def _told_arguments(text: str) -> str:
    try:
        told = json.loads(text)
        kwargs = {key: each for key, each in told["kwargs"].items() if key != "client_order_id"}
        return " ".join([*map(str, told["args"]), *(f"{k}={v}" for k, v in kwargs.items())])
    except (ValueError, KeyError, TypeError, AttributeError):
        return text


# ---- 停与放


def _register_switches(commands: Rooms) -> None:
    for name, told in (("pause", "停止下单，撤单照常"), ("resume", "放开")):
        parser = commands.add_parser(name, help=f"{told}：全队、一组、一个账号、一个策略")
        parser.add_argument("scope", metavar="SCOPE", help=_SCOPE_TOLD)
        parser.add_argument(
            "--why", metavar="TEXT", required=name == "pause", default="", help="为什么，记下来"
        )
        if name == "resume":
            parser.add_argument(
                "--direct", action="store_true", help="kill --direct 在各台机器上停的也放开"
            )
        add_dsn(parser)
        parser.runs(_pause if name == "pause" else _resume)
    kill = commands.add_parser(
        "kill",
        help="马上停：存储里按下开关；--direct 连同各台机器自己的端口",
        description="存储倒了也停得下来：--direct 直接去各台机器（fleet agent 自己的端口），\n"
        "地址是 easytrader fleet status 记下的，令牌用 easytrader fleet box set 记下。\n"
        "退出码：0 都停了；1 有没停成的，说是哪台机器。",
    )
    kill.add_argument("scope", metavar="SCOPE", nargs="?", default=FLEET, help=_SCOPE_TOLD)
    kill.add_argument("--why", metavar="TEXT", default="", help="为什么，记下来")
    kill.add_argument("--cancel-open", action="store_true", help="连同挂着的一起撤")
    kill.add_argument("--direct", action="store_true", help="也直接去各台机器")
    add_dsn(kill)
    kill.runs(_kill)


def _pause(arguments: argparse.Namespace) -> int:
    return _turn(arguments, on=True)


def _resume(arguments: argparse.Namespace) -> int:
    if not arguments.direct:
        return _turn(arguments, on=False)
    return _everywhere(arguments, on=False, cancel_open=False)


def _turn(arguments: argparse.Namespace, *, on: bool) -> int:
    from easytrader.fleets import checks, view

    scope = checks.scope(arguments.scope)
    if on and not arguments.why.strip():
        raise UsageError("--why", arguments.why, "要写为什么：被拒绝的委托会说")
    with opened(arguments) as store:
        store.set_switch(view.known(scope, store, soon()), on, soon(), why=arguments.why)
        held = {} if on else _held(store, scope)
    if arguments.json:
        say_json({"scope": scope, "stopped": on, "held": held})
    else:
        say(f"{'已停' if on else '存储里的已放开' if held else '已放开'}：{scope}")
        for account, told in held.items():
            complain(f"{account} 还停着：{told}；放开它：easytrader fleet resume {scope} --direct")
    return FAILED if held else 0


def _held(store: Store, scope: str) -> dict[str, str]:
    """这一格管着的账号里，机器自己还停着的：账号 → 为什么。"""
    from easytrader.fleets import view

    return {
        row.account: f"{row.box} 自己的开关，{why}"
        for row in store.accounts(soon())
        if scope in (FLEET, f"account:{row.account}", *(f"group:{each}" for each in row.groups))
        and (why := view.held(row))
    }


def _kill(arguments: argparse.Namespace) -> int:
    if arguments.direct:
        return _everywhere(arguments, on=True, cancel_open=arguments.cancel_open)
    from easytrader.fleets import checks, view

    scope = checks.scope(arguments.scope)
    try:
        with opened(arguments) as store:
            store.set_switch(
                view.known(scope, store, soon()), True, soon(), why=arguments.why,
                cancel_open=arguments.cancel_open,
            )  # fmt: skip
    except ConnectFailedError:
        complain("存储够不着：加上 --direct 直接去各台机器")
        raise
    if arguments.json:
        say_json({"scope": scope, "switch": "set", "boxes": []})
    else:
        say(f"已按下：{scope}。各台机器 2 秒之内看到；主人不见了的账号本来就不发")
    return 0


def _everywhere(arguments: argparse.Namespace, *, on: bool, cancel_open: bool) -> int:
    """存储里的开关与各台机器自己的端口，一起；一头不通不耽误另一头。"""
    from easytrader.basics.threads import Aside
    from easytrader.cli import fleet_boxes as boxes
    from easytrader.fleets import checks, view

    scope = checks.scope(arguments.scope)
    aimed = boxes.aimed(scope)
    if not aimed and on:
        complain(f"没有记着的机器（{boxes.file()}）：平时跑一次 easytrader fleet status 就记下")

    def switch() -> str:
        try:
            with opened(arguments) as store:
                store.set_switch(
                    view.known(scope, store, soon()),
                    on,
                    soon(),
                    why=arguments.why,
                    cancel_open=cancel_open,
                )
        except (ConnectFailedError, OutcomeUnknownError, UsageError) as exc:
            return str(exc)
        return ""

    other = Aside(switch, "easytrader-switch").start()
    with quiet_log(arguments.debug, "ERROR"):
        reached = boxes.tell(aimed, on=on, why=arguments.why, cancel_open=cancel_open)
    why_not = other.result(3 * _TIMEOUT_S)
    _say_reached(arguments, scope, why_not, reached, on=on)
    missed = [each for each in reached if each.error]
    return FAILED if missed or (why_not and not reached) else 0


def _say_reached(
    arguments: argparse.Namespace, scope: str, why_not: str, reached: Sequence[Reached], *, on: bool
) -> None:
    if arguments.json:
        switch = why_not or ("set" if on else "released")
        say_json({"scope": scope, "switch": switch, "boxes": [each._asdict() for each in reached]})
        return
    done = "已按" if on else "已放开"
    say(f"存储里的开关 {scope}：{'没有改成：' + why_not if why_not else done}")
    for each in reached:
        told = f"没有到：{each.error}" if each.error else f"到了：{each.told}"
        say(f"{each.box} {each.account}（{each.address or '没有地址'}）{told}")


# ---- 由人来定


def _register_deciding(commands: Rooms) -> None:
    take = commands.add_parser(
        "take-over",
        help="让另一台机器接一个账号",
        description="那台机器上要已经跑着 easytrader fleet agent，客户端登录着这个账号。\n"
        "旧的那台还在、只是连不上存储的，它可能正在发一笔：先到那台机器上看过、停掉再接。",
    )
    take.add_argument("account", metavar="ACCOUNT")
    take.add_argument("--box", metavar="BOX", required=True, help="接手的机器")
    take.add_argument(
        "--force", action="store_true", help="租约还没有过期也接：旧的那台肯定已经停了才写"
    )
    add_dsn(take)
    take.runs(_take_over)
    settle = commands.add_parser(
        "settle",
        help="结果未知的一条命令，看过柜台之后由人来定",
        description="例：easytrader fleet settle A r-abc --as placed=123456 --why 在客户端看到了\n"
        "定成 absent 之后同一个编号可以再发：确定柜台没有这笔委托才写。谁、为什么都记下。",
    )
    settle.add_argument("account", metavar="ACCOUNT")
    settle.add_argument("command_id", metavar="ID", help="easytrader fleet commands 里的编号")
    settle.add_argument(
        "--as", metavar="STATE", dest="state", required=True, help="placed=委托编号，或 absent"
    )
    settle.add_argument("--why", metavar="TEXT", required=True, help="为什么，记下来")
    add_dsn(settle)
    settle.runs(_settle)
    budget = commands.add_parser("budget", help="额度：全队、一组、一个账号、一个策略一天最多多少")
    rooms = budget.add_commands()
    listing = rooms.add_parser("list", help="各格额度，今天各台机器领走了多少")
    add_dsn(listing, bare=True)
    listing.runs(_budgets)
    change = rooms.add_parser("set", help="设一格")
    change.add_argument("scope", metavar="SCOPE", help=_SCOPE_TOLD)
    change.add_argument(
        "kind", metavar="KIND", choices=("orders", "yuan"), help="orders 笔、yuan 元"
    )
    change.add_argument("allowed", metavar="N", help="一天最多多少；none 是不设")
    add_dsn(change)
    change.runs(_set_budget)


def _take_over(arguments: argparse.Namespace) -> int:
    with opened(arguments) as store:
        told = store.take_over(arguments.account, arguments.box, soon(), force=arguments.force)
        if not arguments.json:
            say(told)
        taken = waits.sliced(lambda _: _is_at(store, arguments), _TAKEN_S, slice_s=_LOOK_S)
    if arguments.json:
        about = {"account": arguments.account, "box": arguments.box}
        say_json({**about, "told": told, "taken": taken})
    elif not taken:
        complain(
            f"{_TAKEN_S:g} 秒里 {arguments.box} 没有接：名字写对了吗，那里的代理跑着吗、"
            "写了这个账号吗？在它接之前谁也不管这个账号；写错了的，再许给原来那台：--box 原来的"
        )
    return 0 if taken else FAILED


def _is_at(store: Store, arguments: argparse.Namespace) -> bool:
    """接过去了；没有的歇一会儿。"""
    rows = store.accounts(soon(), [arguments.account])
    if rows and rows[0].alive and rows[0].box == arguments.box:
        return True
    threading.Event().wait(_LOOK_S)
    return False


def _settle(arguments: argparse.Namespace) -> int:
    from easytrader.fleets.words import ABSENT, PLACED

    state, _, order_id = arguments.state.partition("=")
    if state not in (PLACED, ABSENT) or bool(order_id.strip()) != (state == PLACED):
        raise UsageError("--as", arguments.state, "应为 placed=委托编号，或 absent")
    if not arguments.why.strip():
        raise UsageError("--why", arguments.why, "要写为什么：以后查得到")
    with opened(arguments) as store:
        found = store.decide(
            arguments.account, arguments.command_id, state, soon(), why=arguments.why.strip(),
            order_id=order_id.strip(),
        )  # fmt: skip
    if arguments.json:
        say_json(_command(found))
    else:
        say(f"已定：{found.account} {found.command_id} 是 {found.state} {found.order_id}".rstrip())
    return 0


def _budgets(arguments: argparse.Namespace) -> int:
    with opened(arguments) as store:
        found = store.budgets(soon())
    if arguments.json:
        say_json([each._asdict() for each in found])
    elif found:
        kinds = {"orders": "笔", "yuan": "元"}
        say_rows("范围 单位 一天最多 已领", [
            (each.scope, kinds.get(each.kind, each.kind), f"{each.allowed:,}", f"{each.taken:,}")
            for each in found
        ])  # fmt: skip
    else:
        complain("没有设额度")
    return 0


def _set_budget(arguments: argparse.Namespace) -> int:
    from easytrader.fleets import checks

    scope = checks.scope(arguments.scope)
    text = arguments.allowed.strip().lower()
    if text != "none" and not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise UsageError("N", arguments.allowed, "应为不小于 0 的整数，或 none（不设）")
    allowed = None if text == "none" else int(text)
    with opened(arguments) as store:
        store.set_budget(scope, arguments.kind, allowed, soon())
    if arguments.json:
        say_json({"scope": scope, "kind": arguments.kind, "allowed": allowed})
    else:
        say(f"{scope} {arguments.kind}：{'不设' if allowed is None else f'一天最多 {allowed:,}'}")
    return 0


# ---- 各台机器自己的端口


def _register_boxes(commands: Rooms) -> None:
    box = commands.add_parser("box", help="各台机器自己的端口与令牌：kill --direct 用")
    rooms = box.add_commands()
    listing = rooms.add_parser("list", help="记着的机器（status 记下的）")
    listing.add_argument("--json", action="store_true", help="输出 JSON")
    listing.runs(_boxes)
    change = rooms.add_parser(
        "set",
        help="记下一台机器的令牌",
        description="在那台机器上 easytrader token add kill --scope trade 发一个令牌，在这里记下\n"
        "去哪里取它：env:变量名 或 keyring:服务/用户名；直接写令牌也行，文件只有本人看得见。",
    )
    change.add_argument("box", metavar="BOX", nargs="?", help="机器的名字；不写：没有另记的都用它")
    change.add_argument("--token", metavar="REF", required=True, help="env:…、keyring:…，或令牌")
    change.add_argument("--fingerprint", metavar="SHA256", default="", help="它的证书的指纹")
    change.runs(_set_box)


def _boxes(arguments: argparse.Namespace) -> int:
    from easytrader.cli import fleet_boxes as boxes

    rows = boxes.listed()
    if arguments.json:
        say_json(rows)
    elif rows:
        say_rows("机器 账号 地址 令牌", [
            (each["box"], each["account"], each["address"], "有" if each["has_token"] else "没有")
            for each in rows
        ])  # fmt: skip
    else:
        complain(f"没有记着的机器（{boxes.file()}）：跑一次 easytrader fleet status")
    return 0


def _set_box(arguments: argparse.Namespace) -> int:
    from easytrader.cli import fleet_boxes as boxes

    box = boxes.EVERY if arguments.box is None else arguments.box
    boxes.set_token(box, arguments.token, arguments.fingerprint)
    say(f"已记下{'各台机器' if box == boxes.EVERY else f' {box} '}的令牌")
    return 0
