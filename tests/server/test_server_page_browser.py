"""网页，在真的浏览器里：登录、看、下单、撤单、停单、断线。浏览器的控制台里一个错也不许有。"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from fleet_site import Site as FleetSite
from fleet_site import soon
from page_world import Site, launched, why_not
from support import ACCOUNT, eventually, hurry

from easytrader import sim
from easytrader.profiles import AccountSpec
from easytrader.server.config import ServerConfig
from easytrader.server.serve import Serving
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")

WITHIN_MS = 15_000
LOOK_MS = 50
WIDE = {"width": 1360, "height": 860}
NARROW = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as found:
        yield found


@pytest.fixture
def site(tmp_path: Path, user: SimTrader) -> Iterator[Site]:
    """一个模拟账号，名字「主账户」：600000 有 1000 股，000001 有 500 股。"""
    found = Site(tmp_path / "server", {"主账户": user})
    yield found
    found.close()


class Served(NamedTuple):
    """哪个网址，用哪个令牌。"""

    url: str
    trade: str


class Visitor:
    """一个看网页的人。

    Attributes:
        page: 浏览器里的页面。
        expected: 控制台里的错，许有的；断线的测试里连不上是应该的。
    """

    def __init__(self, browser: Any, site: Site | Served, viewport: dict[str, int]) -> None:
        self.site = site
        self.context = browser.new_context(viewport=viewport, locale="zh-CN")
        self.context.set_default_timeout(WITHIN_MS)
        self.page = self.context.new_page()
        self.expected = re.compile(r"^$")
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.context.route("**/*", self._route)
        self.page.goto(site.url)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning") and not self.expected.search(message.text):
            self.errors.append(message.text)

    def _route(self, route: Any) -> None:
        if route.request.url.startswith(self.site.url):
            route.continue_()
        else:
            self.foreign.append(route.request.url)
            route.abort()

    def sign_in(self, token: str = "") -> None:
        self.page.fill("#token", token or self.site.trade)
        self.page.click("#sign-in-form button")
        self.page.wait_for_selector("#chip-counter.ok")

    def tab(self, name: str) -> None:
        self.page.click(f"#tabs:not([hidden]) [data-tab={name}], #bottom [data-tab={name}]:visible")

    def ticket(
        self, code: str, amount: int, price: float | None = None, sell: bool = False
    ) -> None:
        """填一张单，等到先看过了。"""
        page = self.page
        page.fill("#code", code)
        page.wait_for_selector("#book .levels button")
        if price is not None:
            page.fill("#price", f"{price:.2f}")
        page.fill("#amount", str(amount))
        page.wait_for_selector("#preview dl, #preview .stops")

    def text(self, selector: str) -> str:
        return str(self.page.inner_text(selector))

    def says(self, selector: str, words: str) -> None:
        """等到那里有这几个字。"""
        shown = self.page.locator(selector)
        self._wait(lambda: words in shown.inner_text())

    def until(self, check: str) -> None:
        """等到页面里这一句为真（CSP 不许 playwright 自己的等法：它要 eval）。"""
        self._wait(lambda: self.page.evaluate(check))

    def _wait(self, check: Callable[[], object]) -> None:
        """隔一会儿看一次：问浏览器一次不便宜。"""

        def seen() -> bool:
            if check():
                return True
            self.page.wait_for_timeout(LOOK_MS)
            return False

        eventually(seen, WITHIN_MS / 1000)

    def close(self) -> None:
        self.context.close()
        assert self.errors == []
        assert self.foreign == []


@pytest.fixture
def visit(browser: Any, site: Site) -> Iterator[Callable[..., Visitor]]:
    opened: list[Visitor] = []

    def visit_(viewport: dict[str, int] = WIDE) -> Visitor:
        opened.append(Visitor(browser, site, viewport))
        return opened[-1]

    yield visit_
    for each in opened:
        each.close()


def _prices(user: SimTrader, code: str = "600000") -> tuple[float, float, float]:
    """(卖一, 跌停, 涨停)。"""
    quote = user.quote(code)[code]
    assert quote["limit_up"]
    assert quote["limit_down"]
    return quote["asks"][0][0], quote["limit_down"], quote["limit_up"]


# ---- 登录


def test_sign_in_and_see_the_account(visit: Callable[..., Visitor], user: SimTrader) -> None:
    visitor = visit()
    visitor.sign_in()
    total = user.balance[0]["total_asset"]
    visitor.says("#sums", f"{total:,.2f}"[:4])
    visitor.says("#view-positions", "600000.SH")
    rows = visitor.page.locator("#view-positions tbody tr")
    assert rows.count() == 2
    assert "1,000" in rows.first.inner_text() + rows.last.inner_text()
    assert "浦发银行" in visitor.text("#view-positions")
    assert "******0365" in visitor.page.inner_text("#account")
    assert visitor.text("#chip-kind") == "模拟"
    # 令牌没有留在页面里，也没有留在浏览器里
    kept = visitor.page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert visitor.site.trade not in kept + visitor.page.content()
    cookie = visitor.context.cookies()[0]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    visitor.page.reload()  # 刷新了还在里面
    visitor.page.wait_for_selector("#chip-counter.ok")
    visitor.page.click("#sign-out")
    visitor.page.wait_for_selector("#sign-in")
    visitor.page.reload()
    visitor.page.wait_for_selector("#sign-in")
    assert visitor.page.is_hidden("#desk")


def test_wrong_token_stays_outside(visit: Callable[..., Visitor], site: Site) -> None:
    visitor = visit()
    visitor.expected = re.compile("401")  # 浏览器自己在控制台里说的
    visitor.page.fill("#token", site.trade[:-1] + "x")
    visitor.page.click("#sign-in-form button")
    visitor.says("#sign-in-error", "令牌不对")
    assert visitor.page.is_hidden("#desk")
    assert visitor.context.cookies() == []
    visitor.sign_in()  # 错过之后，对的马上能进


def test_revoked_token_is_out_at_once(visit: Callable[..., Visitor], site: Site) -> None:
    visitor = visit()
    visitor.expected = re.compile("401|4401")
    visitor.sign_in()
    site.tokens.revoke("alice")
    visitor.page.wait_for_selector("#sign-in")
    assert visitor.page.is_hidden("#desk")


def test_read_token_sees_no_ticket(
    visit: Callable[..., Visitor], site: Site, user: SimTrader
) -> None:
    _, bottom, _ = _prices(user)
    user.buy("600000", bottom, 100)
    visitor = visit()
    visitor.sign_in(site.read)
    visitor.tab("orders")
    visitor.says("#view-orders", "已报")
    for hidden in ("#ticket", "#stop", "#cancel-all", "#view-orders .c-cancel .act"):
        assert visitor.page.is_hidden(hidden)
    visitor.tab("positions")
    assert visitor.page.locator("#view-positions .act:visible").count() == 0


# ---- 看


def test_a_fill_arrives_by_itself(visit: Callable[..., Visitor], user: SimTrader) -> None:
    visitor = visit()
    visitor.sign_in()
    visitor.tab("trades")
    visitor.says("#view-trades", "今天没有成交")
    ask, _, _ = _prices(user)
    user.buy("600000", ask, 100, remark="别处下的")
    visitor.says("#view-trades", "600000.SH")
    visitor.says("#live", "成交 浦发银行")
    visitor.tab("orders")
    visitor.says("#view-orders", "已成")
    visitor.tab("positions")
    visitor.says("#view-positions", "1,100")


def test_remark_is_text_not_code(visit: Callable[..., Visitor], user: SimTrader) -> None:
    _, bottom, _ = _prices(user)
    evil = "<img src=x onerror=alert(1)>"
    user.buy("600000", bottom, 100, remark=evil)
    visitor = visit()
    visitor.page.on("dialog", lambda dialog: visitor.errors.append(dialog.message))
    visitor.sign_in()
    visitor.tab("orders")
    visitor.says("#view-orders", evil)
    assert visitor.page.locator("#view-orders img").count() == 0
    # 真有人塞进了脚本，内容安全策略也不让它跑
    visitor.expected = re.compile("Content Security Policy|Trusted")
    visitor.page.evaluate(
        """() => { for (const write of [
            () => { const made = document.createElement('script');
                    made.textContent = 'window.pwned = 1'; document.body.append(made); },
            () => { document.body.innerHTML += '<img src=x onerror="window.pwned = 1">'; },
        ]) try { write(); } catch {} }"""
    )
    assert visitor.page.evaluate("window.pwned") is None


def test_nobody_may_frame_the_page(browser: Any, site: Site) -> None:
    page = browser.new_page()
    page.goto(f"data:text/html,<iframe src='{site.url}'></iframe>")
    eventually(lambda: len(page.frames) == 2)
    framed = page.frames[1]
    eventually(lambda: framed.url.startswith("chrome-error:"))
    assert framed.query_selector("#sign-in") is None
    page.close()


def test_columns_can_be_chosen_and_stay(visit: Callable[..., Visitor], user: SimTrader) -> None:
    _, bottom, _ = _prices(user)
    user.buy("600000", bottom, 100, strategy_name="网格")
    visitor = visit()
    visitor.sign_in()
    visitor.tab("orders")
    visitor.says("#view-orders", "已报")
    assert "网格" not in visitor.text("#view-orders")
    visitor.page.click("#view-orders summary")
    visitor.page.get_by_label("策略", exact=True).last.wait_for(state="attached")
    visitor.page.locator("#view-orders .menu label", has_text="策略").click()
    visitor.says("#view-orders", "网格")
    visitor.page.reload()
    visitor.page.wait_for_selector("#chip-counter.ok")
    visitor.tab("orders")
    visitor.says("#view-orders", "网格")


# ---- 下单


def test_place_and_cancel_one(visit: Callable[..., Visitor], user: SimTrader) -> None:
    _, bottom, _ = _prices(user)
    visitor = visit()
    visitor.sign_in()
    visitor.ticket("600000", 300, bottom)
    visitor.says("#preview", "没有问题")
    visitor.page.click("#send")
    visitor.says("#sent", "已收下")
    visitor.tab("orders")
    visitor.says("#view-orders", "已报")
    placed = user.today_entrusts
    assert [(each["security"], each["price"], each["order_volume"]) for each in placed] == [
        ("600000", bottom, 300)
    ]
    visitor.page.click("#view-orders .c-cancel .act")
    visitor.says("#view-orders", "已撤")
    assert user.today_entrusts[0]["order_status_name"] == "已撤"


def test_search_by_initials_and_keyboard(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.sign_in()
    visitor.page.locator("#code").press_sequentially("zsyh")
    visitor.says("#found", "招商银行")
    visitor.page.keyboard.press("ArrowDown")
    visitor.page.keyboard.press("Enter")
    assert visitor.page.input_value("#code") == "600036.SH"
    visitor.says("#code-told", "招商银行")
    visitor.page.wait_for_selector("#book .levels button")
    assert visitor.page.locator("#book .levels button").count() == 10
    visitor.until("document.querySelector('#price').value !== ''")


def test_preview_says_what_is_wrong_before_sending(
    visit: Callable[..., Visitor], user: SimTrader
) -> None:
    _, _, top = _prices(user)
    visitor = visit()
    visitor.sign_in()
    visitor.ticket("600000", 150, top)
    visitor.page.wait_for_selector("[data-rule=board]")
    visitor.page.wait_for_selector("[data-rule=cage]")
    visitor.says("#preview", "估算费用")
    assert "仍然买入" in visitor.text("#send")
    visitor.page.fill("#amount", "1000000")
    visitor.page.wait_for_selector("[data-rule=cash]")
    visitor.page.fill("#price", f"{top + 1:.2f}")
    visitor.page.wait_for_selector("[data-rule=price_limit]")
    assert user.today_entrusts == []  # 先看的时候什么都没有发出
    visitor.page.fill("#amount", "100")
    visitor.page.wait_for_selector("#send.doubtful:not([disabled])")
    visitor.page.click("#send")  # 人要下就下，柜台拒绝了也说
    visitor.page.wait_for_selector("#sent li.refused, #view-orders .s57", state="attached")
    user.guard = {"block": ["600000"]}
    visitor.page.fill("#amount", "200")
    visitor.page.wait_for_selector("[data-rule=block].stops")
    assert visitor.page.is_disabled("#send")


def test_double_click_is_one_order(visit: Callable[..., Visitor], user: SimTrader) -> None:
    _, bottom, _ = _prices(user)
    visitor = visit()
    visitor.sign_in()
    visitor.ticket("600000", 100, bottom)
    visitor.page.press("#amount", "Enter")  # 回车不下单
    visitor.page.wait_for_selector("#send:not([disabled])")
    assert user.today_entrusts == []
    visitor.page.evaluate("const b = document.querySelector('#send'); b.click(); b.click()")
    visitor.page.evaluate("document.querySelector('#ticket-form').requestSubmit()")
    visitor.says("#sent", "已收下")
    assert visitor.page.locator("#sent li").count() == 1
    assert len(user.today_entrusts) == 1


def test_sell_from_the_position(visit: Callable[..., Visitor], user: SimTrader) -> None:
    visitor = visit()
    visitor.sign_in()
    row = visitor.page.locator("#view-positions tr", has_text="600000.SH")
    row.locator(".c-sell .act").click()
    visitor.says("#send", "卖出 浦发银行 1,000")
    visitor.page.click("#send")
    visitor.says("#sent", "已收下")
    eventually(lambda: user.today_entrusts)
    assert user.today_entrusts[0]["order_type_name"] == "卖出"
    assert user.today_entrusts[0]["order_volume"] == 1000


def test_cancel_all_asks_first(visit: Callable[..., Visitor], user: SimTrader) -> None:
    _, bottom, _ = _prices(user)
    for _ in range(3):
        user.buy("600000", bottom, 100)
    visitor = visit()
    visitor.sign_in()
    visitor.tab("orders")
    visitor.says("#tabs [data-tab=orders]", "3")
    visitor.page.click("#cancel-all")
    visitor.page.click("#ask-no")
    visitor.page.wait_for_selector("#ask", state="hidden")
    assert visitor.page.evaluate("document.activeElement.id") == "cancel-all"
    visitor.page.click("#cancel-all")
    visitor.page.click("#ask-yes")
    visitor.until("document.querySelectorAll('#view-orders .s54').length === 3")
    assert {each["order_status_name"] for each in user.today_entrusts} == {"已撤"}


def test_stop_switch(visit: Callable[..., Visitor], site: Site, user: SimTrader) -> None:
    _, bottom, _ = _prices(user)
    user.buy("600000", bottom, 100)
    visitor = visit()
    visitor.sign_in()
    visitor.ticket("600000", 100, bottom)
    visitor.page.click("#stop")
    visitor.page.fill("#ask-input", "行情异常")
    visitor.page.click("#ask-yes")
    visitor.says("#stopped", "行情异常")
    visitor.says("#stopped", "alice")
    visitor.says("#send", "已停止下单")
    assert visitor.page.is_disabled("#send")
    assert site.stop_switch.reason("主账户")
    visitor.tab("orders")  # 撤单照常
    visitor.page.click("#view-orders .c-cancel .act")
    visitor.says("#view-orders", "已撤")
    visitor.page.click("#allow")
    visitor.page.click("#ask-yes")
    visitor.page.wait_for_selector("#stopped", state="hidden")
    assert site.stop_switch.reason("主账户") is None


# ---- 断线


def test_lost_and_back(visit: Callable[..., Visitor], site: Site, user: SimTrader) -> None:
    visitor = visit()
    visitor.expected = re.compile("WebSocket|Failed to load resource")
    visitor.sign_in()
    visitor.ticket("600000", 100)
    site.line.refuse(1000)
    site.line.cut(rst=True)
    visitor.page.wait_for_selector("body.stale")
    visitor.says("#chip-page", "正在重连")
    visitor.says("#trouble", "不能下单")
    assert visitor.page.is_disabled("#send")
    ask, _, _ = _prices(user)
    user.buy("600000", ask, 100)  # 断着的时候成交的
    site.line.calm()
    visitor.page.wait_for_selector("body:not(.stale)")
    visitor.tab("trades")
    visitor.says("#view-trades", "600000.SH")
    assert visitor.page.locator("#view-trades tbody tr").count() == 1


def test_an_order_cut_in_the_middle_is_settled(
    visit: Callable[..., Visitor], site: Site, user: SimTrader, sim_folder: Path
) -> None:
    _, bottom, _ = _prices(user)
    visitor = visit()
    visitor.expected = re.compile("WebSocket|Failed to load resource")
    visitor.sign_in()
    visitor.ticket("600000", 100, bottom)
    Faults(sim_folder).delay_answer("submit", 1.0)
    visitor.page.click("#send")
    visitor.says("#sent", "正在发出")
    eventually(lambda: user.today_entrusts)
    site.line.cut(rst=True)
    visitor.says("#sent", "正在问服务器")
    visitor.says("#sent", "已收下")
    assert len(user.today_entrusts) == 1


def test_unknown_outcome_blocks_until_settled(
    visit: Callable[..., Visitor], user: SimTrader, sim_folder: Path
) -> None:
    _, bottom, _ = _prices(user)
    visitor = visit()
    visitor.sign_in()
    visitor.ticket("600000", 100, bottom)
    hurry(user, 0.5)
    Faults(sim_folder).drop_answer("submit")
    Faults(sim_folder).delay_answer("orders", 1.0, times=2)  # 服务器自己也一时核对不清
    visitor.page.click("#send")
    visitor.says("#sent", "结果未知")
    visitor.page.fill("#amount", "100")
    visitor.says("#send", "先核对")
    assert visitor.page.is_disabled("#send")
    visitor.page.reload()  # 刷新了也还在
    visitor.page.wait_for_selector("#chip-counter.ok")
    visitor.says("#sent", "结果未知")
    hurry(user, 5)
    visitor.page.click("#sent button:has-text('核对')")
    visitor.says("#sent", "已收下")
    assert len(user.today_entrusts) == 1


def test_server_killed_and_started_again(
    visit: Callable[..., Visitor], site: Site, user: SimTrader
) -> None:
    visitor = visit()
    visitor.expected = re.compile("WebSocket|Failed to load resource|401")
    visitor.sign_in()
    site.stop()
    visitor.page.wait_for_selector("body.stale")
    site.start()
    visitor.page.wait_for_selector("#sign-in")  # 会话在内存里：重新登录
    visitor.sign_in()
    visitor.says("#view-positions", "600000.SH")


def test_counter_lost_is_not_the_page_lost(
    visit: Callable[..., Visitor], user: SimTrader, sim_folder: Path
) -> None:
    visitor = visit()
    visitor.sign_in()
    visitor.ticket("600000", 100)
    user.stop_reconnect()
    Faults(sim_folder).disconnect()
    visitor.page.wait_for_selector("#chip-counter.bad")
    assert "已连接" in visitor.text("#chip-page")
    assert visitor.page.is_disabled("#send")
    visitor.says("#trouble", "柜台")


# ---- 窄屏


def test_narrow_screen_never_scrolls_sideways(
    visit: Callable[..., Visitor], user: SimTrader
) -> None:
    ask, bottom, _ = _prices(user)
    user.buy("600000", bottom, 100, remark="很长很长的备注" * 2)
    user.buy("600000", ask, 100)
    visitor = visit(NARROW)
    visitor.sign_in()
    for tab in ("positions", "orders", "trades", "accounts", "ticket"):
        visitor.page.click(f"#bottom [data-tab={tab}]")
        width = visitor.page.evaluate("document.documentElement.scrollWidth")
        assert width <= NARROW["width"], tab
    visitor.ticket("600000", 100, bottom)
    visitor.page.click("#send")
    visitor.says("#sent", "已收下")
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    visitor.page.click("#bottom [data-tab=orders]")
    cancel = visitor.page.locator("#view-orders .c-cancel .act:visible").first
    box = cancel.bounding_box()
    assert box["height"] >= 44
    assert box["width"] >= 44
    assert box["x"] > NARROW["width"] / 2  # 大拇指够得到的一边
    cancel.click()
    visitor.says("#view-orders", "已撤")


def test_every_control_has_a_name(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.sign_in()
    nameless = visitor.page.evaluate(
        """[...document.querySelectorAll('button, input, select, summary, [role=tab]')]
        .filter((each) => each.checkVisibility() && !(each.innerText?.trim()
            || each.getAttribute('aria-label') || each.labels?.length))
        .map((each) => each.outerHTML)"""
    )
    assert nameless == []
    assert visitor.page.get_attribute("#live", "aria-live") == "polite"


# ---- 填表连接


def test_connect_form(browser: Any, tmp_path: Path, sim_folder: Path) -> None:
    second = tmp_path / "第二个"
    sim.create(second, [sim.AccountConfig("2000000888", cash=350_000)])
    connect = {"miniqmt_path": str(sim_folder), "stock_account": ACCOUNT}
    config = ServerConfig((AccountSpec("sim", "main", connect),), port=0, page_connect=True)
    with Serving(config) as serving:
        served = Served(f"{serving.url}/", serving.tokens.add("alice", ["trade"]))
        visitor = Visitor(browser, served, WIDE)
        visitor.expected = re.compile("422")
        visitor.sign_in()
        visitor.tab("accounts")
        visitor.page.click("#connect-open")
        visitor.page.select_option("#connect-broker", "sim")
        visitor.page.fill("#connect-miniqmt_path", "//server/share")
        visitor.page.click("#connect-yes")
        visitor.says("#connect-error", "网络路径")
        visitor.page.fill("#connect-miniqmt_path", str(second))
        visitor.page.fill("#connect-name", "二号")
        visitor.page.click("#connect-yes")
        visitor.page.wait_for_selector("#connect", state="hidden")
        visitor.page.wait_for_selector("#chip-counter.ok")
        visitor.says("#sums", "350,000.00")
        assert visitor.page.input_value("#account") == "二号"
        visitor.close()


def test_the_fleet_is_seen_stopped_and_allowed(browser: Any, tmp_path: Path) -> None:
    """只有机队、没有自己的账号的服务器。"""
    site = FleetSite(tmp_path)
    visitor = Visitor(browser, Served(site.server.url, site.all), WIDE)
    try:
        page = visitor.page
        page.fill("#token", site.all)
        page.click("#sign-in-form button")
        page.wait_for_selector("#view-fleet tbody tr >> nth=2")
        text = page.inner_text("#view-fleet")
        assert all(name in text for name in ("成长一号", "价值二号", "量化三号", "123.46 万"))
        assert page.inner_text("#tabs").startswith("机队")
        page.click("[aria-label='停单 成长一号']")
        page.fill("#ask-input", "看看")
        page.click("#ask-yes")
        page.wait_for_selector("#fleet-switches button")
        assert "账号 成长一号 停单 看看（令牌 boss）" in page.inner_text("#fleet-switches")
        page.click("#fleet-stop")
        page.click("#ask-yes")  # 没有写原因，不收
        assert page.is_visible("#ask")
        page.fill("#ask-input", "收工")
        page.click("#ask-yes")
        page.wait_for_selector("#fleet-stop", state="hidden")
        scopes = {each.scope for each in site.store.switches(soon())}
        assert scopes == {"fleet", "account:成长一号"}
        page.click("#fleet-switches p:has-text('全部账号') button")
        page.click("#ask-yes")
        page.wait_for_selector("#fleet-stop", state="visible")
        page.click("#sign-out")
        page.wait_for_selector("#token")
        assert visitor.errors == []
    finally:
        visitor.context.close()
        site.close()
