// 一张会自己更新的表：一行一个键，变了的格子才重写，按钮不换，焦点不丢。
// 窄屏上每行是一张卡片（样式表管），格子前的名字来自 data-label。

import { h, show, write } from "./dom.js";

const PAGE = 100;

export class Table {
  /**
   * columns: [{id, title, text(row), num, kind: 类名，或 (row) → 类名, off: 平时不显示, always, action(row) → {label, run, hidden}}]
   */
  constructor(place, { id, title, empty, columns, key, tools = [] }) {
    this.columns = columns;
    this.key = key;
    this.rows = [];
    this.most = PAGE;
    this._lines = new Map();
    this._store = `easytrader.columns.${id}`;
    this._chosen = this._load();
    this._body = h("tbody");
    this._head = h("tr");
    this._empty = h("p", { class: "empty" }, empty);
    this._more = h("button", { type: "button", class: "quiet more", onclick: () => this._grow() }, "再看一些");
    this._count = h("span", { class: "dim" });
    this._table = h("table", { class: `list ${id}` }, h("thead", {}, this._head), this._body);
    place.append(
      h("header", { class: "bar" }, h("h2", {}, title), this._count, h("div", { class: "tools" }, ...tools, this._chooser(title))),
      h("div", { class: "scroll" }, this._table), this._empty, this._more,
    );
    this._build();
  }

  update(rows) {
    this.rows = rows;
    const shown = rows.slice(0, this.most);
    const keep = new Set(shown.map(this.key));
    for (const [key, line] of this._lines) { // 先拿走没有了的：留下的不必挪，焦点不丢
      if (keep.has(key)) continue;
      line.tr.remove();
      this._lines.delete(key);
    }
    let at = this._body.firstElementChild;
    for (const row of shown) {
      const key = this.key(row);
      let line = this._lines.get(key);
      if (!line) {
        line = this._line();
        this._lines.set(key, line);
      }
      if (line.tr !== at) this._body.insertBefore(line.tr, at);
      else at = at.nextElementSibling;
      this._fill(line, row);
    }
    show(this._empty, rows.length === 0);
    show(this._table, rows.length > 0);
    show(this._more, rows.length > this.most);
    write(this._count, rows.length ? `${rows.length}` : "");
  }

  _grow() {
    this.most += PAGE;
    this.update(this.rows);
  }

  _line() {
    const line = { tr: h("tr"), cells: [], row: null };
    for (const column of this._shown()) {
      const cell = h("td", { "data-label": column.title, class: `c-${column.id}` });
      if (column.action) {
        cell.append(h("button", { type: "button", class: "act", onclick: () => column.action(line.row).run(line.row) }));
      }
      if (column.kind === "words") cell.append(h("span"));
      line.cells.push([column, cell]);
      line.tr.append(cell);
    }
    return line;
  }

  _fill(line, row) {
    line.row = row;
    for (const [column, cell] of line.cells) {
      const kind = typeof column.kind === "function" ? column.kind(row) : (column.kind ?? "");
      const wanted = `c-${column.id}${column.num ? " num" : ""} ${kind}`.trim();
      if (cell.className !== wanted) cell.className = wanted;
      if (column.action) this._act(cell.firstChild, column.action(row));
      else {
        const text = column.text(row);
        write(column.kind === "words" ? cell.firstChild : cell, text);
        if (column.kind === "words" && cell.title !== text) cell.title = text;
      }
    }
  }

  _act(button, { label, title, hidden = false, disabled = false }) {
    write(button, label);
    if (button.getAttribute("aria-label") !== title) button.setAttribute("aria-label", title);
    if (button.disabled !== disabled) button.disabled = disabled;
    show(button, !hidden);
  }

  _build() {
    this._head.replaceChildren(...this._shown().map((column) =>
      h("th", { scope: "col", class: `c-${column.id}${column.num ? " num" : ""}` }, column.action ? h("span", { class: "unseen" }, column.title) : column.title)));
    this._body.replaceChildren();
    this._lines.clear();
    this.update(this.rows);
  }

  // ---- 选列

  _shown() {
    return this.columns.filter((column) => column.always || this._chosen.has(column.id));
  }

  _load() {
    try {
      const kept = JSON.parse(localStorage.getItem(this._store));
      if (Array.isArray(kept)) return new Set(kept);
    } catch {
      // 存的不成样子：照平时的
    }
    return new Set(this.columns.filter((column) => !column.off).map((column) => column.id));
  }

  _chooser(title) {
    const boxes = this.columns.filter((column) => !column.always).map((column) => {
      const box = h("input", { type: "checkbox", onchange: () => this._choose(column.id, box.checked) });
      box.checked = this._chosen.has(column.id);
      return h("label", {}, box, column.title);
    });
    const menu = h("details", { class: "chooser" }, h("summary", { "aria-label": `${title}：选列` }, "选列"), h("div", { class: "menu" }, ...boxes));
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.firstChild.focus();
    });
    return menu;
  }

  _choose(id, wanted) {
    if (wanted) this._chosen.add(id);
    else this._chosen.delete(id);
    localStorage.setItem(this._store, JSON.stringify([...this._chosen]));
    this._build();
  }
}
