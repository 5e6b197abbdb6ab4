// 页面：登录、选账号、几个视图。每个账号一条 WebSocket，看哪个连哪个。

import { Account, cancellable } from "./account.js";
import { Chart } from "./chart.js";
import { connect } from "./connect.js";
import { $, ask, h, say, show, write } from "./dom.js";
import { Fleet } from "./fleet.js";
import * as format from "./format.js";
import { Job, perform } from "./requests.js";
import { Table } from "./table.js";
import { Ticket } from "./ticket.js";
import { fetchJson, session } from "./wire.js";

const KEPT_ACCOUNT = "easytrader.account";
const TABS = [
  { id: "positions", name: "持仓" },
  { id: "orders", name: "委托" },
  { id: "trades", name: "成交" },
  { id: "accounts", name: "账号" },
];
const FLEET_TAB = { id: "fleet", name: "机队" };
const TRADE_TAB = { id: "ticket", name: "下单" };
const SCOPES = { read: "查看", trade: "买卖", funds: "资金" };
const NARROW = matchMedia("(max-width: 1020px)");

const page = { me: null, account: null, accounts: [], tab: "positions", busyRows: new Set(), onlyOpen: false };
const chart = new Chart($("curve"));
const ticket = new Ticket(null);
const fleet = new Fleet($("view-fleet"), { changed: () => drawTabs(), mayTrade: () => page.me?.scopes.includes("trade") ?? false, mayAll: () => ["trade", "funds"].every((each) => page.me?.scopes.includes(each)) });

// ---- 表

const { yuan, count, signed, trend, percent, time, wan } = format;
const named = (row) => row.security_name || page.account?.nameOf(row.stock_code) || row.stock_code;
const priced = (value) => format.price(value, Math.abs(Math.round(value * 100) - value * 100) > 1e-6 ? 0.001 : 0.01);
const sideOf = (row) => (row.order_type_name.includes("买") ? "up" : row.order_type_name.includes("卖") || row.order_type_name.includes("还款") ? "down" : "");
const cost = (row) => row.avg_price || row.open_price;
const profitOf = (row) => row.profit ?? (row.market_value && cost(row) ? row.market_value - cost(row) * row.volume : null);
const ratioOf = (row) => row.profit_ratio ?? (profitOf(row) !== null && cost(row) * row.volume ? profitOf(row) / (cost(row) * row.volume) : null);

const openOnly = h("label", { class: "check" }, h("input", { type: "checkbox", id: "open-only", onchange: (event) => { page.onlyOpen = event.target.checked; drawOrders(); } }), "只看可撤");
const connectButton = h("button", { id: "connect-open", type: "button", class: "small", hidden: true, onclick: addAccount }, "连接…");
const cancelAllButton = h("button", { id: "cancel-all", type: "button", class: "danger small", onclick: cancelAll }, "全部撤单");

