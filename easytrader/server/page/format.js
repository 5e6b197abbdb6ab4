// 数与时刻写成字。时刻都是北京时间，不管看的人在哪里。

const money2 = new Intl.NumberFormat("zh-CN", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat("zh-CN", { maximumFractionDigits: 4 });
const clock = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const shortClock = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
const day = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit",
});

export const NONE = "—";
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** 服务器的值：Decimal 是 {"$": "decimal", "v": "1.5"}。 */
export function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  if (!("$" in value)) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
  }
  const kind = value.$;
  if (kind === "decimal" || kind === "float") return Number(value.v);
  if (kind === "tuple") return plain(value.v);
  if (kind === "dict") return Object.fromEntries(value.v.map(([key, each]) => [String(plain(key)), plain(each)]));
  return String(value.v);
}

export const yuan = (value) => (isNumber(value) ? money2.format(value) : NONE);
export const count = (value) => (isNumber(value) ? whole.format(value) : NONE);

/** 金额：十万以上以万计。 */
export function wan(value) {
  if (!isNumber(value)) return NONE;
  const size = Math.abs(value);
  if (size >= 1e8) return `${money2.format(value / 1e8)} 亿`;
  return size >= 1e5 ? `${money2.format(value / 1e4)} 万` : money2.format(value);
}

/** 红涨绿跌，正负号也写出来。 */
export const signed = (value, form = yuan) =>
  isNumber(value) ? (value > 0 ? `+${form(value)}` : form(value).replace("-", "−")) : NONE;
export const trend = (value) => (!isNumber(value) || value === 0 ? "" : value > 0 ? "up" : "down");
export const percent = (value) => (isNumber(value) ? signed(value * 100, (each) => `${each.toFixed(2)}%`) : NONE);

export function price(value, tick = 0.01) {
  if (!isNumber(value) || value === 0) return NONE;
  const digits = tick < 0.01 ? 3 : 2;
  return value.toFixed(Math.max(digits, digitsOf(value)));
}

function digitsOf(value) {
  const text = String(value);
  const dot = text.indexOf(".");
  return dot < 0 ? 0 : Math.min(text.length - dot - 1, 4);
}

export const time = (seconds) => (isNumber(seconds) && seconds > 0 ? clock.format(seconds * 1000) : NONE);
export const minute = (seconds) => shortClock.format(seconds * 1000);
export const date = (seconds) => day.format(seconds * 1000);
export const moment = (seconds) => `${date(seconds)} ${time(seconds)}`;

export function ago(seconds) {
  if (seconds < 1.5) return "刚刚";
  if (seconds < 90) return `${Math.round(seconds)} 秒前`;
  return `${Math.round(seconds / 60)} 分钟前`;
}
