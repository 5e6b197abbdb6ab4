// 填表连接一个后端：服务器开了 --page-connect 才有。格子照后端 connect() 的签名，由服务器给。

import { $, h, say, show, write } from "./dom.js";
import { fetchJson } from "./wire.js";

const NAMES = {
  miniqmt_path: "客户端文件夹", stock_account: "资金账号", account_type: "账号类型",
  reconnect_enabled: "自动重连", reconnect_interval: "重连间隔，秒",
  max_reconnect_attempts: "最多重连几次", session_id: "会话 id", timeout: "期限，秒",
  heartbeat_interval: "心跳间隔，秒",
};

const MAIN = new Set(["miniqmt_path", "stock_account", "account_type"]);

/** 打开表；连上了给那个账号在服务器上的名字，不连给 null。 */
export async function connect() {
  let forms;
  try {
    forms = await fetchJson("/session/forms");
  } catch (error) {
    say(error.message, "bad");
    return null;
  }
  const dialog = $("connect");
  const before = document.activeElement;
  const broker = $("connect-broker");
  broker.replaceChildren(...forms.map((form) => h("option", { value: form.broker }, form.broker)));
  const draw = () => drawFields(forms.find((form) => form.broker === broker.value));
  broker.onchange = draw;
  draw();
  $("connect-name").value = "";
  show($("connect-error"), false);
  return new Promise((resolve) => {
    let name = null;
    const form = dialog.querySelector("form");
    const submit = async (event) => {
      event.preventDefault();
      name = await send(broker.value);
      if (name !== null) dialog.close();
    };
    const close = () => {
      form.removeEventListener("submit", submit);
      dialog.removeEventListener("close", close);
      $("connect-fields").replaceChildren(); // 填过的密码不留在页面里
      before?.focus?.();
      resolve(name);
    };
    form.addEventListener("submit", submit);
    $("connect-no").onclick = () => dialog.close();
    dialog.addEventListener("close", close);
    dialog.showModal();
  });
}

function drawFields(form) {
  const fields = form?.fields ?? [];
  const plain = fields.filter((field) => field.required || MAIN.has(field.name));
  const more = fields.filter((field) => !plain.includes(field));
  $("connect-fields").replaceChildren(
    ...plain.map(drawField),
    ...(more.length ? [h("details", {}, h("summary", {}, "更多选项"), h("div", {}, ...more.map(drawField)))] : []),
  );
}

function drawField(field) {
  const id = `connect-${field.name}`;
  const words = field.told.replaceAll("`", "");
  const told = words && words !== "同上。" ? h("small", { class: "dim" }, words) : null;
  if (field.kind === "flag") {
    const box = h("input", { type: "checkbox", id, name: field.name, "data-kind": "flag" });
    box.checked = field.default === true;
    return h("label", { class: "check", for: id }, box, NAMES[field.name] ?? field.name);
  }
  const shared = { id, name: field.name, "data-kind": field.kind, required: field.required };
  const input = field.kind === "choice"
    ? h("select", shared, h("option", { value: "" }, "默认"), ...field.choices.map((each) => h("option", { value: each }, each)))
    : h("input", { ...shared, type: field.kind === "secret" ? "password" : "text", inputmode: field.kind === "number" ? "decimal" : null, value: field.default ?? "", autocomplete: "off", spellcheck: "false" });
  return h("div", {}, h("label", { for: id }, `${NAMES[field.name] ?? field.name}${field.required ? "" : "（可不填）"}`), input, told);
}

async function send(broker) {
  const yes = $("connect-yes");
  const fields = {};
  for (const input of $("connect-fields").querySelectorAll("[name]")) {
    const { kind } = input.dataset;
    if (kind === "flag") fields[input.name] = input.checked;
    else if (input.value !== "") fields[input.name] = kind === "number" ? Number(input.value) : input.value;
  }
  yes.disabled = true;
  write(yes, "正在连接…");
  show($("connect-error"), false);
  try {
    const told = await fetchJson("/session/connect", { method: "POST", body: { broker, name: $("connect-name").value.trim(), fields }, ms: 60_000 });
    return told.name;
  } catch (error) {
    write($("connect-error"), error.message);
    show($("connect-error"), true);
    return null;
  } finally {
    yes.disabled = false;
    write(yes, "连接");
  }
}
