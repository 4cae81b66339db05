// Popovers and menus: a button with data-menu="id" shows and hides #id. Escape and a click elsewhere close it,
// arrow keys walk a .menu. Also the folded navigation of small screens.

const opener = (id) => document.querySelector(`[data-menu="${CSS.escape(id)}"]`);
let open = null;

function close(returnFocus = false) {
  if (!open) return;
  const button = opener(open.id);
  open.hidden = true;
  button?.setAttribute("aria-expanded", "false");
  if (returnFocus) button?.focus();
  open = null;
}

function show(button) {
  const pop = document.getElementById(button.dataset.menu);
  if (!pop) return;
  close();
  pop.hidden = false;
  button.setAttribute("aria-expanded", "true");
  open = pop;
  if (pop.classList.contains("menu")) items(pop)[0]?.focus();
}

const items = (pop) => [...pop.querySelectorAll("a[href], button:not([disabled])")];

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-menu]");
  if (button) {
    const same = open && open.id === button.dataset.menu;
    if (same) close(true);
    else show(button);
    return;
  }
  if (open && (!open.contains(event.target) || event.target.closest(".menu-i"))) close();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    if (open) {
      event.preventDefault();
      close(true);
    } else {
      foldNav();
    }
    return;
  }
  if (!open?.classList.contains("menu")) return;
  const all = items(open);
  const at = all.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined || !all.length) return;
  event.preventDefault();
  all[(to + all.length) % all.length].focus();
});

document.addEventListener("focusout", (event) => {
  const to = event.relatedTarget;
  if (open && to && !open.contains(to) && to !== opener(open.id)) close();
});

const app = document.querySelector("[data-app]");
const navButton = document.querySelector("[data-nav-open]");

function foldNav() {
  if (!app?.classList.contains("nav-open")) return;
  app.classList.remove("nav-open");
  app.querySelector(".main").inert = false;
  navButton.setAttribute("aria-expanded", "false");
  navButton.focus();
}

navButton?.addEventListener("click", () => {
  app.classList.add("nav-open");
  app.querySelector(".main").inert = true;
  navButton.setAttribute("aria-expanded", "true");
  app.querySelector("[data-nav-close]").focus();
});

app?.addEventListener("click", (event) => {
  if (event.target.closest("[data-nav-close]") || event.target === app) foldNav();
});
