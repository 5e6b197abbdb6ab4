// 机队：存储里的一队账号，一行一个；看着的时候隔几秒问一次。停单、放开按的是存储里的开关。

import { ask, h, say, show, write } from "./dom.js";
import * as format from "./format.js";
import { Table } from "./table.js";
import { fetchJson } from "./wire.js";

const EVERY_MS = 3000;
const AWAY_MS = 15_000;
const ALL = "fleet";
const { count, wan } = format;
const wrong = (row) => !row.alive || row.state !== "已连接" || row.alarms > 0;

export class Fleet {
  /** hears: {changed, mayTrade, mayAll} */
  constructor(place, hears) {
    this.hears = hears;
    this.rows = [];
    this.switches = [];
    this._watched = false;
    this._stopAll = h("button", { id: "fleet-stop", type: "button", class: "danger small", hidden: true, onclick: () => this._stop(ALL, "全部账号") }, "全部停单");
    this._shut = h("div", { id: "fleet-switches", class: "switches" });
    this._trouble = h("p", { id: "fleet-trouble", class: "error", role: "status", hidden: true });
    place.append(this._trouble, this._shut);
    this._table = new Table(place, {
      id: "fleet", title: "机队", empty: "一个账号也没有：在有客户端的机器上运行 easytrader fleet agent", key: (row) => row.account, tools: [this._stopAll],
      columns: [
        { id: "account", title: "账号", always: true, text: (row) => row.account },
        { id: "box", title: "机器", text: (row) => row.box || format.NONE, kind: "dim" },
        { id: "state", title: "状态", text: (row) => row.state, kind: (row) => (row.alive && row.state === "已连接" ? "ok" : "bad") },
        { id: "pending", title: "未了结", text: (row) => count(row.open), num: true },
        { id: "total", title: "总资产", text: (row) => wan(row.total_asset), num: true },
        { id: "cash", title: "可用", text: (row) => wan(row.cash), num: true },
        { id: "orders", title: "委托", text: (row) => count(row.orders), num: true },
        { id: "trades", title: "成交", text: (row) => count(row.trades), num: true },
        { id: "spooled", title: "待传", text: (row) => count(row.spooled), num: true },
        { id: "alarms", title: "报警", text: (row) => count(row.alarms), num: true, kind: (row) => (row.alarms ? "bad" : "") },
        { id: "stopped", title: "停单", text: (row) => row.stopped, kind: "words" },
        { id: "age", title: "更新", text: (row) => (row.age_s === null ? format.NONE : format.ago(row.age_s)), kind: "dim" },
        { id: "lease", title: "租约（秒）", text: (row) => count(row.lease_left_s), num: true, off: true },
        { id: "groups", title: "组", text: (row) => row.groups, kind: "words", off: true },
        { id: "broker", title: "柜台", text: (row) => row.broker, kind: "dim", off: true },
        { id: "error", title: "上一次的错误", text: (row) => row.error ?? "", kind: "words", off: true },
        { id: "version", title: "版本", text: (row) => row.version ?? "", kind: "dim", off: true },
        { id: "act", title: "停单、放开", always: true, action: (row) => this._action(row) },
      ],
    });
  }

  /** 不对劲的有几个。 */
  get troubles() {
    return this.rows.filter(wrong).length;
  }

  start() {
    this.stop();
    this._load();
    this._timer = setInterval(() => this._due() && this._load(), 1000);
  }

  stop() {
    clearInterval(this._timer);
    this.rows = [];
    this.switches = [];
    this._askedAt = 0;
  }

  /** 正看着：问得勤一些。 */
  watch(wanted) {
    if (wanted && !this._watched) this._askedAt = 0;
    this._watched = wanted;
  }

  _due() {
    if (document.visibilityState !== "visible") return false;
    return performance.now() - this._askedAt >= (this._watched ? EVERY_MS : AWAY_MS);
  }

  async _load() {
    this._askedAt = performance.now();
    try {
      const { result } = await fetchJson("/v1/fleet", { ms: 6000 });
      this.rows = result.accounts;
      this.switches = result.switches;
      show(this._trouble, false);
    } catch (error) {
      write(this._trouble, `看不到机队：${error.message}。下面是以前的样子`);
      show(this._trouble, true);
    }
    this._draw();
  }

  _draw() {
    this._table.update(this.rows);
    const may = this.hears.mayTrade(), all = this.hears.mayAll();
    const stopped = this.switches.some((each) => each.scope === ALL);
    show(this._stopAll, may && !stopped);
    const wanted = JSON.stringify([may, all, this.switches]);
    if (wanted !== this._drawn) {
      this._drawn = wanted;
      this._shut.replaceChildren(...this.switches.map((each) => h("p", {},
        h("strong", {}, `${nameOf(each.scope)}停单`), ` ${each.why} · ${each.by} · ${format.moment(each.at)} `,
        (each.scope.startsWith("account:") ? may : all) ? h("button", { type: "button", class: "small", onclick: () => this._allow(each) }, `放开${nameOf(each.scope)}`) : null)));
    }
    this.hears.changed();
  }

  _action(row) {
    const mine = this.switches.find((each) => each.scope === `account:${row.account}`);
    if (mine) return { label: "放开", title: `放开账号 ${row.account}`, hidden: !this.hears.mayTrade(), run: () => this._allow(mine) };
    return { label: "停", title: `停单 ${row.account}`, hidden: !this.hears.mayTrade(), run: () => this._stop(`account:${row.account}`, `账号 ${row.account}`) };
  }

  async _stop(scope, name) {
    const answer = await ask({ title: `停单：${name}`, text: `${name}从现在起不收新的委托，哪个策略都一样；撤单照常，已经挂着的不动。`, yes: "停单", input: "" });
    if (answer) await this._turn("/v1/fleet/stop", { scope, reason: answer.text }, `${name}已停单`, "bad");
  }

  async _allow(each) {
    const name = nameOf(each.scope);
    const answer = await ask({ title: `放开：${name}`, text: `${name}重新收委托。停的原因：${each.why}`, yes: "放开" });
    if (answer) await this._turn("/v1/fleet/allow", { scope: each.scope }, `${name}已放开`, "good");
  }

  async _turn(path, body, told, kind) {
    try {
      await fetchJson(path, { method: "POST", body, ms: 8000 });
      say(told, kind);
    } catch (error) {
      say(error.message, "bad");
    }
    await this._load();
  }
}

function nameOf(scope) {
  if (scope === ALL) return "全部账号";
  const [kind, name] = [scope.slice(0, scope.indexOf(":")), scope.slice(scope.indexOf(":") + 1)];
  return `${{ account: "账号", group: "组", strategy: "策略" }[kind] ?? kind} ${name} `;
}
