// 委托单：填、先看（server.preview，什么都不发出）、下单。一张单一个请求号，有了结果才换。

import { $, h, say, show, write } from "./dom.js";
import { count, NONE, percent, price as priceText, time, trend, yuan } from "./format.js";
import { Job, pending, perform, settle } from "./requests.js";
import { LostError } from "./wire.js";

const SIDES = [
  { verb: "buy", market: "market_buy", side: "buy", name: "买入" },
  { verb: "sell", market: "market_sell", side: "sell", name: "卖出" },
];
const CREDIT = [
  { verb: "credit.buy", side: "buy", name: "担保品买入" },
  { verb: "credit.sell", side: "sell", name: "担保品卖出" },
  { verb: "credit.fin_buy", side: "buy", name: "融资买入" },
  { verb: "credit.slo_sell", side: "sell", name: "融券卖出" },
  { verb: "credit.buy_secu_repay", side: "buy", name: "买券还券" },
  { verb: "credit.sell_secu_repay", side: "sell", name: "卖券还款" },
];
const CREDIT_ACCOUNT = 3;
const LOOK_MS = 250;
const QUOTE_MS = 3000;
const SENT = 8;

export class Ticket {
  constructor(account) {
    this.account = account;
    this.security = null;
    this.quote = null;
    this.told = null;
    this.busy = null;
    this.jobs = [];
    this._side = SIDES[0];
    this._asked = 0;
    this._bind();
  }

  /** 换了账号：从头来。 */
  use(account) {
    this.account = account;
    this.jobs = account ? pending.load(account.name) : [];
    this.busy = null;
    this._sidesOf = null;
    this.clear();
    this._drawSent();
  }

  clear() {
    this.security = null;
    this.quote = null;
    this.told = null;
    for (const id of ["code", "price", "amount"]) $(id).value = "";
    this._drawCode();
    this._drawPreview();
    this._drawBook();
  }

  /** 从持仓、委托来的：填好代码与方向。 */
  async fill(code, side, amount) {
    this._choose((this._sides ?? SIDES).find((each) => each.side === side) ?? this._side);
    $("code").value = code;
    if (amount) this._setAmount(amount);
    await this._resolve(code, true);
    $("amount").focus();
  }

  /** 连接、账号的状况变了。 */
  refresh() {
    const account = this.account;
    const credit = account?.asset?.account_type === CREDIT_ACCOUNT;
    const kind = account?.hello ? `${credit} ${account.hello.verbs.length}` : null;
    if (kind && this._sidesOf !== kind) {
      this._sidesOf = kind;
      this._drawSides((credit ? CREDIT : SIDES).filter((each) => account.can(each.verb)));
    }
    const blocked = this._blocked();
    $("ticket-fields").disabled = Boolean(blocked) && !account?.usable;
    this._drawSend(blocked);
  }

  // ---- 填

  _bind() {
    // 只认按钮：填到一半按了回车不该下单
    $("ticket-form").addEventListener("submit", (event) => event.preventDefault());
    $("send").addEventListener("click", () => this._send());
    $("code").addEventListener("input", () => this._search());
    $("code").addEventListener("keydown", (event) => this._keys(event));
    $("code").addEventListener("blur", () => setTimeout(() => this._closeFound(), 150));
    for (const id of ["price", "amount", "unit", "kind"]) {
      $(id).addEventListener(id === "kind" || id === "unit" ? "change" : "input", () => this._look());
    }
    $("kind").addEventListener("change", () => show($("price-field"), this._isLimit()));
    const step = (id, run) => $(id).addEventListener("click", run);
    step("price-up", () => this._stepPrice(1));
    step("price-down", () => this._stepPrice(-1));
    step("amount-up", () => this._stepAmount(1));
    step("amount-down", () => this._stepAmount(-1));
    for (const button of document.querySelectorAll("[data-part]")) {
      button.addEventListener("click", () => this._part(Number(button.dataset.part)));
    }
    setInterval(() => this._quoteAgain(), QUOTE_MS);
  }

