// Keys for lists: J and K walk the rows of the table in focus (or the page's first), X selects, Enter opens; "/" goes to
// the query field, "?" shows the list of keys. Single keys can be switched off there (WCAG 2.1.4) and never act while
// something is being typed. [data-key] names the Alt key of a control, which works while one types as well.

const STORE = "single-key-shortcuts";
const help = document.querySelector("[data-shortcuts]");
const toggle = help?.querySelector("[data-shortcuts-toggle]");

function enabled() {
  return localStorage.getItem(STORE) !== "off";
}

if (toggle) {
  toggle.checked = enabled();
  toggle.addEventListener("change", () => localStorage.setItem(STORE, toggle.checked ? "on" : "off"));
}

function typing(target) {
  return target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
}

const rows = () => [...document.querySelectorAll("[data-list] tbody tr")];
const link = (row) => row.querySelector("th a, td a");

function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const to = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
  link(all[to])?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (!enabled() || typing(event.target) || document.querySelector("dialog[open]")) return;
  const row = document.activeElement?.closest?.("[data-list] tbody tr");
  const act = {
    j: () => step(1),
    k: () => step(-1),
    x: () => row?.querySelector("[data-select-row]")?.click(),
    "/": () => document.querySelector("[data-query] input:not([type=hidden])")?.focus(),
    "?": () => help?.showModal(),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// The key's place on the board, because Alt changes the character on some keyboards.
document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey || !event.code.startsWith("Key")) return;
  const control = document.querySelector(`[data-key="${event.code.slice(3).toLowerCase()}"]`);
  if (!control || control.disabled || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  if (control.matches("input")) control.select();
  else control.click();
  // At once, before the list tells that it opened: the next key belongs into its search field.
  if (control.matches("summary")) control.parentElement.querySelector("input[type=search]")?.focus();
});