const tables = {
  positions: new Table($("view-positions"), {
    id: "positions", title: "持仓", empty: "没有持仓", key: (row) => `${row.stock_code} ${row.direction}`,
    columns: [
      { id: "name", title: "名称", always: true, text: named },
      { id: "code", title: "代码", text: (row) => row.stock_code, kind: "dim" },
      { id: "profit", title: "盈亏", text: (row) => signed(profitOf(row)), num: true, kind: (row) => trend(profitOf(row)) },
      { id: "ratio", title: "盈亏比", text: (row) => percent(ratioOf(row)), num: true, kind: (row) => trend(ratioOf(row)) },
      { id: "volume", title: "持仓", text: (row) => count(row.volume), num: true },
      { id: "usable", title: "可用", text: (row) => count(row.can_use_volume), num: true },
      { id: "last", title: "现价", text: (row) => (row.volume ? priced(row.market_value / row.volume) : format.NONE), num: true },
      { id: "cost", title: "成本", text: (row) => (cost(row) ? cost(row).toFixed(3) : format.NONE), num: true },
      { id: "value", title: "市值", text: (row) => wan(row.market_value), num: true },
      { id: "frozen", title: "冻结", text: (row) => count(row.frozen_volume), num: true, off: true },
      { id: "road", title: "在途", text: (row) => count(row.on_road_volume), num: true, off: true },
      { id: "yesterday", title: "昨仓", text: (row) => count(row.yesterday_volume), num: true, off: true },
      { id: "buy", title: "买", always: true, action: (row) => ({ label: "买", title: `买入 ${named(row)}`, hidden: !page.account?.mayTrade, run: (each) => toTicket(each, "buy") }) },
      { id: "sell", title: "卖", always: true, action: (row) => ({ label: "卖", title: `卖出 ${named(row)}`, hidden: !page.account?.mayTrade, run: (each) => toTicket(each, "sell") }) },
    ],
  }),
  orders: new Table($("view-orders"), {
    id: "orders", title: "委托", empty: "今天没有委托", key: (row) => row.order_id, tools: [openOnly, cancelAllButton],
    columns: [
      { id: "name", title: "名称", always: true, text: named },
      { id: "time", title: "时间", text: (row) => time(row.order_time), num: true, kind: "dim" },
      { id: "code", title: "代码", text: (row) => row.stock_code, kind: "dim" },
      { id: "side", title: "方向", text: (row) => row.order_type_name, kind: sideOf },
      { id: "price", title: "委托价", text: (row) => (row.price ? priced(row.price) : row.price_type_name), num: true },
      { id: "volume", title: "数量", text: (row) => count(row.order_volume), num: true },
      { id: "traded", title: "已成", text: (row) => count(row.traded_volume), num: true },
      { id: "average", title: "成交价", text: (row) => (row.traded_volume ? priced(row.traded_price) : format.NONE), num: true, off: true },
      { id: "status", title: "状态", text: (row) => row.order_status_name, kind: (row) => `status s${row.order_status}` },
      { id: "told", title: "说明", text: (row) => row.status_msg, kind: "words" },
      { id: "remark", title: "备注", text: (row) => row.order_remark, kind: "words" },
      { id: "strategy", title: "策略", text: (row) => row.strategy_name, kind: "words", off: true },
      { id: "number", title: "编号", text: (row) => String(row.order_id), num: true, kind: "dim", off: true },
      { id: "sysid", title: "合同编号", text: (row) => row.order_sysid, kind: "dim", off: true },
      { id: "cancel", title: "撤单", always: true, action: (row) => ({ label: page.busyRows.has(row.order_id) ? "撤…" : "撤", title: `撤单 ${named(row)} ${row.order_id}`, hidden: !cancellable(row) || !page.account?.can("cancel_entrust"), disabled: page.busyRows.has(row.order_id) || !page.account?.usable, run: cancelOne }) },
    ],
  }),
  trades: new Table($("view-trades"), {
    id: "trades", title: "成交", empty: "今天没有成交", key: (row) => `${row.stock_code} ${row.traded_id} ${row.order_id}`,
    columns: [
      { id: "name", title: "名称", always: true, text: named },
      { id: "time", title: "时间", text: (row) => time(row.traded_time), num: true, kind: "dim" },
      { id: "code", title: "代码", text: (row) => row.stock_code, kind: "dim" },
      { id: "side", title: "方向", text: (row) => row.order_type_name, kind: sideOf },
      { id: "price", title: "成交价", text: (row) => priced(row.traded_price), num: true },
      { id: "volume", title: "数量", text: (row) => count(row.traded_volume), num: true },
      { id: "amount", title: "金额", text: (row) => wan(row.traded_amount), num: true },
      { id: "order", title: "委托编号", text: (row) => String(row.order_id), num: true, kind: "dim", off: true },
      { id: "number", title: "成交编号", text: (row) => row.traded_id, kind: "dim", off: true },
      { id: "remark", title: "备注", text: (row) => row.order_remark, kind: "words", off: true },
      { id: "strategy", title: "策略", text: (row) => row.strategy_name, kind: "words", off: true },
    ],
  }),
  accounts: new Table($("view-accounts"), {
    id: "accounts", title: "账号", empty: "这个令牌看不到账号", key: (row) => row.name, tools: [connectButton],
    columns: [
      { id: "name", title: "名字", always: true, text: (row) => row.name },
      { id: "id", title: "资金账号", text: (row) => row.account_id, kind: "dim" },
      { id: "page", title: "网页连接", text: (row) => (row.name === page.account?.name ? pageState() : "没有打开"), kind: (row) => (row.name === page.account?.name ? (page.account.wire.fresh ? "ok" : "bad") : "dim") },
      { id: "counter", title: "柜台连接", text: (row) => row.state, kind: (row) => (row.state === "已连接" ? "ok" : "bad") },
      { id: "backend", title: "后端", text: (row) => row.backend ?? "", kind: "dim" },
      { id: "open", title: "打开", always: true, action: (row) => ({ label: "打开", title: `打开账号 ${row.name}`, hidden: row.name === page.account?.name, run: (each) => open(each.name) }) },
    ],
  }),
};

// ---- 登录

