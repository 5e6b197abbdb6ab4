"""三十四家柜台的表：文档 001 的二十六家，000 的八家。

字段、开平、订单类型、日志是从 PyPI 上发布的包里读来的（2026-11-30）；哪里装得上、导入得了是装过的
（Linux x86_64、CPython 3.11，2026-11-21）；Windows 的是打开 wheel 看的，没有在 Windows 上跑。
没有一家在真的柜台上登录过。
"""

from __future__ import annotations

from typing import Final

from easytrader.counters.shape import (
    EVERY_PYTHON,
    Counter,
    Defect,
    Field,
    Runs,
)

_PAGE_001: Final = "VeighNa 文档「交易接口」（001）"
_PAGE_000: Final = "fcs-trade 文档 docs/gateway.md 与源码 d76c5b8（2019-09-30）（000）"
_SEEN: Final = "PyPI 上的包，2026-11-30 读过源码"
_BUILT: Final = "Linux x86_64、CPython 3.11 上装过、导入过，2026-11-21（别的 Python 是推断）"
_REMOVED: Final = "vnpy 的 git 历史：2021 年起不再有"

_CHINA_FUTURES: Final = ("CFFEX", "SHFE", "CZCE", "DCE", "INE", "GFEX")
_STOCK: Final = ("SSE", "SZSE")
_EVERYWHERE: Final = (Runs("Windows"), Runs("Linux"), Runs("macOS"))

_OWN_FATAL: Final = "login failed"
_SILENT: Final = Defect(
    "前置连不上时一行日志也没有",
    "到 connect(timeout=…) 的期限就说没有连上，附最后几行日志",
)
_PHANTOM: Final = Defect(
    "没有登录时 send_order 也给编号，委托停在「提交中」",
    "没有就绪的不发；编号是这个样子的当作没有发出",
)
_SILENT_PASSWORD: Final = Defect(
    "密码错了就不再登录（免得锁账户），也不再提示", "看见「登录失败」就断开，重连时换新的接口"
)
_ONE_REDIAL: Final = Defect("断线之后只重新登录一次", "没有恢复的由本库换新的接口重连")


def _accounts(name: str, *aliases: str) -> tuple[Field, Field]:
    return Field(name, required=True, aliases=aliases), Field("密码", secret=True, required=True)


_FRONTS: Final = (Field("交易服务器", required=True), Field("行情服务器"))
_AUTH: Final = (Field("产品名称"), Field("授权编码", secret=True, aliases=("授权码", "认证码")))
_CTP: Final = (
    *_accounts("用户名", "账号"),
    Field("经纪商代码", required=True, aliases=("经纪商编号",)),
    *_FRONTS,
    *_AUTH,
)
_CTP_NOW: Final = (*_CTP, Field("柜台环境", "实盘", ("实盘", "测试")))
_TORA: Final = (
    *_accounts("账号"),
    Field("行情服务器"),
    Field("交易服务器", required=True),
    Field("产品标识"),
    Field("动态密钥", secret=True),
    Field("账号类型", "用户代码", ("用户代码", "资金账号")),
    Field("地址类型", "前置地址", ("前置地址", "FENS地址")),
)
_COMSTAR: Final = (
    Field("交易服务器", required=True),
    *_accounts("用户名"),
    Field("Key", secret=True),
    Field("routing_type", "5"),
    Field("valid_until_time", "18:30:00.000"),
)
_IB: Final = (
    Field("TWS地址", "127.0.0.1"),
    Field("TWS端口", 7497),
    Field("客户号", 1),
    Field("交易账户"),
)
_FUTU: Final = (
    Field("密码", secret=True),
    Field("地址", "127.0.0.1"),
    Field("端口", 11111),
    Field("市场", "HK", ("HK", "US")),
    Field("环境", "REAL", ("REAL", "SIMULATE")),
)
_OLD_CRYPTO: Final = (
    Field("会话数", 3),
    Field("代理地址", aliases=("Proxy Host",)),
    Field("代理端口", aliases=("Proxy Port",)),
)


def _windows_310_313(old: str = "") -> tuple[Runs, ...]:
    """Windows 的 wheel 只有这两个 Python；``old``：3.10 上停在哪个版本。"""
    if not old:
        return (Runs("Windows", ("3.10", "3.13"), "wheel"),)
    return (Runs("Windows", ("3.10", "3.13"), "wheel", f"3.10 的 wheel 停在 {old}"),)


def _built(note: str = "") -> Runs:
    """Linux 上没有 wheel，现场编译；``note``：编译之后还要补的一步。"""
    return Runs("Linux", EVERY_PYTHON, "fix" if note else "build", note)


_ABSOLUTE: Final = "编译出来的模块里写死了临时目录的路径，导入之前要 patchelf --replace-needed 改掉"
_NO_ORIGIN: Final = "导入之前要 LD_LIBRARY_PATH=<包的文件夹>/api"


