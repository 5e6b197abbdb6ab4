"""裸的回声服务器：asyncio，一行 JSON 进来，解开，再写一行回去。参照就是它。"""

from __future__ import annotations

import asyncio
import json
import socket
import sys

_ANSWER = {
    "id": 1,
    "result": [{"available": 1.0, "frozen": 0.0, "market_value": 0.0, "total": 1.0}],
}


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    link: socket.socket = writer.get_extra_info("socket")
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while line := await reader.readline():
        told = json.loads(line)
        writer.write(json.dumps({**_ANSWER, "id": told["id"]}).encode() + b"\n")
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(_talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