  _drawSides(sides) {
    this._sides = sides;
    $("sides").replaceChildren(...sides.map((side, i) => {
      const radio = h("input", { type: "radio", name: "side", value: side.verb, id: `side-${i}`, onchange: () => this._choose(side) });
      return h("label", { class: side.side, for: `side-${i}` }, radio, h("span", {}, side.name));
    }));
    $("sides").classList.toggle("many", sides.length > 2);
    if (sides.length) this._choose(sides[0]);
  }

  _choose(side) {
    this._side = side;
    for (const radio of $("sides").querySelectorAll("input")) radio.checked = radio.value === side.verb;
    $("ticket").dataset.side = side.side;
    this._drawKinds();
    this._look();
  }

  _drawKinds() {
    const kept = $("kind").value;
    const types = this._side.market && this.account?.kinds.includes("market") ? (this.security?.market_types ?? []) : [];
    const options = [h("option", { value: "" }, "限价"), ...types.map((name) => h("option", { value: name }, `市价·${name}`))];
    $("kind").replaceChildren(...options);
    $("kind").value = types.includes(kept) ? kept : "";
    show($("price-field"), this._isLimit());
  }

  _isLimit() {
    return !$("kind").value;
  }

  // ---- 查询合约

  _search() {
    const text = $("code").value.trim();
    clearTimeout(this._typing);
    if (this.security && text.toUpperCase() !== this.security.stock_code) this._unpick();
    if (!text) return this._closeFound();
    this._typing = setTimeout(() => this._resolve(text, false), 180);
  }

  _unpick() {
    this.security = null;
    this.quote = null;
    this.told = null;
    $("price").value = "";
    this._drawCode();
    this._drawPreview();
    this._drawBook();
    this._drawSend();
  }

  async _resolve(text, pick) {
    const asked = ++this._asked;
    let found = [];
    try {
      found = await this.account.wire.call("server.search", { text });
    } catch (error) {
      write($("code-told").lastChild, error.message);
      return;
    }
    if (asked !== this._asked) return;
    this.account.learn(found);
    const exact = found[0] && [found[0].stock_code, found[0].stock_code.slice(0, 6)].includes(text.toUpperCase());
    if (pick && found.length) this._pick(found[0]);
    else if (exact && (found.length === 1 || /^\d{6}/.test(text))) this._pick(found[0]);
    else this._openFound(found);
  }

  _openFound(found) {
    this._found = found;
    this._at = -1;
    const list = $("found");
    list.replaceChildren(...(found.length ? found.map((each, i) => h(
      "li", { role: "option", id: `found-${i}`, "aria-selected": "false", onpointerdown: (event) => { event.preventDefault(); this._pick(each); } },
      h("b", {}, each.stock_code), h("span", {}, each.name || each.board), h("em", {}, each.kind),
    )) : [h("li", { class: "none" }, "没有找到")]));
    show(list, true);
    $("code").setAttribute("aria-expanded", "true");
  }

  _closeFound() {
    show($("found"), false);
    $("code").setAttribute("aria-expanded", "false");
    $("code").removeAttribute("aria-activedescendant");
  }