$("sign-in-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  show($("sign-in-error"), false);
  try {
    const told = await fetchJson("/session", { method: "POST", body: { token: $("token").value.trim() } });
    session.value = told.session;
    $("token").value = "";
    await enter();
  } catch (error) {
    write($("sign-in-error"), error.status === 401 ? "令牌不对，或已经收回、过期" : error.message);
    show($("sign-in-error"), true);
    $("token").focus();
  } finally {
    button.disabled = false;
  }
});

$("sign-out").addEventListener("click", async () => {
  await fetchJson("/session", { method: "DELETE" }).catch(() => {});
  leave("已退出");
});

async function enter() {
  page.me = await fetchJson("/session");
  page.accounts = await listAccounts();
  write($("who"), `令牌 ${page.me.name}：${page.me.scopes.map((each) => SCOPES[each] ?? each).join("、")}`);
  show($("sign-in"), false);
  show($("desk"), true);
  show(connectButton, page.me.connect);
  for (const each of ["only-fleet", "no-ticket"]) document.body.classList.toggle(each, page.me.fleet && !page.accounts.length);
  if (page.me.fleet) fleet.start();
  drawPicker();
  const kept = localStorage.getItem(KEPT_ACCOUNT);
  const first = page.accounts.find((each) => each.name === kept) ?? page.accounts[0];
  if (first) open(first.name);
  else {
    tables.accounts.update([]);
    drawTabs();
  }
}

function leave(why) {
  session.value = "";
  page.me = null;
  page.account?.close();
  page.account = null;
  fleet.stop();
  ticket.use(null);
  show($("desk"), false);
  show($("sign-in"), true);
  document.body.classList.remove("stale");
  if (why) say(why);
  $("token").focus();
}

const listAccounts = async () => {
  const told = await fetchJson("/v1/accounts");
  return told.result ?? told;
};

// ---- 账号

function drawPicker() {
  const picker = $("account");
  picker.replaceChildren(...page.accounts.map((each) => h("option", { value: each.name }, each.name === each.account_id ? each.name : `${each.name} ${each.account_id}`)));
  if (page.account) picker.value = page.account.name;
}

async function addAccount() {
  const name = await connect();
  if (name === null) return;
  page.accounts = await listAccounts();
  open(name);
  drawPicker();
  say(`已连接账号 ${name}`, "good");
}

$("account").addEventListener("change", (event) => open(event.target.value));

function open(name) {
  page.account?.close();
  localStorage.setItem(KEPT_ACCOUNT, name);
  page.busyRows.clear();
  page.account = new Account(name, {
    changed: (what) => later(what),
    filled: (row) => say(`成交 ${named(row)} ${row.order_type_name} ${count(row.traded_volume)} @ ${priced(row.traded_price)}`, sideOf(row)),
    failed: (event) => say(`${event.event_name}：${event.data.error_msg ?? ""}`, "bad"),
    refused: checkSession,
    signedOut: () => leave("会话到期，或令牌被收回，请重新登录"),
  });
  $("account").value = name;
  ticket.use(page.account);
  chart.set([]);
  loadCurve();
  draw();
}

async function loadCurve() {
  const account = page.account;
  try {
    const points = await fetchJson(`/session/curve/${encodeURIComponent(account.name)}`);
    if (account === page.account) chart.set(points);
  } catch {
    // 没有曲线，别的照看
  }
}

async function checkSession() {
  try {
    page.me = await fetchJson("/session");
  } catch (error) {
    if (error.status === 401) leave("会话到期，或令牌被收回，请重新登录");
  }
}

// ---- 画

let wanted = null;
function later(what) {
  if (what === "money" && page.account?.asset) chart.add(Math.floor(Date.now() / 1000), page.account.asset.total_asset);
  if (wanted) return;
  wanted = requestAnimationFrame(() => {
    wanted = null;
    draw();
  });
  if (document.visibilityState !== "visible") {
    cancelAnimationFrame(wanted);
    wanted = null;
    draw();
  }
}

function draw() {
  const { account } = page;
  if (!account) return;
  drawState();
  drawSums();
  tables.positions.update([...account.positions].sort((a, b) => b.market_value - a.market_value));
  drawOrders();
  tables.trades.update([...account.trades.values()].sort((a, b) => b.traded_time - a.traded_time || (a.traded_id < b.traded_id ? 1 : -1)));
  drawAccounts();
  drawTabs();
  ticket.refresh();
}

function drawOrders() {
  const rows = [...(page.account?.orders.values() ?? [])];
  const open = rows.filter(cancellable);
  rows.sort((a, b) => b.order_time - a.order_time || (a.order_id < b.order_id ? 1 : -1));
  tables.orders.update(page.onlyOpen ? rows.filter(cancellable) : rows);
  show(cancelAllButton, page.account?.can("cancel_all") ?? false);
  cancelAllButton.disabled = !open.length || !page.account.usable;
}

