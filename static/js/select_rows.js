// Selecting rows for a bulk action. Inside [data-select]: [data-select-row] boxes, one [data-select-page] box, and the
// bar [data-bulk] with its count. "Select all" covers every page: it sends all=1 and the server repeats the query.

function parts(scope) {
  return {
    boxes: [...scope.querySelectorAll("[data-select-row]")],
    page: scope.querySelector("[data-select-page]"),
    bar: scope.querySelector("[data-bulk]"),
    all: scope.querySelector("[data-select-all]"),
    allValue: scope.querySelector("[data-select-all-value]"),
    count: scope.querySelector("[data-select-count]"),
  };
}

function render(scope) {
  const { boxes, page, bar, all, allValue, count } = parts(scope);
  if (!bar) return;
  const chosen = boxes.filter((box) => box.checked).length;
  const everywhere = allValue?.value === "1";
  for (const box of boxes) box.closest("tr, li").classList.toggle("on", box.checked);
  bar.classList.toggle("on", chosen > 0);
  if (page) {
    page.checked = chosen > 0 && chosen === boxes.length;
    page.indeterminate = chosen > 0 && chosen < boxes.length;
  }
  if (all) all.hidden = everywhere || chosen < boxes.length;
  if (count) {
    const words = everywhere ? count.dataset.all : chosen === 1 ? count.dataset.one : count.dataset.many;
    count.textContent = chosen ? words.replace("{n}", chosen.toLocaleString(document.documentElement.lang)) : "";
  }
}

document.addEventListener("change", (event) => {
  const scope = event.target.closest?.("[data-select]");
  if (!scope || !event.target.matches("[data-select-row], [data-select-page], [data-select-none]")) return;
  const { boxes, allValue } = parts(scope);
  if (allValue) allValue.value = "";
  if (event.target.matches("[data-select-page]")) for (const box of boxes) box.checked = event.target.checked;
  if (event.target.matches("[data-select-none]")) {
    for (const box of boxes) box.checked = false;
    event.target.checked = true;
    parts(scope).page?.focus();
  }
  render(scope);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-select-all]");
  if (!button) return;
  const scope = button.closest("[data-select]");
  parts(scope).allValue.value = "1";
  render(scope);
  scope.querySelector("[data-select-none]").focus();
});

// Shift-click takes the rows between.
let last = null;
document.addEventListener("click", (event) => {
  const box = event.target.closest?.("[data-select-row]");
  if (!box) return;
  if (event.shiftKey && last?.isConnected) {
    const { boxes } = parts(box.closest("[data-select]"));
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    if (from >= 0) for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
  }
  last = box;
});

function renderAll() {
  for (const scope of document.querySelectorAll("[data-select]")) render(scope);
}

document.addEventListener("htmx:afterSettle", renderAll);
addEventListener("pageshow", renderAll);
renderAll();