  _keys(event) {
    if ($("found").hidden || !this._found?.length) return;
    if (event.key === "Escape") return this._closeFound();
    if (event.key === "Enter") {
      event.preventDefault();
      this._pick(this._found[Math.max(this._at, 0)]);
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    this._at = (this._at + step + this._found.length) % this._found.length;
    [...$("found").children].forEach((item, i) => item.setAttribute("aria-selected", String(i === this._at)));
    $(`found-${this._at}`).scrollIntoView({ block: "nearest" });
    $("code").setAttribute("aria-activedescendant", `found-${this._at}`);
  }

  _pick(found) {
    this._closeFound();
    this.security = found;
    this.quote = null;
    $("code").value = found.stock_code;
    $("price").value = "";
    const hand = this._hand();
    $("unit").replaceChildren(h("option", { value: "1" }, hand === 10 ? "张" : found.board === "基金" ? "份" : "股"), h("option", { value: String(hand) }, "手"));
    this._drawCode();
    this._drawKinds();
    this._drawBook();
    this._quoteAgain();
    this._look();
  }

  _hand() {
    return ["债券", "回购"].includes(this.security?.board) ? 10 : 100;
  }

  // ---- 数

  _price() {
    return Number($("price").value.trim().replaceAll(",", ""));
  }

  _amount() {
    return Math.round(Number($("amount").value.trim().replaceAll(",", "")) * Number($("unit").value) * 1e6) / 1e6;
  }

  _setAmount(shares) {
    const unit = Number($("unit").value);
    $("amount").value = shares % unit === 0 ? String(shares / unit) : String(shares);
    if (shares % unit !== 0) $("unit").selectedIndex = 0;
    this._look();
  }

  _setPrice(value) {
    const tick = this.security?.tick ?? 0.01;
    $("price").value = value.toFixed(tick < 0.01 ? 3 : 2);
    this._look();
  }

  _stepPrice(way) {
    const tick = this.security?.tick ?? 0.01;
    const from = this._price() || this.quote?.last || this.quote?.pre_close;
    if (from) this._setPrice(Math.max(tick, Math.round(from / tick + way) * tick));
  }

  _stepAmount(way) {
    const { lot = 100, step = 100 } = this.security ?? {};
    const now = this._amount() || 0;
    const by = step === 1 ? this._hand() : step;
    this._setAmount(way > 0 ? (now < lot ? lot : now + by) : Math.max(now - by, lot));
  }

  /** 买：可用资金的几分之一；卖：可用股数的几分之一。 */
  _part(part) {
    const { lot = 100, step = 100 } = this.security ?? {};
    if (!this.security) return;
    let most;
    if (this._side.side === "sell") {
      most = this.account.positions.filter((row) => row.stock_code === this.security.stock_code).reduce((sum, row) => sum + row.can_use_volume, 0);
      if (part === 1) return this._setAmount(most);
    } else {
      const each = (this._isLimit() && this._price()) || this.quote?.limit_up || this.quote?.last;
      if (!each || !this.account.asset) return;
      most = (this.account.asset.cash * 0.9993 - 5) / each;
    }
    const wanted = Math.max(0, most / part);
    this._setAmount(wanted < lot ? 0 : lot + Math.floor((wanted - lot) / step) * step);
  }

  // ---- 行情

  async _quoteAgain() {
    const { account, security } = this;
    const seen = $("ticket").offsetParent !== null && document.visibilityState === "visible";
    if (!security || !account?.usable || this._quoting || !seen) return;
    this._quoting = true;
    try {
      const told = await account.wire.call("quote", { codes: [security.stock_code] }, { ms: 4000 });
      if (this.security !== security) return;
      this.quote = Object.values(told)[0] ?? null;
      if (!$("price").value && this._isLimit() && document.activeElement !== $("price")) {
        const best = (this._side.side === "buy" ? this.quote.asks : this.quote.bids)[0]?.[0];
        const start = best || this.quote.last || this.quote.pre_close;
        if (start) this._setPrice(start);
      }
    } catch (error) {
      if (this.security === security) write($("code-told").lastChild, error.message);
      return;
    } finally {
      this._quoting = false;
    }
    this._drawCode();
    this._drawBook();
  }

  _drawCode() {
    const { security, quote } = this;
    const [name, told] = $("code-told").children;
    write(name, security ? security.name || this.account?.nameOf(security.stock_code) || security.stock_code : "");
    const change = quote?.last && quote?.pre_close ? quote.last / quote.pre_close - 1 : null;
    told.className = trend(change);
    write(told, quote ? `${priceText(quote.last, security.tick)}　${percent(change)}` : "");
  }

  _drawBook() {
    const { security, quote } = this;
    show($("book"), Boolean(quote));
    if (!quote) return;
    const book = $("book");
    if (!book.firstChild) {
      book.append(h("h2", {}, "五档"), h("div", { class: "levels" }), h("div", { class: "edges" }));
    }
    const most = Math.max(1, ...quote.asks.map(([, v]) => v), ...quote.bids.map(([, v]) => v));
    const rows = [
      ...quote.asks.slice(0, 5).map(([p, v], i) => ["卖", i + 1, p, v]).reverse(),
      ...quote.bids.slice(0, 5).map(([p, v], i) => ["买", i + 1, p, v]),
    ];
    const levels = book.querySelector(".levels");
    while (levels.children.length < rows.length) {
      levels.append(h("button", { type: "button", onclick: (event) => this._take(event.currentTarget) }, h("span"), h("b"), h("em"), h("i", { "aria-hidden": "true" })));
    }
    rows.forEach(([side, level, p, v], i) => {
      const button = levels.children[i];
      const [label, at, size, bar] = button.children;
      button.dataset.price = p || "";
      button.disabled = !p;
      button.className = `${side === "卖" ? "ask" : "bid"}${level === 1 ? " first" : ""}`;
      write(label, `${side}${level}`);
      at.className = trend(quote.pre_close && p ? p - quote.pre_close : 0);
      write(at, priceText(p, security.tick));
      write(size, p ? count(Math.round(v / this._hand())) : NONE);
      bar.style.setProperty("--part", String(v / most));
    });
    const edges = book.querySelector(".edges");
    if (!edges.firstChild) {
      for (const kind of ["down", "", "up"]) {
        edges.append(h("button", { type: "button", class: kind, onclick: (event) => this._take(event.currentTarget) }, h("span"), h("b")));
      }
    }
    [["跌停", quote.limit_down], ["昨收", quote.pre_close], ["涨停", quote.limit_up]].forEach(([label, p], i) => {
      const button = edges.children[i];
      button.dataset.price = p ?? "";
      button.disabled = !p;
      write(button.firstChild, label);
      write(button.lastChild, priceText(p, security.tick));
    });
  }

  _take(button) {
    if (button.dataset.price && this._isLimit()) this._setPrice(Number(button.dataset.price));
  }

  // ---- 先看

  /** 这张单现在说的是什么；没有填完为 null。 */
  _wanted() {
    const price = this._price();
    const amount = this._amount();
    if (!this.security || !(amount > 0) || (this._isLimit() && !(price > 0))) return null;
    const security = this.security.stock_code;
    if (this._isLimit()) return { verb: this._side.verb, kwargs: { security, price, amount } };
    return { verb: this._side.market, kwargs: { security, amount, ttype: $("kind").value } };
  }

  _look() {
    this.told = null;
    clearTimeout(this._looking);
    this._drawSend();
    const wanted = this._wanted();
    if (!wanted) {
      this._drawPreview();
      return;
    }
    this._looking = setTimeout(() => this._ask(wanted), LOOK_MS);
  }

  async _ask(wanted) {
    const asked = (this._looked = (this._looked ?? 0) + 1);
    try {
      const told = await this.account.wire.call("server.preview", wanted, { ms: 6000 });
      if (asked !== this._looked) return;
      this.told = JSON.stringify(wanted) === JSON.stringify(this._wanted()) ? told : null;
    } catch (error) {
      if (asked !== this._looked) return;
      const text = error instanceof LostError ? "没有看成，连上之后再看" : error.message;
      this.told = { ok: false, problems: [{ rule: "preview", text, stops: true }] };
    }
    this._drawPreview();
    this._drawSend();
  }

  _drawPreview() {
    const { told } = this;
    const place = $("preview");
    if (!told) {
      place.replaceChildren();
      return;
    }
    const line = (label, text, kind = "") => h("div", { class: kind }, h("dt", {}, label), h("dd", {}, text));
    const lines = [];
    if (told.value !== undefined) {
      lines.push(line(`金额（${told.value_told}）`, yuan(told.value)));
      if (told.fees) {
        const { commission, stamp, transfer, total } = told.fees;
        const parts = [["佣金", commission], ["印花税", stamp], ["过户费", transfer]].filter(([, value]) => value > 0);
        lines.push(line("估算费用", `${yuan(total)}${parts.length ? `（${parts.map(([name, value]) => `${name} ${yuan(value)}`).join("、")}）` : ""}`));
      } else lines.push(line("估算费用", "不知道"));
      lines.push(line(told.side === "buy" ? "合计要付" : "到手约", yuan(told.net), "sum"));
    }
    if (told.side === "buy" && told.cash !== null && told.cash !== undefined) lines.push(line("可用资金", yuan(told.cash)));
    if (told.side === "sell" && told.usable !== null && told.usable !== undefined) lines.push(line("可用数量", count(told.usable)));
    const problems = told.problems.map((each) => h("li", { class: each.stops ? "stops" : "", "data-rule": each.rule }, each.text));
    place.replaceChildren(
      ...(lines.length ? [h("dl", {}, ...lines)] : []),
      problems.length ? h("ul", {}, ...problems) : h("p", { class: "fine" }, "数量、价格、资金、风控、令牌：都没有问题"),
      ...(told.fees ? [h("p", { class: "dim small" }, told.fees.told)] : []),
    );
  }

  // ---- 下单

  _blocked() {
    const { account } = this;
    if (!account) return "没有账号";
    if (!account.wire.fresh) return "连接断开，不能下单";
    if (account.counter !== "已连接") return `柜台${account.counter}，不能下单`;
    if (account.stop) return "已停止下单";
    if (this.busy) return this.busy.state === "asking" ? "正在核对上一笔…" : "正在下单…";
    if (this.jobs.some((job) => job.state === "unknown")) return "有一笔结果未知，先核对";
    return "";
  }

  _drawSend(blocked = this._blocked()) {
    const button = $("send");
    const wanted = this._wanted();
    const stops = this.told?.problems.some((each) => each.stops);
    const ready = wanted && this.told && !stops && !blocked;
    if (button.disabled === Boolean(ready)) button.disabled = !ready;
    let text = blocked;
    if (!text && !wanted) text = "填好代码、价格、数量";
    else if (!text && !this.told) text = "正在核对…";
    else if (!text && stops) text = "不能下单，原因见上";
    else if (!text) text = `${this.told.problems.length ? "仍然" : ""}${this._side.name} ${this.security.name || this.security.stock_code} ${count(this._amount())}`;
    write(button, text);
    button.classList.toggle("doubtful", Boolean(ready && this.told.problems.length));
  }

  async _send() {
    const wanted = this._wanted();
    if (!wanted || this._blocked() || !this.told || $("send").disabled) return;
    const name = this.security.name || this.security.stock_code;
    const at = this._isLimit() ? ` @ ${$("price").value}` : "（市价）";
    const job = new Job({ account: this.account.name, verb: wanted.verb, told: `${this._side.name} ${name} ${count(wanted.kwargs.amount)}${at}` });
    this.busy = job; // 有了结果才放开：双击也是一笔
    this.jobs.unshift(job);
    this.jobs = this.jobs.filter((each, i) => i < SENT || !each.settled);
    const { account } = this;
    await perform(account.wire, job, { ...wanted.kwargs, client_order_id: `r-${job.request}` }, () => this._changed(account));
    if (this.busy === job) this.busy = null;
    this._finish(job);
  }

  /** 人说他查过了：不再挡着后面的单。 */
  _drop(job) {
    this.jobs = this.jobs.filter((each) => each !== job);
    this._changed(this.account);
  }

  async _settle(job) {
    const { account } = this;
    await settle(account.wire, job, () => this._changed(account));
    this._finish(job);
  }

  _finish(job) {
    const kind = { done: "good", refused: "bad", unknown: "bad" }[job.state];
    say(`${job.told}：${told(job)}`, kind);
    if (job.state === "done") {
      $("amount").value = "";
      this._look();
    }
    this._changed(this.account);
    this.account?.hears.changed("state");
  }

  _changed(account) {
    if (account !== this.account) return;
    pending.keep(this.jobs);
    this._drawSent();
    this._drawSend();
  }

  _drawSent() {
    const place = $("sent");
    show(place, this.jobs.length > 0);
    place.replaceChildren(h("h2", {}, "这里下的单"), h("ul", {}, ...this.jobs.map((job) => h(
      "li", { class: job.state },
      h("span", {}, job.told), h("em", {}, time(job.at)), h("b", {}, told(job)),
      job.state === "unknown" ? h("div", { class: "row" },
        h("button", { type: "button", onclick: () => this._settle(job) }, "核对"),
        h("button", { type: "button", class: "quiet", onclick: () => this._drop(job) }, "我自己查过了")) : null,
    ))));
  }
}

function told(job) {
  if (job.state === "going") return "正在发出…";
  if (job.state === "asking") return "断了，正在问服务器它后来怎么样了…";
  if (job.state === "done") return `已收下，编号 ${job.result?.entrust_no ?? ""}${job.text ? `；${job.text}` : ""}`;
  if (job.state === "refused") return `没有下成：${job.text}`;
  return `结果未知，不要再下同样的：${job.text}`;
}

