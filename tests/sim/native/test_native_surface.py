"""名字对名字：替身有厂商 xttrader.py 用到的一切，也有原生二进制里的一切。"""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from easytrader.sim import native
from easytrader.sim.gateway.fields import structs
from easytrader.sim.native.calls import BINDERS, CALLS

XTQUANT = Path(importlib.util.find_spec("xtquant").submodule_search_locations[0])
SOURCE = (XTQUANT / "xttrader.py").read_text(encoding="utf-8")
CONTROL = ("__init__", "init", "start", "stop", "connect", "nextSeq", "setTimeout")
METHODS = [f"{name}WithSeq" for name in CALLS] + [f"bindOn{name}Callback" for name in BINDERS]
# 这些在二进制里由别的名字拼出来，或是厂商 xttrader.py 自己写错的
TYPOS = {"m_strCompactId", "m_strSrcGroupId", "m_strApplyId"}


def test_the_whole_native_surface_is_there():
    assert len(structs()) == 98
    assert sum(name.endswith(("Req", "Param")) for name in structs()) == 51
    assert (len(CALLS), len(BINDERS), len(CONTROL)) == (55, 56, 7)
    assert sum(len(fields) for fields in structs().values()) == 738
    for name in structs():
        assert isinstance(getattr(native, name), type), name
    for name in (*METHODS, *CONTROL):
        assert callable(getattr(native.XtQuantAsyncClient, name)), name


def test_everything_the_vendor_file_calls_exists():
    methods = set(re.findall(r"async_client\.(\w+)", SOURCE))
    classes = set(re.findall(r"_XTQC_\.(\w+)", SOURCE))
    assert len(methods) > 80
    assert len(classes) > 30
    assert [name for name in methods if not hasattr(native.XtQuantAsyncClient, name)] == []
    assert [name for name in classes if not hasattr(native, name)] == []


def test_every_field_the_vendor_file_assigns_or_reads_exists():
    wrong = []
    for function in ast.walk(ast.parse(SOURCE)):
        if not isinstance(function, ast.FunctionDef):
            continue
        struct = None
        for node in ast.walk(function):
            if not isinstance(node, ast.Assign):
                continue
            target, value = node.targets[0], node.value
            called = getattr(getattr(value, "func", None), "attr", "")
            if getattr(target, "id", "") == "req" and called in structs():
                struct = called
            elif (
                isinstance(target, ast.Attribute)
                and getattr(target.value, "id", "") == "req"
                and not hasattr(getattr(native, struct)(), target.attr)
            ):
                wrong.append((struct, target.attr))
    assert wrong == []
    known = {name for f in structs().values() for x in f for name in spellings(x)}
    assert set(re.findall(r"\.(m_\w+)", SOURCE)) <= known


def spellings(field):
    return (field.name, *field.spellings, *((field.short[0],) if field.short else ()))


@pytest.fixture(scope="module")
def binary():
    found = sorted(XTQUANT.glob("xtpythonclient.cp311*"))
    if not found:
        pytest.skip("装着的 xtquant 里没有原生模块的二进制")
    return found[0].read_bytes()


def test_every_name_is_in_the_vendors_binary(binary):
    names = {*METHODS, *CONTROL, *structs()}
    names |= {name for f in structs().values() for x in f for name in spellings(x)} - TYPOS
    assert sorted(name for name in names if name.encode() + b"\0" not in binary) == []


def test_the_binary_has_no_method_we_lack(binary):
    # 前面要是字符串的开头，否则会认进别的名字的后半截
    found = re.findall(rb"(?<=\0)(bindOn\w+Callback|[a-z]\w+WithSeq)(?=\0)", binary)
    assert {name.decode() for name in found} == set(METHODS)


def test_cuts_match_the_documented_buffers():
    sizes = {x.name: x.size for x in structs()["OrderStockReq"]}
    assert sizes["account_id"] == sizes["strategy_name"] == sizes["order_remark"] == 24
    assert (sizes["stock_code"], sizes["stock_code1"], sizes["order_remark1"]) == (16, 64, 128)
    order = {x.name: x for x in structs()["XtOrder"]}
    assert order["status_msg"].size == 24
    assert order["order_remark"].short == ("m_strOrderRemark", 24)
