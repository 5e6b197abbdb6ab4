"""客户端的其余功能：登录的账号、股东账户、按合同编号撤单、导出与录入。"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import OutcomeUnknownError, QueryFailedError, UsageError
from easytrader.miniqmt.groups import checks
from easytrader.miniqmt.groups.base import Group, checked
from easytrader.orders.verb import Ticket, cancel, order_verb
from easytrader.rows import account_status_row, empties
from easytrader.rows.business import account_info_row, position_statistics_row, secu_account_row

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from datetime import date

    from easytrader import types

_OPERATIONS: Final = ("UPDATE", "REPLACE", "ADD", "DELETE")
_DATA_TYPES: Final = ("DEAL",)
_FORM: Final = "应为字典 {名字: 数、字符串或真假}"
_ENCODINGS: Final = ("utf-8-sig", "gb18030")


class Client(Group):
    """客户端的其余功能：``user.client``。"""

    __slots__ = ()

    def account_infos(self) -> list[types.AccountInfo]:
        """客户端里登录的全部资金账号，每个一个字典（包括别的账号）。

        Raises:
            QueryFailedError: 没有得到可信的回答。
            NotConnectedError: 没有可用会话。
        """
        found = self._desk.query("账号信息", "query_account_infos")
        return [account_info_row(each) for each in found or ()]

    def account_status(self) -> list[types.AccountStatus]:
        """客户端里全部资金账号的状态：``status_name`` 是「正常」才能交易。

        异常同 `account_infos`。
        """
        found = self._desk.query("账号状态", "query_account_status")
        return [account_status_row(each) for each in found or ()]

    def secu_accounts(self) -> list[types.SecuAccount]:
        """这个资金账号下的股东账户；``main`` 是不是主股东账户。异常同 `account_infos`。"""
        desk = self._desk
        found = desk.query("股东账户", "query_secu_account", desk.account)
        return checked("股东账户", found or (), secu_account_row)

    def position_statistics(self) -> list[types.PositionStatistics]:
        """持仓统计，每个合约一个字典。厂商为期货账号做的，别的账号多半为空。

        异常同 `account_infos`。
        """
        desk = self._desk
        found = desk.query("持仓统计", "query_position_statistics", desk.account)
        rows = [position_statistics_row(each) for each in found or ()]
        return empties.noted("client.position_statistics", rows)

    @order_verb
    def cancel_sysid(
        self, order_sysid: str, market: str | int | None = None
    ) -> Ticket[types.CancelResult, types.CancelResult]:
        """按柜台合同编号撤单。

        Args:
            order_sysid: 柜台合同编号，`today_entrusts` 里的 ``order_sysid``。
            market: 交易所：``SH`` ``SZ`` ``BJ``、中文名（``上交所`` 等）或厂商的整数代码
                （0、1、70）；不给就先查当日委托，认出是哪个交易所的（异步的也要先查）。

        Returns:
            同 `cancel_entrust`。

        Raises:
            UsageError: 编号、交易所不对；没有给交易所而当日委托里没有、或几个交易所都有这个编号。
                什么都没有发出。
            QueryFailedError: 没有给交易所，要查当日委托而查不到；什么都没有发出。
            RiskRefusedError: 风控不许，什么都没有发出。
            OutcomeUnknownError: 已发出而没有应答。撤单可以放心再撤一次。
        """
        return cancel(self._ordering, self._ordering.cancel_sysid(order_sysid, market))

    cancel_sysid_async = cancel_sysid.twin
    """同 `cancel_sysid`，发出就返回回执。"""

    def export_data(
        self,
        result_path: str | os.PathLike[str],
        data_type: str,
        start_time: str | date | None = None,
        end_time: str | date | None = None,
        user_param: Mapping[str, Any] | None = None,
    ) -> types.Outcome:
        """让客户端把数据导出成 CSV 文件；写文件的是客户端。

        Args:
            result_path: 文件，以 ``.csv`` 结尾；所在的文件夹要已经存在。
            data_type: 数据类型，如 ``'deal'``；有哪些由客户端定。
            start_time: 从何时，日期或 ``'20261120093000'``；None 不限。
            end_time: 到何时。
            user_param: 别的参数，原样交给客户端。

        Returns:
            ``{'success': bool, 'message': str}``。

        Raises:
            UsageError: 参数不对，什么都没有发出。
            QueryFailedError: 没有得到可信的回答；文件可能已经写了。
            NotConnectedError: 没有可用会话。
        """
        path = _csv_path(result_path)
        kind = checks.text("data_type", data_type, "数据类型，如 'deal'")
        start, end = checks.moment("start_time", start_time), checks.moment("end_time", end_time)
        size = min(len(start or ""), len(end or ""))  # 一头写到秒、一头只有日期的，比日期
        if start and end and start[:size] > end[:size]:
            raise UsageError("end_time", end_time, f"不能早于 start_time（{start}）")
        extra = checks.plain("user_param", {} if user_param is None else user_param, _FORM)
        desk = self._desk
        found = desk.query(
            "导出数据", "export_data", desk.account, str(path), kind, start, end, extra
        )
        return _verdict(found)

    def query_data(
        self,
        data_type: str,
        start_time: str | date | None = None,
        end_time: str | date | None = None,
        user_param: Mapping[str, Any] | None = None,
    ) -> list[dict[str, str]]:
        """导出到临时文件再读回来，每行一个字典；键是客户端给的列名，值一律是字符串。

        不用厂商的 ``query_data``：它经 pandas 读，资金账号、合同编号开头的 0 会丢。
        参数与异常同 `export_data`；客户端说不行的抛 `QueryFailedError`。
        """
        with tempfile.TemporaryDirectory(prefix="easytrader-") as folder:
            path = Path(folder) / "export.csv"
            done = self.export_data(path, data_type, start_time, end_time, user_param)
            if not done["success"]:
                raise QueryFailedError(f"导出数据失败：{done['message']}")
            try:
                return _read_csv(path)
            except (OSError, UnicodeError, csv.Error) as exc:
                raise QueryFailedError(f"客户端说导出了，而文件读不出来：{exc}") from exc

    def sync_transaction_from_external(
        self, operation: str, deals: Sequence[Mapping[str, Any]], data_type: str = "DEAL"
    ) -> types.Outcome:
        """把外面的成交录进客户端。

        Args:
            operation: ``ADD``、``UPDATE``、``REPLACE``、``DELETE``。
            deals: 成交，每笔一个字典；键名见厂商的数据字典（``m_strInstrumentID`` 等），
                大小写一致。
            data_type: 数据类型，只有 ``DEAL``。

        Returns:
            ``{'success': bool, 'message': str}``。

        Raises:
            UsageError: 参数不对，什么都没有发出。
            NotConnectedError: 没有可用会话，什么都没有发出。
            OutcomeUnknownError: 已发出而没有应答，先核对再说。
        """
        if not isinstance(operation, str) or operation not in _OPERATIONS:
            raise UsageError("operation", operation, f"应为 {'、'.join(_OPERATIONS)} 之一")
        if not isinstance(data_type, str) or data_type not in _DATA_TYPES:
            raise UsageError("data_type", data_type, "只有 DEAL")
        form = "应为成交的列表，每笔一个字典，如 [{'m_strInstrumentID': 'ag2407', …}]"
        if not isinstance(deals, (list, tuple)) or not deals:
            raise UsageError("deals", deals, form)
        rows = [checks.plain("deals", each, _FORM) for each in deals]
        if not all(rows):
            raise UsageError("deals", deals, form)
        desk = self._desk
        found = desk.act(
            "录入外部成交",
            "sync_transaction_from_external",
            operation,
            data_type,
            desk.account,
            rows,
        )
        if not isinstance(found, Mapping):
            raise OutcomeUnknownError(f"录入外部成交：厂商返回 {found!r}，结果未知，请先核对")
        return _verdict(found)


def _csv_path(value: object) -> Path:
    form = "应为 .csv 文件的路径，所在的文件夹要已经存在"
    if isinstance(value, (str, Path)) and checks.sendable(str(value)):
        try:
            path = Path(value).expanduser().absolute()  # 写文件的是客户端，它的当前目录不是这里
            if path.suffix.lower() == ".csv" and path.parent.is_dir() and not path.is_dir():
                return path
        except (OSError, RuntimeError):  # 太长、~没有这个用户
            pass
    raise UsageError("result_path", value, form)


def _verdict(found: Any) -> types.Outcome:
    if not isinstance(found, Mapping):
        raise QueryFailedError(f"导出数据：厂商返回 {found!r}")
    error = found.get("error")
    if error is None:
        return {"success": True, "message": str(found.get("msg", ""))}
    if isinstance(error, Mapping):
        error = error.get("msg") or error.get("errorMsg") or error.get("ErrorMsg") or dict(error)
    return {"success": False, "message": str(error)}


def _read_csv(path: Path) -> list[dict[str, str]]:
    raw = path.read_bytes()
    for encoding in _ENCODINGS:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return [dict(row) for row in csv.DictReader(io.StringIO(text, newline=""))]
    raise UnicodeError(f"{path.name} 不是 {'、'.join(_ENCODINGS)}")
