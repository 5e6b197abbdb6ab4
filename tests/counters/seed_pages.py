"""两页文档里写着的：接口的叫法、连接的字段（``名字``，或 ``名字=值``，顿号分开的是可选的）。"""

from __future__ import annotations

_CTP = "用户名 密码 经纪商代码 交易服务器 行情服务器 产品名称 授权编码"

PAGE_001 = {
    "CTP": ("CTP", _CTP),
    "CTP测试": ("CTPTEST", _CTP),
    "CTP Mini": ("MINI", _CTP),
    "CTP Mini测试": ("MINITEST", f"{_CTP} 产品信息"),
    "飞马": ("FEMAS", _CTP),
    "CTP期权": ("SOPT", _CTP),
    "CTP期权测试": ("SOPTTEST", f"{_CTP} 产品信息"),
    "飞创期权": (
        "SEC",
        "账号 密码 行情地址 交易地址 行情协议=TCP、UDP 授权码 产品号"
        " 采集类型=顶点、恒生、金证、金仕达 行情压缩=N、Y",
    ),
    "恒生UFT": (
        "UFT",
        "用户名 密码 行情服务器 交易服务器 服务器类型=期货、ETF期权 产品名称 授权编码 委托类型=q",
    ),
    "易盛": (
        "ESUNNY",
        "行情账号 行情密码 行情服务器 行情端口=0 行情授权码 交易账号 交易密码 交易服务器 交易端口=0"
        " 交易产品名称 交易授权编码 交易系统=内盘",
    ),
    "恒生期权": ("HSOPTION", "交易用户名 交易密码 行情用户名 行情密码 行情经纪商代码 行情服务器"),
    "中泰XTP": (
        "XTP",
        "账号 密码 客户号=1 行情地址 行情端口=0 交易地址 交易端口=0 行情协议=TCP、UDP"
        " 日志级别=FATAL、ERROR、WARNING、INFO、DEBUG、TRACE 授权码",
    ),
    "国泰君安": (
        "GTJA",
        "交易用户名 交易密码 交易服务器 交易端口 机构代号 营业部代号 网关 行情用户名 行情密码"
        " 行情服务器 行情端口",
    ),
    "华鑫奇点股票": (
        "TORASTOCK",
        "账号 密码 行情服务器 交易服务器 账号类型=用户代码、资金账号 地址类型=前置地址、FENS地址",
    ),
    "华鑫奇点期权": (
        "TORAOPTION",
        "账号 密码 行情服务器 交易服务器 账号类型=用户代码、资金账号 地址类型=前置地址、FENS地址",
    ),
    "中亿汇达Comstar XBond": ("COMSTAR-XBOND", "交易服务器 用户名 密码 Key"),
    "中亿汇达Comstar 双边": (
        "COMSTAR-QUOTE",
        "交易服务器 用户名 密码 Key routing_type=5 valid_until_time=18:30:00.000",
    ),
    "富途证券": ("FUTU", "密码 地址=127.0.0.1 端口=11111 市场=HK、US 环境=REAL、SIMULATE"),
    "盈透证券": ("IB", "TWS地址=127.0.0.1 TWS端口=7497 客户号=1 交易账户"),
    "易盛9.0外盘": (
        "TAP",
        "行情账号 行情密码 行情服务器 行情端口=0 交易账号 交易密码 交易服务器 交易端口=0 授权码",
    ),
    "直达期货": ("DA", "用户名 密码 交易服务器 行情服务器 授权码"),
    "MetaTrader 5": ("MT5", "通讯地址=localhost 请求端口=6888 订阅端口=8666"),
    "融航": ("ROHON", _CTP),
    "TTS": ("TTS", _CTP),
    "飞鼠": ("SGIT", "用户名 密码 交易服务器 行情服务器 产品名称 授权编码"),
    "金仕达黄金": ("KSGOLD", "用户名 密码 交易服务器 行情服务器 账号类型=银行账号、黄金账号"),
}
"""文档 001 的分类表里的叫法 → (名字, 「相关字段」)。"""

PAGE_000 = {
    "CTP": ("FCS-CTP", _CTP),
    "OES": ("OES", ""),
    "IB": ("FCS-IB", "TWS地址=127.0.0.1 TWS端口=7497 客户号=1"),
    "FUTU": ("FCS-FUTU", "密码 地址=127.0.0.1 端口=11111 市场=HK、US 环境=REAL、SIMULATE"),
    "TIGER": ("TIGER", ""),
    "BITMEX": ("BITMEX", "用户ID 密码 会话数=3 服务器=REAL、TESTNET 代理地址 代理端口"),
    "OKEX": ("OKEX", "API秘钥 密码秘钥 会话数=3 密码 代理地址 代理端口=0"),
    "火币": ("HUOBI", "API秘钥 密码秘钥 会话数=3 代理地址 代理端口"),
}
"""文档 000 的；没有写字段的那几家，字段来自它 2019 年的源码。"""


def fields_of(told: str) -> list[tuple[str, list[str]]]:
    """``行情协议=TCP、UDP`` → 名字与每个可选的值；没有写值的给一个。"""
    found = []
    for each in told.split():
        name, _, values = each.partition("=")
        found.append((name, values.split("、") if values else ["给的"]))
    return found
