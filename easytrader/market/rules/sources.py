"""出处：缩写 → 全称、施行日、能找到原文的地方。核对日 2026-11-21。"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

CHECKED_ON: Final = date(2026, 11, 21)
"""整张表最后一次与出处核对的日子；此后发布的规则不在里面。"""


class Source(NamedTuple):
    """一份出处。``official``：交易所、证监会、财政部或中国结算发布的文件。"""

    title: str
    since: date
    where: str = "交易所规则库"
    official: bool = True


SOURCES: Final[dict[str, Source]] = {
    "SSE26": Source(
        "上海证券交易所交易规则（2026 年修订），上证发〔2026〕41 号",
        date(2026, 7, 6),
        "sse.com.cn/lawandrules/sselawsrules2025/trade/universal/c/c_20260424_10816492.shtml",
    ),
    "SZSE26": Source(
        "深圳证券交易所交易规则（2026 年修订），深证上〔2026〕551 号",
        date(2026, 7, 6),
        "docs.static.szse.cn/www/lawrules/rule/allrules/bussiness/W020260424690713155663.pdf",
    ),
    "BSE26": Source(
        "北京证券交易所交易规则，北证公告〔2026〕17 号（3.7 盘后固定价格未启动）",
        date(2026, 7, 6),
        "bse.cn/jygl_list/200028217.html",
    ),
    "BSE34": Source(
        "北证公告〔2026〕34 号：风险警示股票的交易安排施行",
        date(2026, 8, 31),
        "bse.cn/jygl_list/200029142.html",
    ),
    "SSE23": Source(
        "上海证券交易所交易规则（2023 年修订），上证发〔2023〕32 号，2026-07-06 废止",
        date(2023, 4, 10),
    ),
    "SZSE23": Source(
        "深圳证券交易所交易规则（2023 年修订），深证上〔2023〕98 号，2026-07-06 废止",
        date(2023, 4, 10),
    ),
    "STAR19": Source("上海证券交易所科创板股票交易特别规定", date(2019, 7, 22)),
    "CHINEXT20": Source("深圳证券交易所创业板交易特别规定", date(2020, 8, 24)),
    "BSE21": Source("北京证券交易所交易规则（试行）", date(2021, 11, 15), "bse.cn 规则库"),
    "CB22": Source("沪深交易所可转换公司债券交易实施细则", date(2022, 8, 1)),
    "BOND22": Source("沪深交易所债券交易规则", date(2022, 5, 16)),
    "REPO17": Source(
        "沪深交易所：债券质押式回购按实际占款天数、一年 365 天计息", date(2017, 5, 22)
    ),
    "REIT21": Source("沪深交易所公开募集基础设施证券投资基金业务办法（试行）", date(2021, 1, 29)),
    "FUND20": Source(
        "沪深交易所：标的全部（或八成以上）为 20% 股票的基金，涨跌幅 20%，名单由交易所公布",
        date(2020, 8, 21),
    ),
    "DELIST20": Source("沪深交易所 2020 年退市制度：退市整理期首日不设涨跌幅", date(2020, 12, 31)),
    "LIMIT96": Source("涨跌幅限制的起点：证监会 1996 年通知", date(1996, 12, 16), "证监会"),
    "TZERO15": Source("沪深交易所：债券、货币、黄金与部分跨境 ETF 的当日回转", date(2015, 1, 19)),
    "IPO23": Source(
        "沪深首次公开发行股票网上发行实施细则（2023 年修订）",
        date(2023, 2, 17),
        "交易所规则库，没有对过",
    ),
    "CBISSUE": Source(
        "沪深可转换公司债券发行实施细则：2017-09-08 起信用申购",
        date(2017, 9, 8),
        "交易所规则库，没有对过",
    ),
    "TAX15": Source(
        "财政部 国家税务总局 证监会：上市公司股息红利差别化个人所得税政策，财税〔2015〕101 号",
        date(2015, 9, 8),
        "mof.gov.cn，没有对过",
    ),
    "STAMP23": Source("财政部 税务总局公告 2023 年第 39 号", date(2023, 8, 28), "mof.gov.cn"),
    "STAMP08": Source("财政部 税务总局：证券交易印花税改为单边", date(2008, 9, 19), "mof.gov.cn"),
    "CSDC22": Source("中国结算：股票交易过户费下调至 0.001%", date(2022, 4, 29), "chinaclear.cn"),
    "CSDC15": Source("中国结算：A 股过户费统一为 0.002%", date(2015, 8, 1), "chinaclear.cn"),
    "CSRC02": Source(
        "证监发〔2002〕21 号：佣金上限千分之三、最低 5 元", date(2002, 5, 1), "csrc.gov.cn"
    ),
    "MARGIN26": Source(
        "沪深北交易所：融资保证金最低比例由 80% 提高到 100%（新开合约）",
        date(2026, 1, 19),
        "交易所通知，见公开报道",
        official=False,
    ),
    "MARGIN23": Source(
        "沪深北交易所：融资保证金最低比例由 100% 降低到 80%（2023-09-08 收市后施行）",
        date(2023, 9, 11),
        "交易所通知，见公开报道",
        official=False,
    ),
    "RZRQ": Source(
        "沪深交易所融资融券交易实施细则（2015 年修订及以后的版本）",
        date(2015, 7, 1),
        "交易所规则库，没有对过",
    ),
    "RZRQ16": Source(
        "沪深交易所：调整融资融券可充抵保证金证券的折算率，静态市盈率 300 倍以上或为负的为 0",
        date(2016, 12, 12),
        "交易所通知，没有对过",
    ),
    "XTP": Source(
        "中泰 XTP 接口常见问题 3.1.47–3.1.56：数量、上限、市价、保护限价",
        date(2026, 11, 21),
        "中泰证券 XTP 文档",
        official=False,
    ),
    "OES": Source(
        "宽睿 OES 接口说明：保护限价、错误编号与文字",
        date(2026, 11, 21),
        "宽睿 OES 文档",
        official=False,
    ),
    "公开整理": Source(
        "公开的规则整理与运行记录（不是原文）",
        date(2026, 11, 21),
        "两个以上二手来源",
        official=False,
    ),
}
