// 今日总资产的曲线：一条 SVG 路径。盘中的点按 240 分钟排，午休压成一条线。

import { svg } from "./dom.js";
import { minute, signed, yuan } from "./format.js";

const HEIGHT = 150;
const PAD = { left: 6, right: 6, top: 10, bottom: 20 };
const SH = 8 * 3600;
const OPEN = 9.5 * 3600;
const NOON = 11.5 * 3600;
const AFTER = 13 * 3600;
const CLOSE = 15 * 3600;
const ALL = NOON - OPEN + CLOSE - AFTER;

const dayClock = (seconds) => (seconds + SH) % 86400;

/** 盘中走了几成；不在盘中为 null。 */
function traded(seconds) {
  const at = dayClock(seconds);
  if (at >= OPEN && at <= NOON) return (at - OPEN) / ALL;
  if (at > NOON && at < AFTER) return (NOON - OPEN) / ALL;
  if (at >= AFTER && at <= CLOSE) return (NOON - OPEN + at - AFTER) / ALL;
  return null;
}

export class Chart {
  constructor(figure) {
    this._svg = figure.querySelector("svg");
    this._told = figure.querySelector("figcaption");
    this._figure = figure;
    this._width = 0;
    this.points = [];
    this._places = [];
    new ResizeObserver(() => this._resize()).observe(figure);
    this._svg.addEventListener("pointermove", (event) => this._point(event));
    this._svg.addEventListener("pointerleave", () => this._tell());
  }

  set(points) {
    this.points = points;
    this._draw();
  }

  add(seconds, value) {
    const last = this.points.at(-1);
    if (last && Math.floor(last[0] / 60) === Math.floor(seconds / 60)) this.points.pop();
    this.points.push([seconds, value]);
    this._draw();
  }

  get change() {
    return this.points.length > 1 ? this.points.at(-1)[1] - this.points[0][1] : null;
  }

  _resize() {
    const width = Math.round(this._figure.clientWidth);
    if (!width || width === this._width) return;
    this._width = width;
    this._svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this._draw();
  }

  _draw() {
    if (!this._width) return;
    const width = this._width;
    const inside = this.points.filter(([at]) => traded(at) !== null);
    this._market = inside.length > 1;
    const points = this._market ? inside : this.points;
    this._svg.replaceChildren();
    this._places = [];
    this._figure.classList.toggle("blank", points.length < 2);
    if (points.length < 2) {
      this._tell();
      return;
    }
    const values = points.map(([, value]) => value);
    const low = Math.min(...values);
    const high = Math.max(...values);
    const room = high - low || Math.max(Math.abs(high) * 0.0005, 1);
    const first = points[0][0];
    const long = points.at(-1)[0] - first || 1;
    const x = (at) => PAD.left + (this._market ? traded(at) : (at - first) / long) * (width - PAD.left - PAD.right);
    const y = (value) => HEIGHT - PAD.bottom - ((value - low + room * 0.08) / (room * 1.16)) * (HEIGHT - PAD.top - PAD.bottom);
    this._places = points.map(([at, value]) => [x(at), y(value), at, value]);
    const line = this._places.map(([px, py], i) => `${i ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
    const floor = HEIGHT - PAD.bottom;
    const kind = values.at(-1) >= values[0] ? "up" : "down";
    this._grid(y(values[0]), width);
    this._svg.append(
      svg("path", { d: `${line}L${this._places.at(-1)[0].toFixed(1)} ${floor}L${this._places[0][0].toFixed(1)} ${floor}Z`, class: `area ${kind}` }),
      svg("path", { d: line, class: `line ${kind}` }),
      (this._mark = svg("circle", { r: 3.5, class: `mark ${kind}`, cx: this._places.at(-1)[0], cy: this._places.at(-1)[1] })),
    );
    this._tell();
  }

  _grid(start, width) {
    const floor = HEIGHT - PAD.bottom;
    this._svg.append(svg("line", { x1: PAD.left, x2: width - PAD.right, y1: start, y2: start, class: "start" }));
    const text = (at, anchor, told) => this._svg.append(svg("text", { x: at, y: HEIGHT - 5, class: "axis", "text-anchor": anchor }, told));
    if (this._market) {
      const noon = PAD.left + ((NOON - OPEN) / ALL) * (width - PAD.left - PAD.right);
      this._svg.append(svg("line", { x1: noon, x2: noon, y1: PAD.top, y2: floor, class: "noon" }));
      text(PAD.left, "start", "9:30");
      text(noon, "middle", "11:30/13:00");
      text(width - PAD.right, "end", "15:00");
    } else {
      text(PAD.left, "start", minute(this.points[0][0]));
      text(width - PAD.right, "end", minute(this.points.at(-1)[0]));
    }
  }

  _point(event) {
    if (!this._places.length) return;
    const at = event.clientX - this._svg.getBoundingClientRect().left;
    const near = this._places.reduce((best, each) => (Math.abs(each[0] - at) < Math.abs(best[0] - at) ? each : best));
    this._mark?.setAttribute("cx", near[0]);
    this._mark?.setAttribute("cy", near[1]);
    this._told.textContent = `${minute(near[2])}　${yuan(near[3])}`;
  }

  _tell() {
    const last = this._places.at(-1);
    if (last) {
      this._mark?.setAttribute("cx", last[0]);
      this._mark?.setAttribute("cy", last[1]);
    }
    const { change } = this;
    this._told.textContent = change === null ? "今日曲线从服务器启动时记起，一分钟一点" : `今日曲线，自 ${minute(this.points[0][0])} 起 ${signed(change)}`;
  }
}