COUNTERS: Final[tuple[Counter, ...]] = (
    Counter(
        "CTP", "CTP", "001", _CTP_NOW, ("期货", "期货期权"), _CHINA_FUTURES,
        package="vnpy_ctp", module="vnpy_ctp", class_name="CtpGateway", default_name="CTP",
        runs=(*_windows_310_313("6.7.11.3"), _built()),
        phantom=r"^0_0_", one_per_process=True, conflicts=("CTPTEST", "ROHON"), locale=True,
        defects=(_SILENT, _PHANTOM, _SILENT_PASSWORD),
        sources=(_PAGE_001, _SEEN, _BUILT),
    ),
    Counter(
        "CTPTEST", "CTP测试", "001", _CTP, ("期货", "期货期权"), _CHINA_FUTURES,
        package="vnpy_ctptest", module="vnpy_ctptest", class_name="CtptestGateway",
        default_name="CTPTEST",
        runs=(*_windows_310_313("6.7.2.0"), _built(_ABSOLUTE)),
        phantom=r"^0_0_", one_per_process=True, conflicts=("CTP", "FCS-CTP", "ROHON"), locale=True,
        defects=(_SILENT, _PHANTOM),
        install_note="穿透式测试现在用 CTP 加 柜台环境=\"测试\" 就行，不必装这个",
        sources=(_PAGE_001, _SEEN, _BUILT),
    ),
    Counter(
        "MINI", "CTP Mini", "001", _CTP, ("期货", "期货期权"), _CHINA_FUTURES,
        package="vnpy_mini", module="vnpy_mini", class_name="MiniGateway", default_name="MINI",
        runs=(
            Runs("Windows", ("3.10", "3.13"), "wheel", "3.13 的 wheel 停在 1.6.3.3"), _built(),
        ),
        phantom=r"^0_0_", one_per_process=True, conflicts=("MINITEST",), locale=True,
        defects=(
            _SILENT, _PHANTOM,
            Defect(
                "C++ 的库往标准输出印几行线程号（thread [UserApiTrade] …）",
                "管不了；命令行的 --json 用它的，从第一个 { 或 [ 读起",
            ),
        ),
        sources=(_PAGE_001, _SEEN, _BUILT),
    ),
    Counter(
        "MINITEST", "CTP Mini测试", "001",
        (*_CTP, Field("产品信息")), ("期货", "期货期权"), _CHINA_FUTURES[:5],
        class_name="MinitestGateway", default_name="MINITEST",
        phantom=r"^0_0_", one_per_process=True, conflicts=("MINI",),
        unavailable=(
            "PyPI 上没有它的包，VeighNa 在 2021-12-09 去掉了源码。"
            "要测试 CTP Mini 的，向期货公司要仿真前置，用 use(\"MINI\") 连"
        ),
        sources=(_PAGE_001, _REMOVED),
    ),
    Counter(
        "FEMAS", "飞马", "001", _CTP, ("期货",), _CHINA_FUTURES[:5],
        package="vnpy_femas", module="vnpy_femas", class_name="FemasGateway", default_name="FEMAS",
        runs=_windows_310_313("1.0.2"), one_per_process=True,
        defects=(
            Defect(
                "资金的 balance 是昨日权益，frozen 是两边保证金之和",
                "照它给的填；当天的盈亏不在里面，以期货公司的结算单为准",
            ),
            Defect("「FAK」「FOK」写成限价加有效期", "照它的做法，回报里的类型是限价"),
        ),
        install_note="Linux 上编译不了：包里没有 Linux 的库（USTPmduserapiAF）",
        sources=(_PAGE_001, _SEEN, _BUILT),
    ),
    Counter(
        "SOPT", "CTP期权", "001", _CTP, ("ETF期权",), _STOCK,
        package="vnpy_sopt", module="vnpy_sopt", class_name="SoptGateway", default_name="SOPT",
        runs=(*_windows_310_313("3.7.1.0"), _built()),
        account_type="STOCK_OPTION", phantom=r"^0_0_", one_per_process=True,
        conflicts=("SOPTTEST",), locale=True, defects=(_SILENT, _PHANTOM),
        sources=(_PAGE_001, _SEEN, _BUILT, "与 SOPTTEST 不能同时加载：推断自 CTP 的两个版本"),
    ),
    Counter(
        "SOPTTEST", "CTP期权测试", "001",
        _CTP, ("ETF期权",), _STOCK, dropped=(Field("产品信息"),),
        package="vnpy_sopttest", module="vnpy_sopttest", class_name="SopttestGateway",
        default_name="SOPTTEST",
        runs=(
            Runs("Windows", ("3.10", "3.13"), "wheel", "3.13 的 wheel 停在 3.7.0.1"),
            _built(_ABSOLUTE),
        ),
        account_type="STOCK_OPTION", phantom=r"^0_0_", one_per_process=True,
        conflicts=("SOPT",), locale=True, defects=(_SILENT, _PHANTOM),
        sources=(_PAGE_001, _SEEN, _BUILT),
    ),
    Counter(
        "SEC", "飞创期权", "001",
        (
            Field("账号", required=True),
            Field("行情密码", secret=True, required=True, aliases=("密码",)),
            Field("交易密码", secret=True, required=True, aliases=("密码",)),
            Field("行情地址"),
            Field("交易地址", required=True),
            Field("行情协议", "TCP", ("TCP", "UDP")),
            Field("授权码", secret=True, aliases=("授权编码",)),
            Field("产品号", aliases=("产品名称",)),
            Field("采集类型", "顶点", ("顶点", "恒生", "金证", "金仕达")),
            Field("行情压缩", "N", ("N", "Y")),
        ),
        ("ETF期权", "A股"), _STOCK,
        package="vnpy_sec==1.0.2", module="vnpy_sec", class_name="SecGateway", default_name="SEC",
        runs=(Runs("Windows", ("3.10",), "wheel", "只有 1.0.2；1.0.3 里是 Python 3.7 的二进制"),),
        account_type="STOCK_OPTION", positions="mixed", offset="none",
        order_types=("LIMIT", "MARKET"), loaded="期权交易合约信息获取完成",
        sees_earlier=False, one_per_process=True,
        defects=(
            Defect(
                "股票的持仓推送里写错了 Direction.NEt，一推就抛异常",
                "异常不会弄死分发线程；股票的持仓查不到，以券商客户端为准",
            ),
            Defect("私有流从当时开始，以前的委托看不到", "今日委托只有这次登录之后的"),
        ),
        sources=(_PAGE_001, _SEEN, "Windows 的 wheel 打开看过，没有跑"),
    ),
    Counter(
        "UFT", "恒生UFT", "001",
        (
            *_accounts("用户名", "账号"),
            Field("行情服务器"), Field("交易服务器", required=True), *_AUTH,
        ),
        ("期货", "ETF期权"), (*_CHINA_FUTURES, *_STOCK),
        dropped=(
            Field("服务器类型", "期货", ("期货", "ETF期权")), Field("委托类型", "q"),
        ),
        package="vnpy_uft", module="vnpy_uft", class_name="UftGateway", default_name="UFT",
        runs=(*_windows_310_313("3.7.4.1004.1"), _built(f"{_ABSOLUTE}；{_NO_ORIGIN}")),
        order_types=("LIMIT", "MARKET", "FAK", "FOK"), phantom=r"^0_", one_per_process=True,
        locale=True,
        defects=(
            Defect(
                "登录与请求都不写「登录失败」以外的原因", "期限到了附最后几行日志",
            ),
        ),
        sources=(
            _PAGE_001, _SEEN, _BUILT,
            "文档里的「服务器类型」「委托类型」现在的包没有：写了也收下，不用",
        ),
    ),
    Counter(
        "ESUNNY", "易盛", "001",
        (
            Field("行情账号"),
            Field("行情密码", secret=True),
            Field("行情服务器"),
            Field("行情端口", 0),
            Field("行情授权编码", secret=True, aliases=("行情授权码",)),
            Field("交易账号", required=True),
            Field("交易密码", secret=True, required=True),
            Field("交易服务器", required=True),
            Field("交易端口", 0),
            Field("交易产品名称"),
            Field("交易授权编码", secret=True, aliases=("交易授权码",)),
        ),
        ("期货", "黄金TD"), ("CFFEX", "CZCE", "DCE", "SHFE", "INE", "SGE"),
        dropped=(Field("交易系统", "内盘", ("内盘",)),),
        package="vnpy_esunny", module="vnpy_esunny", class_name="EsunnyGateway",
        default_name="ESUNNY",
        runs=_windows_310_313(), offset="none", order_types=("LIMIT", "MARKET", "FAK"),
        loaded="查询交易合约信息成功", one_per_process=True,
        install_note="文档说支持 Ubuntu；PyPI 的包在 Linux 上编出来是空的，没有二进制",
        sources=(
            _PAGE_001, _SEEN, _BUILT, "文档里的「交易系统」现在的包没有：只收内盘，外盘用 TAP",
        ),
    ),
    Counter(
        "HSOPTION", "恒生期权", "001",
        (
            Field("交易用户名", required=True),
            Field("交易密码", secret=True, required=True),
            Field("行情用户名"),
            Field("行情密码", secret=True),
            Field("行情经纪商代码"),
            Field("行情服务器"),
        ),
        ("ETF期权",), _STOCK,
        class_name="HsoptionGateway", default_name="HSOPTION", account_type="STOCK_OPTION",
        unavailable=(
            "PyPI 上没有它的包，VeighNa 在 2021-12-09 去掉了源码，恒生的 SDK 也不公开。"
            "中信的 ETF 期权问营业部要 UFT 或 CTP 期权的柜台，再用 use(\"UFT\")、use(\"SOPT\")"
        ),
        sources=(_PAGE_001, _REMOVED),
    ),
    Counter(
        "XTP", "中泰XTP", "001",
        (
            *_accounts("账号", "用户名"),
            Field("客户号", 1),
            Field("行情地址", aliases=("行情服务器",)),
            Field("行情端口", 0),
            Field("交易地址", required=True, aliases=("交易服务器",)),
            Field("交易端口", 0),
            Field("行情协议", "TCP", ("TCP", "UDP")),
            Field("日志级别", "FATAL", ("FATAL", "ERROR", "WARNING", "INFO", "DEBUG", "TRACE")),
            Field("授权码", secret=True, aliases=("授权编码",)),
        ),
        ("A股", "两融", "ETF期权"), _STOCK, ("中泰", "中泰柜台", "中泰证券"),
        package="vnpy_xtp", module="vnpy_xtp", class_name="XtpGateway", default_name="XTP",
        runs=(*_windows_310_313("2.2.32.2.2"), _built()),
        account_type="STOCK", positions="mixed", offset="credit",
        order_types=("LIMIT", "MARKET"), phantom=r"^0$", one_per_process=True, freezes=True,
        defects=(
            Defect(
                "连不上、连上了没有应答的前置，它的登录占着解释器不放，整个进程停住",
                "登录之前先试着连一下地址与端口，连不上的不登录；连得上而不应答的没有办法，"
                "timeout 也不管用：放在自己的进程里跑",
            ),
            Defect(
                "两融的标志随第一次资金推送来，之前的委托会当作普通委托报出去",
                "没有收到资金的不算就绪，不发",
            ),
            Defect(
                "没有登录时 insertOrder 的 0 没有人看，编号成了 XTP.0", "编号是 0 的当作没有发出"
            ),
            _ONE_REDIAL,
            Defect("行情与交易分开报登录失败", "看交易那一边；行情没登录上只记日志"),
        ),
        sources=(_PAGE_001, _SEEN, _BUILT),
    ),
    Counter(
        "GTJA", "国泰君安", "001",
        (
            Field("交易用户名", required=True),
            Field("交易密码", secret=True, required=True),
            Field("交易服务器", required=True),
            Field("交易端口", ""),
            Field("机构代号"),
            Field("营业部代号"),
            Field("网关"),
            Field("行情用户名"),
            Field("行情密码", secret=True),
            Field("行情服务器"),
            Field("行情端口", ""),
        ),
        ("A股",), _STOCK, ("HFT", "国君"),
        package="vnpy_hft", module="vnpy_hft", class_name="HftGateway", default_name="HFT",
        runs=(Runs("Windows", ("3.10",), "wheel"),),
        account_type="STOCK", positions="net", offset="none", order_types=("LIMIT", "MARKET"),
        loaded="", one_per_process=True, redials=False,
        defects=(Defect("包名是 vnpy_hft，接口名是 HFT", "按 GTJA、国泰君安、HFT 都找得到"),),
        install_note="Linux 上编出来是空的，没有二进制",
        sources=(_PAGE_001, _SEEN, _BUILT, "GTJA 就是 vnpy_hft：字段逐个相同"),
    ),
    Counter(
        "TORASTOCK", "华鑫奇点股票", "001", _TORA, ("A股",), ("SSE", "SZSE", "SEHK", "BSE"),
        ("华鑫", "华鑫奇点", "华鑫股票", "奇点股票"),
        package="vnpy_tora", module="vnpy_tora", class_name="ToraStockGateway",
        default_name="TORASTOCK",
        runs=(
            Runs("Windows", ("3.10", "3.13"), "wheel", "3.13 的 wheel 停在 2026.5.14"),
            _built(_ABSOLUTE),
        ),
        account_type="STOCK", positions="net", offset="none", order_types=("LIMIT", "MARKET"),
        one_per_process=True, locale=True, cash_note="balance",
        defects=(
            _SILENT,
            Defect("没有登录时 send_order 抛 KeyError", "没有就绪的不发"),
            Defect("不认识的委托编号，撤单从 C++ 里抛 RuntimeError", "只撤看得到的委托"),
            Defect(
                "balance 就是可用资金，available 又减了一遍冻结",
                "可用取 balance；总资产按可用加冻结加市值算",
            ),
        ),
        install_note="Windows 上还要 pip install wmi",
        sources=(_PAGE_001, _SEEN, _BUILT),
    ),
    Counter(
        "TORAOPTION", "华鑫奇点期权", "001", _TORA, ("ETF期权",), _STOCK,
        ("华鑫期权", "奇点期权"),
        package="vnpy_tora", module="vnpy_tora", class_name="ToraOptionGateway",
        default_name="TORAOPTION",
        runs=(
            Runs("Windows", ("3.10", "3.13"), "wheel", "3.13 的 wheel 停在 2026.5.14"),
            _built(_ABSOLUTE),
        ),
        account_type="STOCK_OPTION", order_types=("LIMIT", "FAK", "FOK"), one_per_process=True,
        locale=True, cash_note="balance",
        defects=(
            _SILENT,
            Defect("balance 就是可用资金，available 又减了一遍冻结", "可用取 balance"),
        ),
        install_note="Windows 上还要 pip install wmi",
        sources=(_PAGE_001, _SEEN, _BUILT),
    ),
    Counter(
        "COMSTAR-XBOND", "中亿汇达Comstar XBond", "001", _COMSTAR[:4], ("银行间市场",), ("XBOND",),
        ("COMSTAR", "XBOND"),
        package="vnpy_comstar==1.0.2", module="vnpy_comstar", class_name="ComstarGateway",
        default_name="COMSTAR",
        runs=(Runs("Windows", ("3.7",), "wheel", "里面是 Python 3.7 的二进制（python37.dll）"),),
        account_type="INTERBANK", positions="net", offset="none", order_types=("LIMIT", "FAK"),
        install_note="只有机构能开；二进制只认 Python 3.7，本库与 VeighNa 4 要 3.10 以上，接不上",
        sources=(_PAGE_001, _SEEN, "wheel 打开看过，没有跑"),
    ),
    Counter(
        "COMSTAR-QUOTE", "中亿汇达Comstar 双边", "001", _COMSTAR, ("银行间市场",), ("CFETS",),
        ("Comstar双边", "双边报价"),
        package="vnpy_comstar==1.0.2", module="vnpy_comstar", class_name="ComstarGateway",
        default_name="COMSTAR",
        runs=(Runs("Windows", ("3.7",), "wheel", "里面是 Python 3.7 的二进制（python37.dll）"),),
        account_type="INTERBANK", positions="net", offset="none", order_types=("FAK",),
        install_note="只有机构能开；二进制只认 Python 3.7，本库与 VeighNa 4 要 3.10 以上，接不上",
        sources=(_PAGE_001, _SEEN, "wheel 打开看过，没有跑"),
    ),
    Counter(
        "FUTU", "富途证券", "001",
        (*_FUTU[:3], Field("市场", "HK", ("HK", "US", "HK_FUTURE")), _FUTU[4]),
        ("港股", "美股"), ("SMART", "SEHK", "HKFE"), ("富途", "富途牛牛", "moomoo"),
        module="vnpy_futu", class_name="FutuGateway", default_name="FUTU",
        extra=("futu-api",), own="futu", runs=_EVERYWHERE,
        account_type="OVERSEAS", positions="net", offset="none", order_types=("LIMIT",),
        ready="account+contract", redials=False,
        defects=(
            Defect(
                "vnpy_futu 下限价单带着 ±5 % 的价格修正，富途可以改价；市价单发出去是限价",
                "use(\"futu\") 直接用 futu-api，不改价",
            ),
        ),
        install_note="vnpy_futu 不在 PyPI（github.com/vnpy/vnpy_futu），不必装：use(\"futu\")",
        sources=(_PAGE_001, "github.com/vnpy/vnpy_futu 6.3.2808.0（2022）", _BUILT),
    ),
    Counter(
        "IB", "盈透证券", "001", _IB, ("海外全品种",),
        ("SMART", "NYSE", "NASDAQ", "SEHK", "HKFE", "CME", "CBOT", "NYMEX", "COMEX", "IDEALPRO"),
        ("盈透", "IBKR", "interactive brokers"),
        package="vnpy_ib", module="vnpy_ib", class_name="IbGateway", default_name="IB",
        needs=("ibapi",), extra=("ibapi-stable", "protobuf==5.29.5"), own="ib", runs=_EVERYWHERE,
        account_type="OVERSEAS", positions="net", offset="none",
        order_types=("LIMIT", "MARKET", "STOP"), ready="account", loaded="",
        ids_last=False, sees_earlier=False, history=True,
        defects=(
            Defect(
                "不查未成交的委托与成交：重启之后以前的看不到",
                "use(\"ib\") 直接用 ib_async，都查得到",
            ),
            Defect("资金是「账号.币种」一行一个", "use(\"ib\") 一个账号，币种写在行里"),
            Defect("PyPI 的 ibapi 9.81 太旧，导入失败", "要走 VeighNa 的装 ibapi-stable"),
            Defect("每 10 秒在分发线程里重连，连不上就卡住", "由本库重连"),
        ),
        sources=(_PAGE_001, _SEEN, _BUILT),
    ),
    Counter(
        "TAP", "易盛9.0外盘", "001",
        (
            Field("行情账号"),
            Field("行情密码", secret=True),
            Field("行情服务器"),
            Field("行情端口", 0),
            Field("行情授权码", secret=True, aliases=("授权码",)),
            Field("交易账号", required=True),
            Field("交易密码", secret=True, required=True),
            Field("交易服务器", required=True),
            Field("交易端口", 0),
            Field("交易授权码", secret=True, aliases=("授权码",)),
            Field("子账号"),
            Field("区域代码", "CN"),
        ),
        ("外盘期货",),
        (
            "SGX", "INE", "APEX", "NYMEX", "LME", "COMEX", "CBOT", "HKFE", "CME", "TOCOM", "KRX",
            "ICE",
        ),
        ("易盛外盘",),
        package="vnpy_tap", module="vnpy_tap", class_name="TapGateway", default_name="TAP",
        runs=(*_windows_310_313("9.4.7"), _built(f"少 libesssl.so.1.1；{_NO_ORIGIN}")),
        account_type="OUTTER_FUTURE", positions="net", offset="none",
        order_types=("LIMIT", "MARKET"), loaded="查询交易合约信息成功", one_per_process=True,
        locale=True,
        sources=(_PAGE_001, _SEEN, _BUILT),
    ),
    Counter(
        "DA", "直达期货", "001",
        (
            *_accounts("用户名", "账号"),
            Field("交易服务器", required=True),
            Field("行情服务器"),
            Field("授权码", secret=True, aliases=("授权编码",)),
            Field("行情源识别号"),
        ),
        ("外盘期货",), ("CME", "CBOT", "LME", "SGX", "HKFE", "APEX"), ("直达",),
        package="vnpy_da", module="vnpy_da", class_name="DaGateway", default_name="DA",
        needs=("pyda",), account_type="OUTTER_FUTURE", order_types=("LIMIT", "MARKET"),
        loaded=r"页合约信息查询成功", one_per_process=True,
        unavailable=(
            "要直达的 SDK（pyda），只在直达的网站上给客户；PyPI 上同名的 pyda 是 2014 年的"
            "另一个包，不要装。把直达给的 whl 与 vnpy_da 都装进来之后，use(\"DA\") 就能用"
        ),
        sources=(_PAGE_001, _SEEN),
    ),
    Counter(
        "MT5", "MetaTrader 5", "001",
        (
            Field("Server Host", "localhost", aliases=("通讯地址", "地址")),
            Field("REQ Port", "6888", aliases=("请求端口",)),
            Field("SUB Port", "8666", aliases=("订阅端口",)),
        ),
        ("外盘期货",), ("OTC",), ("MetaTrader5", "MetaTrader"),
        package="vnpy_mt5", module="vnpy_mt5", class_name="Mt5Gateway", default_name="MT5",
        needs=("vnpy_evo",), extra=("vnpy_evo", "pyzmq", "websocket-client"), own="mt5",
        runs=_EVERYWHERE,
        account_type="CFD", positions="net", offset="none", order_types=("LIMIT", "MARKET", "STOP"),
        ready="account", loaded="Available contracts data is received", fatal=_OWN_FATAL,
        redials=False, history=True,
        defects=(
            Defect(
                "2024.3.12 的接收线程遇到第一个委托事件就死（ZoneInfo 没有 localize）",
                "use(\"mt5\") 自己说桥的协议，不用这个包",
            ),
            Defect("端口没有人听时 connect() 永远不返回", "use(\"mt5\") 有期限"),
            Defect("pip install vnpy_evo 会把 vnpy 降到 3.9.4", "要装的加 --no-deps"),
        ),
        sources=(_PAGE_001, _SEEN, "对着假的 EA 跑过，2026-11-21"),
    ),
    Counter(
        "ROHON", "融航", "001", _CTP, ("期货资管",), _CHINA_FUTURES,
        package="vnpy_rohon", module="vnpy_rohon", class_name="RohonGateway", default_name="ROHON",
        runs=(*_windows_310_313("6.5.1.10"), _built(f"找不到 librohonbase.so：{_NO_ORIGIN}")),
        phantom=r"^0_0_", one_per_process=True, conflicts=("CTP", "CTPTEST", "FCS-CTP"),
        locale=True,
        defects=(_SILENT, _PHANTOM),
        install_note="经纪商代码可以有字母；穿透式认证里属于「中继」",
        sources=(_PAGE_001, _SEEN, _BUILT),
    ),
    Counter(
        "TTS", "TTS", "001", _CTP, ("期货", "期货期权"),
        (*_CHINA_FUTURES, "SSE", "SZSE", "NASDAQ", "NYSE", "SEHK"), ("OpenCTP",),
        package="vnpy_tts", module="vnpy_tts", class_name="TtsGateway", default_name="TTS",
        runs=(*_windows_310_313("6.7.2.0"), _built(_ABSOLUTE)),
        phantom=r"^0_0_", one_per_process=True, locale=True,
        defects=(_SILENT, _PHANTOM, Defect("股票也要写开平", "买写开、卖写平")),
        sources=(_PAGE_001, _SEEN, _BUILT),
    ),
    Counter(
        "SGIT", "飞鼠", "001",
        (*_accounts("用户名", "账号"), *_FRONTS, *_AUTH),
        ("黄金TD",),
        ("SGE", "CFFEX", "CZCE", "DCE", "INE", "SHFE", "CME", "HKFE", "LME", "SMART"),
        package="vnpy_sgit", module="vnpy_sgit", class_name="SgitGateway", default_name="SGIT",
        runs=(Runs("Linux", ("3.10",), "build", "推断：自带的 pybind11 在 3.11 以上编译不了"),),
        order_types=("LIMIT", "MARKET", "FAK", "FOK"), one_per_process=True,
        install_note="PyPI 的 wheel 里没有编译好的模块，要从源码装",
        sources=(_PAGE_001, _SEEN, "3.11 上编译失败，2026-11-21；3.10 是推断"),
    ),
    Counter(
        "KSGOLD", "金仕达黄金", "001",
        (
            *_accounts("用户名", "账号"),
            *_FRONTS,
            Field("账号类型", "银行账号", ("银行账号", "黄金账号")),
        ),
        ("黄金TD",), ("SGE",), ("金仕达",),
        package="vnpy_ksgold", module="vnpy_ksgold", class_name="KsgoldGateway",
        default_name="KSGOLD",
        runs=(Runs("Linux", ("3.10",), "build", "推断：自带的 pybind11 在 3.11 以上编译不了"),),
        order_types=("LIMIT",), one_per_process=True,
        install_note="PyPI 的 wheel 里没有编译好的模块，要从源码装",
        sources=(_PAGE_001, _SEEN, "3.11 上编译失败，2026-11-21；3.10 是推断"),
    ),
    # ---- 文档 000：VeighNa 2.0 的一个分支（2019）
    Counter(
        "FCS-CTP", "CTP", "000", _CTP_NOW, ("期货",), _CHINA_FUTURES,
        package="vnpy_ctp", module="vnpy_ctp", class_name="CtpGateway", default_name="CTP",
        runs=(*_windows_310_313("6.7.11.3"), _built()),
        phantom=r"^0_0_", one_per_process=True, conflicts=("CTPTEST", "ROHON"), locale=True,
        defects=(_SILENT, _PHANTOM, _SILENT_PASSWORD),
        install_note="就是 CTP：2019 年的分支不在 PyPI，用现在的 vnpy_ctp",
        sources=(_PAGE_000, _SEEN, _BUILT),
    ),
    Counter(
        "OES", "OES", "000",
        (
            Field("td_ord_server", required=True),
            Field("td_rpt_server"),
            Field("td_qry_server"),
            Field("md_tcp_server"),
            Field("md_qry_server"),
            Field("username", required=True),
            Field("password", secret=True, required=True),
            Field("hdd_serial"),
            Field("customize_ip"),
            Field("customize_mac"),
        ),
        ("A股", "ETF期权"), _STOCK, ("宽睿", "宽睿OES"),
        class_name="OesGateway", default_name="OES", account_type="STOCK", positions="mixed",
        offset="none",
        unavailable=(
            "PyPI 上没有它的包，VeighNa 在 2021-10-26 去掉了源码，宽睿的 SDK 由券商给。"
            "A 股可以用 use(\"miniqmt\")、use(\"XTP\")、use(\"TORASTOCK\")"
        ),
        sources=(_PAGE_000, _REMOVED),
    ),
    Counter(
        "FCS-IB", "IB", "000", _IB, ("外盘股票", "期货", "期权"),
        ("SMART", "NYSE", "NASDAQ", "SEHK", "HKFE", "CME", "CBOT", "NYMEX", "COMEX", "IDEALPRO"),
        package="vnpy_ib", module="vnpy_ib", class_name="IbGateway", default_name="IB",
        needs=("ibapi",), extra=("ibapi-stable", "protobuf==5.29.5"), own="ib", runs=_EVERYWHERE,
        account_type="OVERSEAS", positions="net", offset="none",
        order_types=("LIMIT", "MARKET", "STOP"), ready="account", loaded="", ids_last=False,
        sees_earlier=False, history=True,
        install_note="就是 IB",
        sources=(_PAGE_000, _SEEN, _BUILT),
    ),
    Counter(
        "FCS-FUTU", "FUTU", "000", _FUTU, ("国内股票", "港股", "美股"), ("SMART", "SEHK", "HKFE"),
        module="vnpy_futu", class_name="FutuGateway", default_name="FUTU", extra=("futu-api",),
        own="futu", runs=_EVERYWHERE, account_type="OVERSEAS", positions="net", offset="none",
        order_types=("LIMIT",), redials=False,
        install_note="就是 FUTU",
        sources=(_PAGE_000, "github.com/vnpy/vnpy_futu 6.3.2808.0（2022）"),
    ),
    Counter(
        "TIGER", "TIGER", "000",
        (
            Field("tiger_id", required=True),
            Field("account", required=True),
            Field("服务器", "标准", ("标准", "环球", "仿真")),
            Field("private_key", secret=True, required=True),
        ),
        ("国内股票", "港股", "美股"), ("SEHK", "SMART", "SSE", "SZSE"),
        ("老虎", "老虎证券", "tigeropen"),
        own="tiger", class_name="TigerGateway", default_name="TIGER", runs=_EVERYWHERE,
        account_type="OVERSEAS", positions="net", offset="none",
        order_types=("LIMIT", "MARKET"),
        install_note="VeighNa 在 2021-09-14 去掉了它；use(\"tiger\") 用官方的 tigeropen",
        sources=(_PAGE_000, _REMOVED),
    ),
    Counter(
        "BITMEX", "BITMEX", "000",
        (
            Field("ID", required=True, aliases=("用户ID", "用户id", "API Key")),
            Field("Secret", secret=True, required=True, aliases=("密码", "Secret Key")),
            Field("会话数", 3),
            Field("服务器", "REAL", ("REAL", "TESTNET")),
            *_OLD_CRYPTO[1:],
        ),
        ("数字货币",), ("GLOBAL",), ("bitmex.com",),
        class_name="BitmexGateway", default_name="BITMEX", account_type="CRYPTO", positions="net",
        offset="none",
        closed=(
            "BitMEX 已经在 2026-09-23 停止服务，ccxt 从 4.5.84 起去掉了它。"
            "别的交易所：use(\"okx\")、use(\"htx\")、use(\"ccxt\", exchange=…)"
        ),
        sources=(
            _PAGE_000,
            "nautilus_trader#4552、ccxt#29914、gocryptotrader#2295（转述公告，公告没有打开过）",
        ),
    ),
    Counter(
        "OKEX", "OKEX", "000",
        (
            Field("API Key", required=True, aliases=("API秘钥", "API密钥", "apiKey")),
            Field("Secret Key", secret=True, required=True, aliases=("密码秘钥", "secret")),
            Field("Passphrase", secret=True, required=True, aliases=("passphrase", "密码")),
            Field("Server", "REAL", ("REAL", "DEMO"), aliases=("服务器",)),
            Field("Proxy Host", aliases=("代理地址",)),
            Field("Proxy Port", 0, aliases=("代理端口",)),
            Field("Spread Trading", "False", ("False", "True")),
            Field("Margin Currency"),
        ),
        ("数字货币",), ("GLOBAL",), ("欧易", "OKX", "欧易OKX"), (Field("会话数", 3),),
        package="vnpy_okx", module="vnpy_okx", class_name="OkxGateway", default_name="OKX",
        extra=("vnpy_rest", "vnpy_websocket", "websocket-client"), own="okx", runs=_EVERYWHERE,
        account_type="CRYPTO", positions="net", offset="none",
        order_types=("LIMIT", "MARKET", "FAK", "FOK"), loaded="contract data received",
        fatal=_OWN_FATAL, history=True,
        defects=(
            Defect(
                "市价单（px 为空）、post_only、不认识的 instId，解析委托时抛异常",
                "use(\"okx\") 经 ccxt，没有这个问题",
            ),
            Defect("vnpy_okex（2021）导入失败：Exchange.OKEX 没有了", "不要装它"),
        ),
        sources=(_PAGE_000, _SEEN, _BUILT, "文档里的「会话数」现在的包没有：写了也收下，不用"),
    ),
    Counter(
        "HUOBI", "火币", "000",
        (
            Field("API Key", required=True, aliases=("API秘钥", "API密钥", "apiKey")),
            Field("Secret Key", secret=True, required=True, aliases=("密码秘钥", "secret")),
            *_OLD_CRYPTO,
        ),
        ("数字货币",), ("GLOBAL",), ("HTX", "火必", "HUOBI Global"),
        own="htx", class_name="HuobiGateway", default_name="HUOBI", runs=_EVERYWHERE,
        account_type="CRYPTO", positions="net", offset="none", order_types=("LIMIT", "MARKET"),
        install_note="vnpy_huobi（2021）导入失败：Exchange.HUOBI 没有了；use(\"htx\") 经 ccxt",
        sources=(_PAGE_000, "vnpy_huobi 装过，导入失败，2026-11-21"),
    ),
)  # fmt: skip
"""全部；名字各不相同，文档 001 的在前。"""
