"""字段：两页文档里的都收；叫法、默认、选项、类型；写错的说是不是哪一个，密码不写出来。"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from seed_pages import PAGE_000, PAGE_001, fields_of

from easytrader import counters
from easytrader.counters import fields
from easytrader.errors import UsageError

PAGES = [*PAGE_001.values(), *PAGE_000.values()]
XTP = counters.find("XTP")
CTP = counters.find("CTP")
assert XTP is not None
assert CTP is not None
XTP_GIVEN = {"账号": "1", "密码": "SECRET1", "交易地址": "10.0.0.1"}


def told_by(**changes: Any) -> str:
    with pytest.raises(UsageError) as caught:
        fields.resolve({**XTP_GIVEN, **changes}, XTP)
    assert "SECRET" not in str(caught.value)
    return str(caught.value)


def test_the_fields_of_the_pages_are_taken_with_every_value() -> None:
    for name, told in PAGES:
        _check_page(name, told)


def _check_page(name: str, told: str) -> None:
    counter = counters.find(name)
    assert counter is not None
    page = fields_of(told)
    required = {each.name: "给的" for each in counter.fields if each.required and not told}
    for index in range(max((len(values) for _, values in page), default=1)):
        given = {field: values[min(index, len(values) - 1)] for field, values in page}
        numbers = {each.name for each in counter.fields if isinstance(each.default, int)}
        given = {
            field: "1" if field in numbers and not value.isdecimal() else value
            for field, value in given.items()
        }
        if "代理端口" in given:
            given["代理端口"] = "7890"
        found = fields.resolve({**required, **given}, counter)
        assert list(found) == [each.name for each in counter.fields]
        kept = {str(value) for value in found.values()}
        dropped = {each.name for each in counter.dropped}
        assert kept >= {value for field, value in given.items() if field not in dropped}


def test_defaults_are_one_value_each() -> None:
    for counter in counters.everyone():
        given = {each.name: "给的" for each in counter.fields if each.required}
        found = fields.resolve(given, counter)
        for each in counter.fields:
            assert found[each.name] == given.get(each.name, each.default)
            assert isinstance(found[each.name], (str, int))


def test_types_and_choices() -> None:
    found = fields.resolve(
        {**XTP_GIVEN, "账号": 53191001, "交易端口": "6001", "行情协议": "udp", "日志级别": "info"},
        XTP,
    )
    assert (found["账号"], found["交易端口"]) == ("53191001", 6001)
    assert (found["行情协议"], found["日志级别"], found["客户号"]) == ("UDP", "INFO", 1)
    mt5 = fields.resolve({"请求端口": 7000}, counters.find("MT5"))
    assert mt5 == {"Server Host": "localhost", "REQ Port": "7000", "SUB Port": "8666"}


def test_one_word_may_mean_two_fields() -> None:
    sec = fields.resolve({"账号": "1", "密码": "p", "交易地址": "x"}, counters.find("SEC"))
    assert (sec["行情密码"], sec["交易密码"]) == ("p", "p")
    tap = fields.resolve(
        {"授权码": "A", "行情授权码": "B", "交易账号": "1", "交易密码": "p", "交易服务器": "x"},
        counters.find("TAP"),
    )
    assert (tap["行情授权码"], tap["交易授权码"]) == ("B", "A")


def test_what_was_left_empty_in_the_window_is_the_default() -> None:
    found = fields.resolve({**XTP_GIVEN, "行情端口": "", "行情协议": "", "授权码": ""}, XTP)
    assert (found["行情端口"], found["行情协议"], found["授权码"]) == (0, "TCP", "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"交易端囗": 6001}, "是不是 交易端口？"),
        ({"授权编马": "SECRET2"}, "是不是 授权码？"),
        ({"没有的": "SECRET2"}, "没有这个字段"),
        ({"交易端口": "六千"}, "应为整数"),
        ({"交易端口": 6001.0}, "应为整数"),
        ({"交易端口": True}, "应为整数"),
        ({"行情协议": "HTTP"}, "可选：TCP、UDP"),
        ({"密码": None}, "应为文字"),
        ({"密码": ["SECRET2"]}, "应为文字"),
        ({"用户名": "2"}, "是一回事"),
        ({"交易地址": ""}, "必要的是：账号、密码、交易地址"),
        ({"密码": ""}, "密码"),
    ],
)
def test_wrong_fields(changes: dict[str, Any], said: str) -> None:
    assert said in told_by(**changes)


def test_what_the_package_cannot_do_any_more_is_refused() -> None:
    given = {"交易账号": "1", "交易密码": "p", "交易服务器": "x", "交易系统": "外盘"}
    with pytest.raises(UsageError, match=r"交易系统.*内盘"):
        fields.resolve(given, counters.find("易盛"))


def test_the_installed_class_has_the_last_word() -> None:
    older = {
        "用户名": "",
        "密码": "",
        "交易服务器": "",
        "授权码": "",
        "新的": ["甲", "乙"],
        "数": 3,
    }
    given = {"用户名": "1", "密码": "p", "交易服务器": "t", "经纪商代码": "9999"}
    with pytest.raises(UsageError, match="经纪商代码"):
        fields.resolve(given, CTP, older)
    del given["经纪商代码"]
    assert fields.resolve({**given, "授权编码": "a"}, CTP, older) == {
        "用户名": "1", "密码": "p", "交易服务器": "t", "授权码": "a", "新的": "甲", "数": 3,
    }  # fmt: skip


def test_a_class_nobody_registered() -> None:
    default = {"柜台": "", "密码": "", "服务器": ["REAL", "DEMO"], "端口": 80, "比例": 0.5}
    found = fields.resolve({"密码": "SECRET1", "服务器": "demo"}, None, default)
    assert found == {"柜台": "", "密码": "SECRET1", "服务器": "DEMO", "端口": 80, "比例": "0.5"}
    assert fields.secrets_of(fields.fields_of(None, default), found) == ["SECRET1"]
    with pytest.raises(UsageError, match="有的是：柜台"):
        fields.resolve({"xyz": 1}, None, default)


class TestConfig:
    def write(self, folder: Path, text: bytes | str, name: str = "connect_xtp.json") -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def test_here_before_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        there, at_home = tmp_path / "有 空格", tmp_path / "家"
        monkeypatch.setattr(Path, "home", lambda: at_home)
        there.mkdir()
        monkeypatch.chdir(there)
        self.write(at_home / ".vntrader", json.dumps({"账号": "家"}))
        assert fields.read_config("connect_xtp.json") == {"账号": "家"}
        self.write(there / ".vntrader", b"\xef\xbb\xbf" + json.dumps({"账号": "这里"}).encode())
        assert fields.read_config("connect_xtp.json") == {"账号": "这里"}
        file = self.write(tmp_path, '{"账号": "路径"}', "随便.json")
        assert fields.read_config(file) == fields.read_config(str(file)) == {"账号": "路径"}

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("{密码: SECRET1}", "第 1 行"),
            ('["a"]', "一个对象"),
            ("", "第 1 行"),
            ('{"密码": "SECRET1"}'.encode("utf-16"), "编码不对"),
            ("x" * 1_000_001, "太大了"),
        ],
    )
    def test_a_bad_file(self, tmp_path: Path, text: bytes | str, said: str) -> None:
        file = self.write(tmp_path, text)
        with pytest.raises(UsageError, match=said) as caught:
            fields.read_config(file)
        assert "SECRET1" not in caught.value.expected

    @pytest.mark.parametrize("config", ["没有.json", "", "a\0b", 5, None])
    def test_no_file(self, config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(UsageError, match="config"):
            fields.read_config(config)

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="没有这个文件"):
            fields.read_config(tmp_path)
