// Which columns a list shows, in which order, and the row height. Kept in cookies, so the server renders them:
// columns_<list> = keys joined by dots, density = loose | normal | compact.

const year = ";path=/;max-age=31536000;samesite=lax";

function reload(pop) {
  const target = document.querySelector(`[data-list="${CSS.escape(pop.dataset.columns)}"]`);
  if (window.htmx && target?.id) {
    window.htmx.ajax("GET", location.href, { target: `#${target.id}`, swap: "outerHTML" });
  } else {
    location.reload();
  }
}

function save(pop) {
  const keys = [...pop.querySelectorAll("input:checked:not(:disabled)")].map((box) => box.value);
  document.cookie = `columns_${pop.dataset.columns}=${keys.join(".")}${year}`;
  pop.dataset.changed = "true";
}

document.addEventListener("change", (event) => {
  const pop = event.target.closest?.("[data-columns]");
  if (pop) save(pop);
});

document.addEventListener("click", (event) => {
  const reset = event.target.closest("[data-columns-reset]");
  if (reset) {
    const pop = reset.closest("[data-columns]");
    document.cookie = `columns_${pop.dataset.columns}=;path=/;max-age=0;samesite=lax`;
    reload(pop);
  }
  const density = event.target.closest("[data-density-set]");
  if (density) {
    document.documentElement.dataset.density = density.dataset.densitySet;
    document.cookie = `density=${density.dataset.densitySet}${year}`;
    pressDensity();
  }
});

document.addEventListener("keydown", (event) => {
  const grip = event.target.closest?.("[data-columns] [data-move]");
  if (!grip || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  event.preventDefault();
  const row = grip.closest("li");
  const other = event.key === "ArrowUp" ? row.previousElementSibling : row.nextElementSibling;
  if (!other?.querySelector("[data-move]")) return;
  if (event.key === "ArrowUp") other.before(row);
  else other.after(row);
  grip.focus();
  save(grip.closest("[data-columns]"));
});

// The list is fetched again once, when the popover closes.
new MutationObserver((changes) => {
  for (const { target } of changes) {
    if (target.matches("[data-columns][hidden][data-changed]")) {
      delete target.dataset.changed;
      reload(target);
    }
  }
}).observe(document.body, { subtree: true, attributeFilter: ["hidden"] });

function pressDensity() {
  for (const button of document.querySelectorAll("[data-density-set]")) {
    const on = button.dataset.densitySet === (document.documentElement.dataset.density || "normal");
    button.setAttribute("aria-pressed", String(on));
  }
}

document.addEventListener("htmx:afterSettle", pressDensity);
pressDensity();
