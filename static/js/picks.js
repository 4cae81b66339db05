// The segment builder's lists that open under a button: they close when one looks elsewhere, stay open over a swap while
// one is choosing, and are searched by typing: arrows walk what is left, Enter takes it. After a step the keyboard is at
// what the step made ([data-focus] of the swapped part names it).
const open = () => [...document.querySelectorAll("details[data-pick][open]")];
const FIELDS = ".rule-f select, .rule-f input:not([type=hidden]), .rule-f summary";
let kept = [];
let made = "";
let step = null;
let typed = null;

document.addEventListener("click", event => {
  for (const pick of open()) if (!pick.contains(event.target)) pick.open = false;
  const clip = event.target.closest("[data-clip]");
  if (clip) navigator.clipboard?.writeText(clip.dataset.clip).catch(() => {});
});

document.addEventListener("toggle", event => {
  if (event.target.matches("details[data-pick][open]")) event.target.querySelector("[data-pick-find]")?.focus();
}, true);

const shown = pick => [...pick.querySelectorAll("button.menu-i")].filter(button => !button.hidden);

function narrow(pick, text) {
  const wanted = text.trim().toLowerCase();
  for (const group of pick.querySelectorAll(".pick-g")) {
    const inGroup = group.querySelector("h3").textContent.toLowerCase().includes(wanted);
    for (const button of group.querySelectorAll("button")) {
      button.hidden = !inGroup && !button.textContent.toLowerCase().includes(wanted);
    }
    group.hidden = !group.querySelector("button:not([hidden])");
  }
  pick.querySelector(".pick-none").hidden = shown(pick).length > 0;
}

document.addEventListener("input", event => {
  if (event.target.matches("[data-pick-find]")) narrow(event.target.closest("details"), event.target.value);
});
// What is searched for is no part of the rule: it must not be counted anew.
document.addEventListener("change", event => {
  if (event.target.matches("[data-pick-find]")) event.stopPropagation();
}, true);

document.addEventListener("keydown", event => {
  const pick = event.target.closest?.("details[data-pick][open]");
  if (event.key === "Escape") {
    for (const each of open()) {
      each.open = false;
      each.querySelector("summary").focus();
    }
  } else if (pick && event.key === "Enter" && event.target.matches("[data-pick-find]")) {
    event.preventDefault();
    // The best is the one that begins so, else the first that holds it.
    const wanted = event.target.value.trim().toLowerCase();
    const found = shown(pick);
    (found.find(button => button.textContent.toLowerCase().startsWith(wanted)) ?? found[0])?.click();
  } else if (pick && (event.key === "ArrowDown" || event.key === "ArrowUp") && event.target.matches("[data-pick-find], .menu-i")) {
    event.preventDefault();
    const all = [pick.querySelector("[data-pick-find]"), ...shown(pick)];
    all.at((all.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length).focus();
  }
});

document.addEventListener("htmx:configRequest", event => {
  made = event.detail.parameters.do ?? "";
});
// A step carries every value. The recount that a value changed just before asks for a little later must not replace it.
document.addEventListener("htmx:confirm", event => {
  if (step && event.detail.triggeringEvent?.type === "change") event.preventDefault();
});
document.addEventListener("htmx:beforeSend", event => {
  if (event.detail.requestConfig.parameters.do) step = event.detail.xhr;
});
document.addEventListener("htmx:afterRequest", event => {
  if (event.detail.xhr === step) step = null;
});
document.addEventListener("htmx:beforeSwap", () => {
  const input = document.activeElement?.closest("#rule input:not([type=checkbox], [type=hidden])");
  typed = input?.id ? { id: input.id, value: input.value, isNew: input.value !== input.defaultValue } : null;
  // A step is done with its list; a recount comes while one may still be choosing.
  kept = open().filter(pick => pick.dataset.pick === "keep" || !made).map(pick => pick.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of kept) {
    const pick = document.getElementById(id);
    if (pick) pick.open = true;
  }
  kept = [];
  // What is being typed while an answer comes stays, and counts once one leaves the field; else the next key replaces.
  const input = typed && document.getElementById(typed.id);
  if (input && typed.isNew) {
    input.value = typed.value;
    if (input.matches("[data-pick-find]")) narrow(input.closest("details"), input.value);
    else input.dataset.typed = "";
    // At once: the next key must not be lost. A list that was closed over the swap could not be given the focus back.
    input.focus();
  } else if (input) {
    input.focus();
    input.select();
  }
  typed = null;
});
document.addEventListener("focusout", event => {
  const input = event.target;
  if (!input.matches("#rule input[data-typed]")) return;
  delete input.dataset.typed;
  if (input.value !== input.defaultValue) input.dispatchEvent(new Event("change", { bubbles: true }));
});
document.addEventListener("htmx:afterSettle", () => {
  // A refused save: on to what is to be mended.
  if (made === "save") document.querySelector("#builder [aria-invalid=true]")?.focus();
  const rule = document.getElementById("rule");
  const element = rule?.dataset.focus && document.getElementById(rule.dataset.focus);
  if (!element) return;
  // Once: the figures beside the rule settle on their own.
  delete rule.dataset.focus;
  const [verb, , way] = made.split(" ");
  const again = verb === "move" && element.querySelector(`button[value^="move"][value$=" ${way}"]:not(:disabled)`);
  const first = element.querySelector(FIELDS) ?? element.querySelector("summary");
  (element.id === "review" ? element : again || first || element).focus();
});
