// 造元素与写字：只用文本节点，别人写的备注、原因里有什么都只是字。

export const $ = (id) => document.getElementById(id);

/** h("td", {class: "num", onclick: f}, "字", 元素…) */
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((each) => each !== null && each !== undefined));
  return made;
}

export function svg(tag, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  return made;
}

/** 变了才写：读屏不重念，选中的字不丢。 */
export function write(node, text) {
  const wanted = String(text ?? "");
  if (node.textContent !== wanted) node.textContent = wanted;
}

export function show(node, wanted) {
  if (node.hidden === wanted) node.hidden = !wanted;
}

/** 念给读屏听，也弹一条。 */
export function say(text, kind = "") {
  write($("live"), text);
  const toast = h("p", { class: `toast ${kind}` }, text);
  $("toasts").append(toast);
  while ($("toasts").children.length > 3) $("toasts").firstChild.remove();
  setTimeout(() => toast.remove(), 5000);
}

/** 问一句；答应了给 {text}，不了给 null。焦点回到原来的地方。 */
export function ask({ title, text, yes, input = null }) {
  const dialog = $("ask");
  const before = document.activeElement;
  write($("ask-title"), title);
  write($("ask-text"), text);
  write($("ask-yes"), yes);
  show($("ask-field"), input !== null);
  $("ask-input").value = input ?? "";
  $("ask-input").required = input !== null;
  return new Promise((resolve) => {
    let answer = null;
    const form = dialog.querySelector("form");
    const no = () => dialog.close();
    const submit = (event) => {
      event.preventDefault();
      answer = { text: $("ask-input").value.trim() };
      dialog.close();
    };
    const close = () => {
      form.removeEventListener("submit", submit);
      $("ask-no").removeEventListener("click", no);
      dialog.removeEventListener("close", close);
      before?.focus?.();
      resolve(answer);
    };
    form.addEventListener("submit", submit);
    $("ask-no").addEventListener("click", no);
    dialog.addEventListener("close", close);
    dialog.showModal();
    (input !== null ? $("ask-input") : $("ask-no")).focus();
  });
}
