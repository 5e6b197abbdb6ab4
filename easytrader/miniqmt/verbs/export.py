"""数据：让客户端把数据导出成文件，读回来；把外面的成交录进客户端。"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import OutcomeUnknownError, QueryFailedError, UsageError
from easytrader.miniqmt.verbs import checks
from easytrader.miniqmt.verbs.base import Verbs

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from datetime import date

    from easytrader.types import Outcome

_OPERATIONS: Final = ("UPDATE", "REPLACE", "ADD", "DELETE")
_DATA_TYPES: Final = ("DEAL",)
_ENCODINGS: Final = ("utf-8-sig", "gb18030")


class ExportVerbs(Verbs):
    """见模块说明。"""

    def export_data(
        self,
        result_path: str | os.PathLike[str],
        data_type: str,
        start_time: str | date | None = None,
        end_time: str | date | None = None,
        user_param: Mapping[str, Any] | None = None,
    ) -> Outcome:
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
        extra = _plain("user_param", {} if user_param is None else user_param)
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
    ) -> Outcome:
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
        if operation not in _OPERATIONS:
            raise UsageError("operation", operation, f"应为 {'、'.join(_OPERATIONS)} 之一")
        if data_type not in _DATA_TYPES:
            raise UsageError("data_type", data_type, "只有 DEAL")
        form = "应为成交的列表，每笔一个字典，如 [{'m_strInstrumentID': 'ag2407', …}]"
        if not isinstance(deals, (list, tuple)) or not deals:
            raise UsageError("deals", deals, form)
        rows = [_plain("deals", each) for each in deals]
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
    good = isinstance(value, (str, Path)) and str(value).strip() and checks.sendable(str(value))
    if not good or not isinstance(value, (str, Path)):
        raise UsageError("result_path", value, form)
    path = Path(value).expanduser().absolute()  # 写文件的是客户端，它的当前目录不是这里
    if path.suffix.lower() != ".csv" or not path.parent.is_dir() or path.is_dir():
        raise UsageError("result_path", value, form)
    return path


def _plain(argument: str, value: object) -> dict[str, Any]:
    """只有简单的值的字典：要编成 BSON 交给客户端。"""
    form = "应为字典 {名字: 数、字符串或真假}"
    if not isinstance(value, Mapping):
        raise UsageError(argument, value, form)
    for key, each in value.items():
        good = isinstance(each, (str, int, float)) or each is None
        texts = [text for text in (key, each) if isinstance(text, str)]
        good = good and all(checks.sendable(text) for text in texts)
        if not isinstance(key, str) or not key or not good:
            raise UsageError(argument, {key: each}, form)
        if isinstance(each, int) and not -(2**63) <= each < 2**63:
            raise UsageError(argument, {key: each}, "整数超过 64 位")
    return dict(value)


def _verdict(found: Any) -> Outcome:
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
