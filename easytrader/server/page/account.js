// 一个账号此刻的样子：查一次全部，此后照事件改；断线、有缺口就再查一次全部。

import { Wire } from "./wire.js";

const FINAL = new Set([53, 54, 56, 57]);
const CANCELLABLE = new Set([48, 49, 50, 55]);
const RANK = { 48: 0, 49: 1, 50: 2, 55: 3, 51: 4, 52: 5, 53: 9, 54: 9, 56: 9, 57: 9 };
const AGAIN_MS = 400;
const POLL_MS = 8000;

export const cancellable = (row) => CANCELLABLE.has(row.order_status);

export class Account {
  /** hears: {changed(什么), filled(成交), signedOut()} */
  constructor(name, hears) {
    this.name = name;
    this.hears = hears;
    this.hello = null;
    this.status = null;
    this.asset = null;
    this.positions = [];
    this.orders = new Map();
    this.trades = new Map();
    this.names = new Map();
    this.loaded = false;
    this.trouble = "";
    this._askedNames = new Set();
    this.wire = new Wire(name, {
      hello: (hello, again) => this._greeted(hello, again),
      event: (event) => this._event(event),
      gap: () => this.load(),
      status: (told) => this._status(told),
      state: () => hears.changed("state"),
      refused: () => hears.refused?.(),
      signedOut: () => hears.signedOut(),
    });
    this._poll = setInterval(() => {
      if (document.visibilityState === "visible" && this.loaded && this.usable) this._money();
    }, POLL_MS);
  }

  close() {
    clearInterval(this._poll);
    clearTimeout(this._soon);
    this.wire.close();
  }

  get counter() {
    return this.wire.open ? (this.status?.state ?? this.hello?.state ?? "—") : "不知道";
  }

  /** 两段连接都好，看到的是此刻的。 */
  get usable() {
    return this.wire.fresh && this.counter === "已连接";
  }

  get mayTrade() {
    return this.hello?.verbs.includes("buy") ?? false;
  }

  get kinds() {
    return this.hello?.backend?.kinds ?? [];
  }

  can(verb) {
    return this.hello?.verbs.includes(verb) ?? false;
  }

  get stop() {
    return this.status?.stop ?? null;
  }

  nameOf(code) {
    return this.names.get(code) ?? "";
  }

  async load() {
    if (this._loading) {
      this._again = true;
      return;
    }
    this._loading = true;
    this._kept = [];
    try {
      const [orders, trades] = await Promise.all([
        this.wire.call("today_entrusts"), this.wire.call("today_trades"), this._money(),
      ]);
      this.orders = new Map(orders.map((row) => [row.order_id, row]));
      this.trades = new Map(trades.map((row) => [tradeKey(row), row]));
      this.loaded = true;
      this.trouble = "";
      for (const event of this._kept) this._apply(event);
    } catch (error) {
      this.trouble = error.message;
      if (this.wire.open) setTimeout(() => this.load(), 2000);
    } finally {
      this._loading = false;
      this._kept = null;
      this.hears.changed("all");
      this._askNames();
      if (this._again) {
        this._again = false;
        this.load();
      }
    }
  }

  async _money() {
    const [balance, positions] = await Promise.all([
      this.wire.call("balance"), this.wire.call("position"),
    ]);
    this.asset = balance[0] ?? null;
    this.positions = positions.filter((row) => row.volume !== 0 || row.frozen_volume !== 0);
    for (const row of positions) if (row.security_name) this.names.set(row.stock_code, row.security_name);
    this.hears.changed("money");
  }

  _greeted(hello, again) {
    this.hello = hello;
    this.status = null;
    if (!again || !this.loaded) this.load();
    this.wire.call("server.status").then((told) => this._status(told), () => {});
    this.hears.changed("all");
  }

  _status(told) {
    const before = this.status?.state ?? this.hello?.state;
    this.status = told;
    if (told.state === "已连接" && before !== "已连接") this.load();
    this.hears.changed("state");
  }

  _event(event) {
    if (this._kept) this._kept.push(event);
    else this._apply(event);
  }

  _apply(event) {
    const row = event.data;
    if (event.event === "order") this._order(row);
    else if (event.event === "trade") this._trade(row);
    else if (event.event === "asset") this.asset = { ...this.asset, ...row };
    else if (event.event === "order_error" || event.event === "cancel_error") this.hears.failed?.(event);
    else if (event.event === "connected" || event.event === "disconnected") {
      this.wire.call("server.status").then((told) => this._status(told), () => {});
    }
    if (["order", "trade", "position"].includes(event.event)) this._moneySoon();
    this.hears.changed(event.event);
  }

  _order(row) {
    const old = this.orders.get(row.order_id);
    if (old && isOlder(row, old)) return;
    this.orders.set(row.order_id, row);
    if (!this.names.has(row.stock_code)) this._askNames();
  }

  _trade(row) {
    const key = tradeKey(row);
    if (this.trades.has(key)) return;
    this.trades.set(key, row);
    this.hears.filled(row);
  }

  _moneySoon() {
    clearTimeout(this._soon);
    this._soon = setTimeout(() => this._money().catch(() => {}), AGAIN_MS);
  }

  /** 委托与成交里没有名称：没见过的代码问一次。 */
  async _askNames() {
    for (const row of [...this.orders.values(), ...this.trades.values()]) {
      const code = row.stock_code;
      if (this.names.has(code) || this._askedNames.has(code)) continue;
      this._askedNames.add(code);
      try {
        const found = await this.wire.call("server.search", { text: code });
        this.learn(found);
      } catch {
        this._askedNames.delete(code);
        return;
      }
    }
  }

  learn(found) {
    for (const each of found) if (each.name) this.names.set(each.stock_code, each.name);
    this.hears.changed("names");
  }
}

const tradeKey = (row) => `${row.stock_code} ${row.traded_id} ${row.order_id}`;

/** 推送可能乱序：成交少的、状态在前的是旧的。 */
function isOlder(row, old) {
  if (FINAL.has(old.order_status)) return !FINAL.has(row.order_status) || row.traded_volume < old.traded_volume;
  if (row.traded_volume < old.traded_volume) return true;
  return (RANK[row.order_status] ?? -1) < (RANK[old.order_status] ?? -1);
}
