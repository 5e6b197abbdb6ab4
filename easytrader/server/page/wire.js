// 与服务器说话：登录与一条 WebSocket。断了自己重连，事件接着上次的编号要。

import { plain } from "./format.js";

const KEY = "easytrader.session";
const QUIET_MS = 12_000; // 这么久没有一点声音，当作断了
const BEAT_MS = 5_000;
const RETRY_MS = [300, 700, 1500, 3000, 5000];
export const STALE_MS = 10_000;

export class WireError extends Error {
  constructor(told) {
    super(told.text || told.type || "服务器没有说原因");
    this.type = told.type;
    this.told = told;
  }
}

/** 连接断了，不知道这个请求怎么样了。 */
export class LostError extends Error {}

/** 页面自己保管的值；别的端口上的网页读不到。没有它，cookie 什么也做不了。 */
export const session = {
  get value() {
    return localStorage.getItem(KEY) || "";
  },
  set value(text) {
    if (text) localStorage.setItem(KEY, text);
    else localStorage.removeItem(KEY);
  },
};

export async function fetchJson(path, { method = "GET", body, ms = 10_000 } = {}) {
  const headers = { "X-Session": session.value };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store",
    redirect: "error",
    signal: AbortSignal.timeout(ms),
  });
  let told = {};
  try {
    told = await answer.json();
  } catch {
    // 不是 JSON：只看状态码
  }
  if (answer.ok) return plain(told);
  const error = new WireError({ text: `服务器答 ${answer.status}`, ...(told.error ?? {}) });
  error.status = answer.status;
  throw error;
}

export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");
}

export class Wire {
  /** hears: {hello, event, gap, state, signedOut} */
  constructor(account, hears) {
    this.account = account;
    this.hears = hears;
    this.boot = null;
    this.seq = 0;
    this.heardAt = 0;
    this.open = false;
    this.closed = false;
    this._next = 1;
    this._waiting = new Map();
    this._tries = 0;
    this._beat = setInterval(() => this._tend(), 1000);
    this._sentAt = 0;
    this._awake = () => this._wake();
    document.addEventListener("visibilitychange", this._awake);
    window.addEventListener("online", this._awake);
    this._dial();
  }

  close() {
    this.closed = true;
    clearInterval(this._beat);
    clearTimeout(this._retry);
    document.removeEventListener("visibilitychange", this._awake);
    window.removeEventListener("online", this._awake);
    this._drop();
  }

  get age() {
    return this.heardAt ? performance.now() - this.heardAt : Infinity;
  }

  get fresh() {
    return this.open && this.age < STALE_MS;
  }

  /** 调用；结果、WireError，或 LostError。 */
  call(verb, kwargs = {}, { request, ms = 8000 } = {}) {
    if (!this.open) return Promise.reject(new LostError("还没有连上服务器，什么都没有发出"));
    const id = this._next++;
    const frame = { id, verb, kwargs, ms };
    if (request) frame.request = request;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        if (this._waiting.delete(id)) reject(new LostError(`${ms / 1000} 秒没有应答`));
      }, ms + 2000);
      this._waiting.set(id, { resolve, reject, timer });
      this._socket.send(JSON.stringify(frame));
    });
  }

  /** 请求 request 后来怎么样了：{state: "done", result|error}、{state: "never"}。断着就等到连上。 */
  async settle(request, untilMs = 20_000) {
    const deadline = performance.now() + untilMs;
    for (;;) {
      try {
        return await this.call("server.settle", { request }, { ms: 6000 });
      } catch (error) {
        const over = performance.now() > deadline || this.closed;
        if (over || (error instanceof WireError && error.type !== "NotConnectedError" && error.type !== "QueryFailedError")) throw error;
        await new Promise((resolve) => setTimeout(resolve, 400));
      }
    }
  }

  _dial() {
    if (this.closed) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const url = `${scheme}://${location.host}/v1/accounts/${encodeURIComponent(this.account)}/ws`;
    const socket = new WebSocket(url, ["easytrader", `easytrader.session.${session.value}`]);
    this._socket = socket;
    this.dialedAt = performance.now();
    socket.addEventListener("message", (event) => socket === this._socket && this._hear(event.data));
    socket.addEventListener("close", (event) => socket === this._socket && this._lost(event));
  }

  _hear(data) {
    this.heardAt = performance.now();
    const told = JSON.parse(data);
    if (told.hello) this._greet(plain(told.hello));
    else if (told.events) this._take(told);
    else if (told.gap) {
      this.seq = told.gap.next - 1;
      this.hears.gap();
    } else if ("id" in told && !("seq" in told && !("result" in told) && !("error" in told))) this._answer(told);
  }

  _greet(hello) {
    this.open = true;
    this._tries = 0;
    const again = this.boot === hello.boot;
    if (!again) this.seq = hello.last;
    this.boot = hello.boot;
    // 先订阅再取全部：中间来的事件不会漏
    this.call("server.events", { boot: this.boot, after: this.seq }).catch(() => {});
    this.hears.hello(hello, again);
    this.hears.state();
  }

  _take(told) {
    for (const event of told.events) {
      if (told.boot !== this.boot || event.seq <= this.seq) continue;
      this.seq = event.seq;
      this.hears.event(plain(event));
    }
  }

  _answer(told) {
    const waiting = this._waiting.get(told.id);
    if (!waiting) return;
    this._waiting.delete(told.id);
    clearTimeout(waiting.timer);
    if ("error" in told) waiting.reject(new WireError(plain(told.error)));
    else waiting.resolve(plain(told.result));
  }

  _lost(event) {
    this._drop();
    if (this.closed) return;
    if (event && (event.code === 4401 || event.code === 1008)) {
      this.hears.signedOut();
      return;
    }
    const wait = RETRY_MS[Math.min(this._tries++, RETRY_MS.length - 1)];
    this._retry = setTimeout(() => this._dial(), wait);
    this.hears.state();
    if (this._tries === 2) this.hears.refused?.(); // 一连就断：也许是会话没有了
  }

  _drop() {
    const socket = this._socket;
    this._socket = null;
    this.open = false;
    socket?.close();
    for (const { reject, timer } of this._waiting.values()) {
      clearTimeout(timer);
      reject(new LostError("连接断了，不知道这个请求怎么样了"));
    }
    this._waiting.clear();
  }

  _tend() {
    const now = performance.now();
    if (this.open && now - this._sentAt > BEAT_MS && document.visibilityState === "visible") {
      this._sentAt = now;
      this.call("server.status").then((told) => this.hears.status(told), () => {});
    }
    const quiet = this.open ? this.age : now - this.dialedAt;
    if (this._socket && quiet > QUIET_MS && document.visibilityState === "visible") this._lost();
    this.hears.state();
  }

  /** 手机解锁、网络回来：不等心跳，旧的连接多半已经死了。 */
  _wake() {
    if (document.visibilityState !== "visible" || this.closed) return;
    if (this.open && this.age < BEAT_MS) return;
    clearTimeout(this._retry);
    this._drop();
    this._tries = 0;
    this._dial();
    this.hears.state();
  }
}
