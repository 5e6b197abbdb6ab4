"""信用账号的五项查询：键、类型、中文名，文档的对照表与厂商的结构。"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest
from credit_helpers import CODE, LATEST, open_contracts
from support import ROOT
from types_check import check
from vendor_fakes import Counter

from easytrader import types
from easytrader.errors import QueryFailedError
from easytrader.rows import business
from easytrader.sim.gateway import rows as native
from easytrader.sim.gateway.fields import structs

if TYPE_CHECKING:
    from collections.abc import Callable

QUERIES: dict[str, tuple[str, str, Any, Any, Callable[[Any], Any], Any]] = {
    "credit.detail": (
        "queryCreditDetail", "XtCreditDetail", types.CreditDetail,
        business.credit_detail_row.fields, business.credit_detail_row, native.CreditDetailRow,
    ),
    "credit.compacts": (
        "queryStkCompacts", "StkCompacts", types.Compact,
        business.compact_row.fields, business.compact_row, native.StkCompactRow,
    ),
    "credit.subjects": (
        "queryCreditSubjects", "CreditSubjects", types.CreditSubject,
        business.credit_subject_row.fields, business.credit_subject_row, native.CreditSubjectRow,
    ),
    "credit.slo_codes": (
        "queryCreditSloCode", "CreditSloCode", types.SloCode,
        business.slo_code_row.fields, business.slo_code_row, native.CreditSloCodeRow,
    ),
    "credit.assure": (
        "queryCreditAssure", "CreditAssure", types.CreditAssure,
        business.credit_assure_row.fields, business.credit_assure_row, native.CreditAssureRow,
    ),
}  # fmt: skip
"""动词 → (原生请求, 厂商的结构, 类型, 字段, 行, 模拟柜台的行)。"""


def test_rows_through_the_vendor(credit_user: Any) -> None:
    user = credit_user
    open_contracts(user)
    detail = user.credit.detail()
    check(detail, types.CreditDetail)
    assert detail["total_debt"] == pytest.approx(detail["fin_debt"] + detail["slo_debt"])
    assert (detail["status_name"], detail["account_type_name"]) == ("正常", "信用")
    assert detail["fin_max_quota"] == 400_000
    for verb, kind in (
        ("credit.compacts", types.Compact),
        ("credit.subjects", types.CreditSubject),
        ("credit.slo_codes", types.SloCode),
        ("credit.assure", types.CreditAssure),
    ):
        found = attrgetter(verb)(user)()
        assert found
        check(found, list[kind])  # type: ignore[valid-type]
    kinds = [
        (each["stock_code"], each["compact_type_name"], each["cashgroup_prop_name"])
        for each in user.credit.compacts()
    ]
    assert sorted(kinds) == [
        ("600036.SH", "融券", "专项头寸"), ("600036.SH", "融券", "普通头寸"),
        ("600036.SH", "融资", "专项头寸"), ("600036.SH", "融资", "普通头寸"),
    ]  # fmt: skip
    [wide, narrow] = sorted(user.credit.subjects(), key=lambda row: row["security"], reverse=True)
    assert (wide["stock_code"], wide["slo_status_name"]) == ("600036.SH", "正常")
    assert (narrow["stock_code"], narrow["slo_status_name"]) == ("000001.SZ", "作废")
    assert (narrow["fin_ratio"], narrow["exchange_id_name"]) == (1.2, "深交所")
    assert [each["enable_amount"] for each in user.credit.slo_codes()] == [4500, 700]
    ratios = {each["security"]: each["assure_ratio"] for each in user.credit.assure()}
    assert ratios == {"600036": 0.7, "000001": 0.65}


def test_a_quiet_account(credit_user: Any) -> None:
    assert credit_user.credit.compacts() == []
    assert credit_user.credit.detail()["total_debt"] == 0


def native_row(verb: str, **changes: Any) -> Any:
    """一行模拟柜台会给的。"""
    values = {str: "600036", int: 48, float: 1.5}
    row = QUERIES[verb][5]
    given = {name: values[type(zero)] for name, zero in row()._asdict().items()}
    return row(**{**given, "account_type": 3, **changes})


def test_unknown_codes_are_said_to_be_unknown(credit_user: Any) -> None:
    odd = {"compact_type": 77, "cashgroup_prop": 78, "exchange_id": 9999}
    Counter(credit_user, "queryStkCompacts", [native_row("credit.compacts", **odd)])
    [row] = credit_user.credit.compacts()
    names = [row[f"{key}_name"] for key in ("compact_type", "cashgroup_prop", "exchange_id")]
    assert names == ["未知"] * 3
    assert (row["security"], row["stock_code"]) == ("600036", "600036")
    check(row, types.Compact)


def test_the_account_of_its_own_is_picked(credit_user: Any) -> None:
    rows = [
        native_row("credit.detail", account_id="别的", balance=1.0),
        native_row("credit.detail", account_id="2000000777", balance=2.0),
    ]
    Counter(credit_user, "queryCreditDetail", rows)
    assert credit_user.credit.detail()["balance"] == 2.0


def test_no_detail_is_a_failure(credit_user: Any) -> None:
    Counter(credit_user, "queryCreditDetail", [])
    with pytest.raises(QueryFailedError, match="没有结果"):
        credit_user.credit.detail()


@pytest.mark.parametrize("verb", QUERIES)
def test_an_answer_that_never_comes(credit_user: Any, verb: str) -> None:
    Counter(credit_user, QUERIES[verb][0], None)
    with credit_user._session.until(0), pytest.raises(QueryFailedError):
        attrgetter(verb)(credit_user)()


@pytest.mark.parametrize("verb", QUERIES)
def test_a_lost_connection_is_not_an_empty_list(credit_user: Any, verb: str) -> None:
    def lost(_: Any) -> list[Any]:
        credit_user._session.lose("测试")
        return []

    Counter(credit_user, QUERIES[verb][0], lost)
    credit_user.stop_reconnect()
    with pytest.raises(QueryFailedError):
        attrgetter(verb)(credit_user)()


# ---- 字段的对照


@pytest.mark.parametrize("verb", QUERIES)
def test_every_vendor_field_is_mapped_once(verb: str) -> None:
    _, struct, kind, fields, build, _ = QUERIES[verb]
    sources = [source for _, source in fields]
    spelled = {
        spelling: field.name
        for field in structs()[struct]
        for spelling in (field.name, *field.spellings)
    }
    assert sorted(spelled[each] for each in sources) == sorted(
        each.name for each in structs()[struct]
    )
    row = build(dict.fromkeys(sources, 48))
    assert list(row) == list(get_type_hints(kind))


@pytest.mark.parametrize("verb", QUERIES)
def test_the_docs_table_is_the_mapping(verb: str) -> None:
    _, struct, kind, fields, _, _ = QUERIES[verb]
    text = (ROOT / "docs/zh/reference/credit_fields.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {verb}\n")[1].split("\n## ")[0]
    assert f"`{struct}`" in section
    assert f"`{kind.__name__}`" in section
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    told = [[cell.strip(" `") for cell in row] for row in rows]
    sources = dict(fields)
    hints = get_type_hints(kind)
    assert [row[0] for row in told] == list(hints)
    assert [row[1] for row in told] == [sources.get(key, "") for key in hints]
    for key, _, shown, meaning in told:
        assert meaning
        assert shown == getattr(hints[key], "__name__", "str").replace("Literal", "str")


def test_the_vendor_spells_them_so() -> None:
    """手册写的名字，模拟的原生结构上读得到（`fields` 与装着的二进制另有测试核对）。"""
    for _, struct, _, fields, _, _ in QUERIES.values():
        spelled = {
            spelling for field in structs()[struct] for spelling in (field.name, *field.spellings)
        }
        assert {source for _, source in fields} <= spelled


def test_only_financing_in_the_contracts(credit_user: Any) -> None:
    row = credit_user.credit.fin_buy(CODE, None, 100, ttype=LATEST)
    credit_user.wait(row["entrust_no"], 30)
    assert [each["compact_type_name"] for each in credit_user.credit.compacts()] == ["融资"]