function drawAccounts() {
  const mine = page.accounts.find((each) => each.name === page.account.name);
  if (mine && page.account.wire.open) mine.state = page.account.counter;
  tables.accounts.update(page.accounts);
}

function pageState() {
  const { wire } = page.account;
  if (!wire.open) return "断开，正在重连";
  return wire.fresh ? "已连接" : "没有声音";
}

function chip(node, text, kind) {
  node.className = `chip ${kind}`;
  write(node.lastChild, text);
}

function drawState() {
  const { account } = page;
  const { wire } = account;
  const simulated = account.status?.simulated ?? account.hello?.backend?.simulated;
  show($("chip-kind"), account.hello !== null);
  write($("chip-kind"), simulated ? "模拟" : (account.hello?.backend?.name ?? ""));
  chip($("chip-page"), pageState(), wire.fresh ? "ok" : "bad");
  chip($("chip-counter"), account.counter, account.usable ? "ok" : account.counter === "连接中" ? "wait" : "bad");
  document.body.classList.toggle("stale", !account.usable);
  const trouble = !wire.fresh
    ? `与服务器的连接断了，下面是 ${wire.heardAt ? format.ago(wire.age / 1000) : "以前"}的样子；正在重连，不能下单`
    : account.counter !== "已连接" ? `服务器与柜台：${account.counter}。下面可能不是此刻的，不能下单` : account.trouble;
  show($("trouble"), Boolean(trouble) && account.hello !== null);
  write($("trouble-text"), trouble);
  write($("age"), wire.heardAt ? `更新于 ${format.ago(wire.age / 1000)}` : "还没有连上");
  const { stop } = account;
  show($("stopped"), Boolean(stop));
  if (stop) write($("stopped-why"), stopText(stop));
  show($("stop"), account.can("server.stop_orders") && !stop);
  $("stop").disabled = !wire.fresh;
  show($("allow"), account.can("server.allow_orders"));
  show($("ticket"), account.mayTrade && (!NARROW.matches || page.tab === "ticket"));
  document.body.classList.toggle("no-ticket", !account.mayTrade);
}

function stopText(stop) {
  if (typeof stop === "string") return stop;
  return [stop.reason, stop.who && `由 ${stop.who}`, stop.time && format.moment(stop.time)].filter(Boolean).join(" · ");
}

function drawSums() {
  const { asset, positions, loaded } = page.account;
  const profits = positions.map(profitOf).filter((each) => each !== null);
  const profit = profits.length ? profits.reduce((sum, each) => sum + each, 0) : null;
  const used = asset?.total_asset ? asset.market_value / asset.total_asset : null;
  const items = [
    ["总资产", yuan(asset?.total_asset), "big"],
    ["持仓盈亏", signed(profit), trend(profit)],
    ["可用", yuan(asset?.cash), ""],
    ["市值", yuan(asset?.market_value), ""],
    ["冻结", yuan(asset?.frozen_cash), ""],
    ["仓位", used === null ? format.NONE : `${(used * 100).toFixed(1)}%`, ""],
  ];
  const list = $("sums");
  while (list.children.length < items.length) list.append(h("div", {}, h("dt"), h("dd")));
  items.forEach(([label, text, kind], i) => {
    const [dt, dd] = list.children[i].children;
    list.children[i].className = kind === "big" ? "big" : "";
    write(dt, label);
    write(dd, loaded || asset ? text : "…");
    dd.className = kind === "big" ? "" : kind;
  });
}

// ---- 视图

function drawTabs() {
  const { account } = page;
  const open = [...(account?.orders.values() ?? [])].filter(cancellable).length;
  const counts = { positions: account?.positions.length, orders: open, trades: account?.trades.size, fleet: fleet.troubles };
  const narrow = NARROW.matches;
  const views = [...(account || !page.me?.fleet ? TABS : []), ...(page.me?.fleet ? [FLEET_TAB] : [])];
  const tabs = narrow && account?.mayTrade ? [...views, TRADE_TAB] : views;
  if (!tabs.some((each) => each.id === page.tab)) page.tab = tabs[0].id;
  fleet.watch(page.tab === "fleet");
  for (const [place, wantedHere] of [[$("tabs"), !narrow], [$("bottom"), narrow]]) {
    show(place, wantedHere);
    if (!wantedHere) continue;
    if ([...place.children].map((each) => each.dataset.tab).join() !== tabs.map((each) => each.id).join()) {
      place.replaceChildren(...tabs.map((tab) => h("button", { type: "button", role: "tab", id: `tab-${tab.id}-${place.id}`, "data-tab": tab.id, "aria-controls": tab.id === "ticket" ? "ticket" : `view-${tab.id}`, onclick: () => choose(tab.id) }, h("span", {}, tab.name), h("b"))));
    }
    for (const button of place.children) {
      const chosen = button.dataset.tab === page.tab;
      button.setAttribute("aria-selected", String(chosen));
      write(button.lastChild, counts[button.dataset.tab] || "");
    }
  }
  for (const tab of [...TABS, FLEET_TAB]) show($(`view-${tab.id}`), tab.id === page.tab);
  show($("summary"), account !== null && page.tab !== "fleet" && (!narrow || page.tab === "positions"));
}

