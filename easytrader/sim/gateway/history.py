"""账本里以前的日子：哪天下了什么委托、成交了什么、收盘时有多少钱和什么持仓。

当日查询（厂商的、easytrader 的）只有今天的；这里按日子查，键与名字同 `user.today_entrusts` 那些，
值也是（见 `rows`）。文件夹正被服务着、被嵌着、没有人用，都能查：只读，不占锁，不改动一个字节的账::

    from easytrader.sim.gateway import history

    history.orders("my-qmt", "2026-11-20")
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader import rows
from easytrader.errors import SimulatorError, UsageError
from easytrader.market.rules.fees import yuan
from easytrader.sim.config.folder import SimFolder, is_sim_folder
from easytrader.sim.counter.views import Asset
from easytrader.sim.gateway.translator import asset_row, order_row, trade_row
from easytrader.sim.ledger.closing import ClosingAsset, ClosingPosition
from easytrader.sim.storage.schema import APPLICATION_ID, VERSION, order_of, trade_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from easytrader.types import Entrust, Trade


Row = dict[str, Any]

_WAIT_S: Final = 5.0
_DATE: Final = "应为 2026-11-20 这样的日期，或 datetime.date。"


def days(path: str | os.PathLike[str]) -> list[str]:
    """有委托的、或记了收盘的日子，由早到晚，``2026-11-20`` 这样。"""
    sql = "SELECT day FROM orders UNION SELECT day FROM closing_assets ORDER BY day"
    with _opened(path) as db:
        return [_shown(day) for (day,) in db.execute(sql)]


def orders(
    path: str | os.PathLike[str], day: str | date, account_id: str | None = None
) -> list[Entrust]:
    """``day`` 这天的委托，按编号先后；键同 `user.today_entrusts`。

    Args:
        path: 模拟 MiniQMT 的文件夹。
        day: 交易日；今天的也行，是此刻账本里的样子。
        account_id: 只要这个账号的；None 为全部。

    Raises:
        UsageError: 日期写得不对，或没有这个账号。
        SimulatorError: 不是模拟文件夹，还没有账本，账本读不出来，或这一天还没有到。
    """
    sql = (
        "SELECT * FROM orders WHERE day = ? AND account_id = coalesce(?, account_id)"
        " ORDER BY order_id"
    )
    with _opened(path) as db:
        found = db.execute(sql, _asked(db, path, day, account_id))
        return [_order(row) for row in found]


def trades(
    path: str | os.PathLike[str], day: str | date, account_id: str | None = None
) -> list[Trade]:
    """``day`` 这天的成交，按先后；键同 `user.today_trades`。参数与异常同 `orders`。"""
    sql = (
        "SELECT trades.*, orders.* FROM trades JOIN orders USING (order_id)"
        " WHERE trades.day = ? AND account_id = coalesce(?, account_id) ORDER BY number"
    )
    with _opened(path) as db:
        found = db.execute(sql, _asked(db, path, day, account_id))
        return [_trade(row) for row in found]


def assets(path: str | os.PathLike[str], account_id: str | None = None) -> list[Row]:
    """每一天收盘时的资金，由早到晚：画净值曲线用。参数与异常同 `orders`。

    还没有换日的今天不在里面；没有人看的日子，下次来的时候补上。
    ``fees`` 是开户以来交的费用；``lent`` 是借出去的逆回购本金、融券所得，``total_asset`` 里有；
    ``debt`` 是两融负债，``total_asset`` 里没有减，信用账号的净资产要减去它。
    """
    sql = (
        "SELECT * FROM closing_assets WHERE account_id = coalesce(?, account_id)"
        " ORDER BY day, account_id"
    )
    with _opened(path) as db:
        _check_account(db, path, account_id)
        return [_asset(ClosingAsset(*row)) for row in db.execute(sql, (account_id,))]


def positions(
    path: str | os.PathLike[str], day: str | date, account_id: str | None = None
) -> list[Row]:
    """``day`` 这天收盘时的持仓，按代码。参数与异常同 `orders`。"""
    sql = (
        "SELECT * FROM closing_positions WHERE day = ? AND account_id = coalesce(?, account_id)"
        " ORDER BY account_id, stock_code"
    )
    with _opened(path) as db:
        found = db.execute(sql, _asked(db, path, day, account_id))
        return [_position(ClosingPosition(*row)) for row in found]


def book(path: str | os.PathLike[str], account_id: str) -> tuple[list[Row], list[Row]]:
    """一个账户全部日子的（委托，成交），按先后；键同 `orders`、`trades`，另有 ``date fees``。

    ``fees`` 是这一笔的佣金、印花税、过户费，元。异常同 `orders`。
    """
    both = (
        "SELECT * FROM orders WHERE account_id = ? ORDER BY order_id",
        "SELECT trades.*, orders.* FROM trades JOIN orders USING (order_id)"
        " WHERE account_id = ? ORDER BY number",
    )
    with _opened(path) as db:
        _check_account(db, path, account_id)
        placed, filled = (db.execute(sql, (account_id,)).fetchall() for sql in both)
    return (
        [{"date": _shown(row[1]), **_order(row), "fees": yuan(row[18])} for row in placed],
        [{"date": _shown(row[2]), **_trade(row), "fees": yuan(row[7])} for row in filled],
    )


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[sqlite3.Connection]:
    """只读打开账本。"""
    if not is_sim_folder(path):
        raise SimulatorError(f"{path} 不是模拟 MiniQMT 的文件夹，没有账本可查。")
    store = SimFolder.open(path).store_path
    if not store.is_file():
        raise SimulatorError(f"{Path(path)} 还没有账本：没有程序用过它。")
    try:
        with closing(_connect(store)) as db:
            db.execute("BEGIN")  # 几条查询看到的是同一刻的账
            _check(db, store)
            yield db
    except sqlite3.Error as exc:
        raise SimulatorError(f"账本 {store} 读不出来：{exc}") from exc


def _connect(store: Path) -> sqlite3.Connection:
    uri = f"{store.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=_WAIT_S, isolation_level=None)


def _check(db: sqlite3.Connection, store: Path) -> None:
    (found,) = db.execute("PRAGMA application_id").fetchone()
    if found != APPLICATION_ID:
        raise SimulatorError(f"{store} 不是模拟 MiniQMT 的账本。")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise SimulatorError(
            f"账本 {store} 是较新的版本 {version}，本版本只认识到 {VERSION}；请升级 easytrader。"
        )
    if version < VERSION:
        raise SimulatorError(
            f"账本 {store} 是旧版本 {version}：先用这个版本的 easytrader 启动一次它，再来查。"
        )


def _asked(
    db: sqlite3.Connection, path: str | os.PathLike[str], day: str | date, account_id: str | None
) -> tuple[int, str | None]:
    number = _number(day)
    latest = db.execute("SELECT day FROM progress").fetchone()
    if latest is not None and number > latest[0]:
        raise SimulatorError(f"{day} 还没有到：{Path(path)} 走到 {_shown(latest[0])}。")
    _check_account(db, path, account_id)
    return number, account_id


def _check_account(
    db: sqlite3.Connection, path: str | os.PathLike[str], account_id: str | None
) -> None:
    known = [name for (name,) in db.execute("SELECT account_id FROM accounts")]
    if account_id is not None and account_id not in known:
        raise UsageError("account_id", account_id, f"{Path(path)} 里有：{'、'.join(known)}。")


def _number(day: str | date) -> int:
    if isinstance(day, date):
        return day.toordinal()
    try:
        if not isinstance(day, str) or len(day) != 10:
            raise ValueError
        return date.fromisoformat(day).toordinal()
    except ValueError:
        raise UsageError("day", day, _DATE) from None


def _shown(day: int) -> str:
    return date.fromordinal(day).isoformat()


def _order(row: tuple[Any, ...]) -> Entrust:
    shown: Any = order_row(order_of(row).snapshot)
    return rows.order_row(shown)


def _trade(row: tuple[Any, ...]) -> Trade:
    trade, order = row[:11], row[11:]
    shown: Any = trade_row(trade_of(trade, order_of(order)).snapshot)
    return rows.trade_row(shown)


def _asset(asset: ClosingAsset) -> Row:
    shown: Any = asset_row(
        Asset(
            asset.account_type,
            asset.account_id,
            asset.cash_li,
            asset.frozen_li,
            asset.market_li,
            asset.elsewhere_li,
            0,
        )
    )
    return {
        "date": _shown(asset.day),
        **rows.asset_row(shown),
        "lent": yuan(asset.elsewhere_li),
        "fees": yuan(asset.fees_li),
        "debt": yuan(asset.owed_li),
    }


def _position(held: ClosingPosition) -> Row:
    return {
        "date": _shown(held.day),
        "account_id": held.account_id,
        "security": held.stock_code.partition(".")[0],
        "stock_code": held.stock_code,
        "volume": held.volume,
        "avg_price": round(held.cost_li / held.volume / 1000, 6),
        "last_price": yuan(held.price_li),
        "market_value": yuan(held.volume * held.price_li),
    }
