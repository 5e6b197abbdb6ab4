"""群机器人的消息：企业微信、钉钉、飞书各要什么样子，怎样签名，回答里怎样说没有收下。

出处（2026-11-30 读的）：
企业微信 https://developer.work.weixin.qq.com/document/path/91770 ，
钉钉 https://open.dingtalk.com/document/robots/custom-robot-access ，
飞书 https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot 。
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote_plus

Kind = Literal["wecom", "dingtalk", "feishu"]
Format = Literal["markdown", "text"]


class Robot(NamedTuple):
    """一种机器人。

    Attributes:
        title: 中文名。
        per_minute: 一分钟最多收几条；超过的要等很久才恢复。
        most: 一条最多多少字节（UTF-8）：Markdown 的，文字的。
        busy: 说「太频繁」的错误码：过一会儿再来。
    """

    title: str
    per_minute: int
    most: tuple[int, int]
    busy: frozenset[int]


ROBOTS: Final[dict[Kind, Robot]] = {
    "wecom": Robot("企业微信", 20, (4096, 2048), frozenset({45009, 45033, -1})),
    "dingtalk": Robot("钉钉", 20, (20000, 20000), frozenset({130101, 410100, -1})),
    "feishu": Robot("飞书", 100, (18000, 18000), frozenset({9499, 11232, 2200})),
}
"""飞书说整个请求不超过 20 KB，留出一点给外面的括号。"""
NAMES: Final[dict[str, Kind]] = {
    "企业微信": "wecom", "wecom": "wecom", "钉钉": "dingtalk", "dingtalk": "dingtalk",
    "飞书": "feishu", "feishu": "feishu",
}  # fmt: skip


def request(
    kind: Kind, url: str, secret: str, title: str, lines: list[str], form: Format, now: float
) -> tuple[str, dict[str, Any]]:
    """一条消息 → 发到哪里、请求体。

    Args:
        kind: 哪种机器人。
        url: 机器人的网址。
        secret: 加签的密钥；没有开加签的为空（企业微信没有这一项）。
        title: 标题。
        lines: 内容，一行一行。
        form: ``markdown`` 或 ``text``；飞书的 ``markdown`` 是富文本。
        now: 此刻，Unix 秒：签名用。
    """
    most = ROBOTS[kind].most[form == "text"]
    if kind == "feishu":
        return url, {**_feishu(title, lines, form, most), **_feishu_signed(secret, now)}
    text = _markdown(title, lines, most) if form == "markdown" else _text(title, lines, most)
    if kind == "dingtalk":
        body: dict[str, Any] = {"msgtype": "text", "text": {"content": text}}
        if form == "markdown":
            body = {"msgtype": "markdown", "markdown": {"title": title, "text": text}}
        return _dingtalk_signed(url, secret, now), body
    return url, {"msgtype": form, form: {"content": text}}


def problem(kind: Kind, answer: str) -> tuple[str, bool]:
    """它的回答（HTTP 200 的）→ (没有收下的原因, 过一会儿再来有没有用)；收下了原因为空。"""
    try:
        told = json.loads(answer)
    except ValueError:
        return "回答不是 JSON", False
    if not isinstance(told, dict):
        return "回答不是对象", False
    code = told.get("code", told.get("StatusCode")) if kind == "feishu" else told.get("errcode")
    if code == 0:
        return "", False
    message = told.get("msg", told.get("errmsg", ""))
    return f"{code} {str(message)[:120]}", code in ROBOTS[kind].busy


def cut(text: str, most: int) -> str:
    """最多 ``most`` 字节，切掉了的说一声。"""
    if len(text.encode()) <= most:
        return text
    tail = "\n…（太长，后面的没有发）"
    return text.encode()[: most - len(tail.encode())].decode(errors="ignore") + tail


def _markdown(title: str, lines: list[str], most: int) -> str:
    shown = [f"> {_quiet(line)}" for line in lines if line]
    return cut("\n\n".join([f"**{_quiet(title)}**", "\n>\n".join(shown)]).rstrip(), most)


def _text(title: str, lines: list[str], most: int) -> str:
    return cut("\n".join([title, *lines]), most)


def _quiet(line: str) -> str:
    """错误信息里的字不当成点名。"""
    return line.replace("<@", "＜@")


def _feishu(title: str, lines: list[str], form: Format, most: int) -> dict[str, Any]:
    if form == "text":
        return {"msg_type": "text", "content": {"text": _text(title, lines, most)}}
    text = cut("\n".join(lines), most - len(title.encode()))
    rows = [[{"tag": "text", "text": line}] for line in text.split("\n")]
    post = {"zh_cn": {"title": title, "content": rows}}
    return {"msg_type": "post", "content": {"post": post}}


def _dingtalk_signed(url: str, secret: str, now: float) -> str:
    """钥匙是密钥，签的是「毫秒时间戳 换行 密钥」，写在网址上。"""
    if not secret:
        return url
    stamp = str(round(now * 1000))
    sign = _hmac(secret, f"{stamp}\n{secret}")
    joint = "&" if "?" in url else "?"
    return f"{url}{joint}timestamp={stamp}&sign={quote_plus(sign)}"


def _feishu_signed(secret: str, now: float) -> dict[str, str]:
    """与钉钉相反：钥匙是「秒时间戳 换行 密钥」，签的是空的，写在请求体里。"""
    if not secret:
        return {}
    stamp = str(int(now))
    return {"timestamp": stamp, "sign": _hmac(f"{stamp}\n{secret}", "")}


def _hmac(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()