function choose(tab) {
  page.tab = tab;
  draw();
  drawTabs(); // 一个账号也没有的时候，上面的不画
  if (NARROW.matches) window.scrollTo(0, 0);
}

$("tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const buttons = [...$("tabs").children];
  const next = buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length];
  next.focus();
  choose(next.dataset.tab);
});

function toTicket(row, side) {
  if (NARROW.matches) choose("ticket");
  ticket.fill(row.stock_code, side, side === "sell" ? row.can_use_volume : 0);
}

// ---- 撤单、停止

async function change(verb, kwargs, told) {
  const { account } = page;
  const job = new Job({ account: account.name, verb, told });
  return perform(account.wire, job, kwargs, () => {});
}

async function cancelOne(row) {
  page.busyRows.add(row.order_id);
  draw();
  const job = await change("cancel_entrust", { entrust_no: row.order_id }, "撤单");
  page.busyRows.delete(row.order_id);
  const what = `撤单 ${named(row)}`;
  if (job.state === "done") say(`${what}：已收下`, "good");
  else if (job.state === "unknown") say(`${what}：没有应答，看委托的状态，可以再撤一次`, "bad");
  else say(`${what}：没有成，${job.text}`, "bad");
  draw();
}

async function cancelAll() {
  const open = [...page.account.orders.values()].filter(cancellable);
  const answer = await ask({ title: "全部撤单", text: `撤掉账号 ${page.account.name} 当日 ${open.length} 笔可撤的委托。`, yes: `撤 ${open.length} 笔` });
  if (!answer) return;
  cancelAllButton.disabled = true;
  const job = await change("cancel_all", {}, "全部撤单");
  if (job.state === "done") {
    const failed = job.result.filter((each) => !each.success);
    say(failed.length ? `撤了 ${job.result.length - failed.length} 笔，${failed.length} 笔没有成：${failed[0].message}` : `${job.result.length} 笔撤单都收下了`, failed.length ? "bad" : "good");
  } else say(`全部撤单：${job.text}`, "bad");
  draw();
}

$("stop").addEventListener("click", async () => {
  const answer = await ask({ title: "停止下单", text: `账号 ${page.account.name} 从现在起不收新的委托，不管从哪里来；撤单照常，已经挂着的不动。`, yes: "停止下单", input: "" });
  if (answer) await turn("server.stop_orders", { reason: answer.text });
});

$("allow").addEventListener("click", async () => {
  const answer = await ask({ title: "恢复下单", text: `账号 ${page.account.name} 重新收委托。停的原因：${stopText(page.account.stop)}`, yes: "恢复下单" });
  if (answer) await turn("server.allow_orders", {});
});

async function turn(verb, kwargs) {
  const { account } = page;
  try {
    await account.wire.call(verb, kwargs);
    account.status = await account.wire.call("server.status");
    say(account.stop ? "已停止下单" : "已恢复下单", account.stop ? "bad" : "good");
  } catch (error) {
    say(error.message, "bad");
  }
  draw();
}

// ---- 钟

setInterval(async () => {
  if (!page.me || document.visibilityState !== "visible") return;
  await checkSession(); // 看着的时候不算没有用
  if (!page.me) return;
  page.accounts = await listAccounts().catch(() => page.accounts);
  if (page.account) draw();
}, 15_000);

NARROW.addEventListener("change", () => {
  if (!page.account) return;
  if (!NARROW.matches && page.tab === "ticket") page.tab = "positions";
  draw();
});

if (session.value) {
  enter().catch((error) => {
    if (error.status === 401) leave("");
    else {
      show($("sign-in"), true);
      write($("sign-in-error"), error.message);
      show($("sign-in-error"), true);
    }
  });
} else {
  show($("sign-in"), true);
  $("token").focus();
}
