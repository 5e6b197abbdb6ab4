"""把一条通知送出去：一次 HTTP 请求，或运行一个命令；都有期限。"""

from __future__ import annotations

import http.client
import os
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Final

from easytrader._version import __version__
from easytrader.basics import waits
from easytrader.basics.threads import AbandonedError, call_aside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_ANSWER: Final = 65536
_RETRY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_TAIL: Final = 200


class NotDeliveredError(Exception):
    """没有送到；``again``：过一会儿再来可能就好了。"""

    def __init__(self, why: str, *, again: bool = False) -> None:
        super().__init__(why)
        self.again = again


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """网址里有钥匙：不跟着去别的地方。"""

    def redirect_request(self, *_: Any) -> None:
        return None


def post(url: str, body: bytes, headers: Mapping[str, str], limit_s: float) -> str:
    """POST 一份 JSON，代理照环境变量。

    Returns:
        回答的文字，最多 64 KB。

    Raises:
        NotDeliveredError: 没有送到；原因里没有网址。
    """
    told = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"easytrader/{__version__}",
        **headers,
    }
    asked = urllib.request.Request(url, data=body, headers=told, method="POST")  # noqa: S310
    opener = urllib.request.build_opener(_NoRedirect)

    def ask() -> str:
        with opener.open(asked, timeout=limit_s) as answer:
            found: bytes = answer.read(_MOST_ANSWER)
            return found.decode(errors="replace")

    try:
        # 一个字节一个字节地回答的，套接字的期限管不住
        return call_aside(ask, limit_s, name="easytrader-notify-post")
    except urllib.error.HTTPError as exc:
        with exc:
            raise NotDeliveredError(f"HTTP {exc.code}", again=exc.code in _RETRY) from None
    except AbandonedError:
        raise NotDeliveredError(f"{limit_s:g} 秒没有回答", again=True) from None
    except (OSError, http.client.HTTPException, ValueError) as exc:
        reason = getattr(exc, "reason", exc)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise NotDeliveredError(f"证书不对：{reason.verify_message}") from None
        if isinstance(reason, TimeoutError):
            raise NotDeliveredError(f"{limit_s:g} 秒没有回答", again=True) from None
        told_ = f"{type(reason).__name__}: {reason}" if isinstance(reason, Exception) else reason
        raise NotDeliveredError(str(told_), again=not isinstance(exc, ValueError)) from None


def run(
    command: str | Sequence[str], text: str, variables: Mapping[str, str], limit_s: float
) -> None:
    """运行一个命令，``text`` 从标准输入给它；文字的经 shell，列表的不经。

    Raises:
        NotDeliveredError: 起不来、到期没有跑完（杀掉）、退出码不是 0。
    """
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows：不弹出黑窗口
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(text.encode())
        given.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603  用户自己设置的命令
                command if isinstance(command, str) else list(command),
                stdin=given, stdout=subprocess.DEVNULL, stderr=said,
                env={**os.environ, **variables}, shell=isinstance(command, str),
                creationflags=flags,
            )  # fmt: skip
        except (OSError, ValueError) as exc:
            raise NotDeliveredError(f"命令起不来：{getattr(exc, 'strerror', exc)}") from None

        def finished(seconds: float) -> bool:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                return False
            return True

        if not waits.sliced(finished, limit_s):
            process.kill()
            waits.sliced(finished, limit_s)
            raise NotDeliveredError(f"命令 {limit_s:g} 秒没有跑完，已杀掉")
        if process.returncode:
            said.seek(0)
            tail = said.read()[-_TAIL:].decode(errors="replace").strip()
            raise NotDeliveredError(f"命令的退出码是 {process.returncode}：{tail}")
