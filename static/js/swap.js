// Around htmx swaps: mark what is being replaced as busy, keep the keyboard where it was, say what failed.

let focused = "";

document.addEventListener("htmx:beforeRequest", (event) => {
  event.detail.target?.setAttribute("aria-busy", "true");
});

document.addEventListener("htmx:afterRequest", (event) => {
  event.detail.target?.removeAttribute("aria-busy");
});

// htmx restores focus by id; elements without one are found again by their address or name.
function address(element) {
  if (!element || element === document.body || element.id) return "";
  if (element.matches("a[href]")) return `a[href="${CSS.escape(element.getAttribute("href"))}"]`;
  if (element.name) return `[name="${CSS.escape(element.name)}"][value="${CSS.escape(element.value)}"]`;
  return "";
}

document.addEventListener("htmx:beforeSwap", (event) => {
  focused = event.detail.target?.contains(document.activeElement) ? address(document.activeElement) : "";
  // Signed out meanwhile: show the sign-in page, not its markup inside a card.
  const landed = event.detail.xhr.responseURL;
  if (landed && new URL(landed).pathname.includes("/login")) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});

document.addEventListener("htmx:afterSettle", () => {
  if (focused && document.activeElement === document.body) document.querySelector(focused)?.focus();
  focused = "";
  const live = document.querySelector("[data-announce]");
  const region = document.getElementById("announce");
  if (live && region && region.textContent !== live.dataset.announce) region.textContent = live.dataset.announce;
});

function failed() {
  const region = document.getElementById("toasts");
  const template = document.getElementById("toast-failed");
  if (region && template) region.append(template.content.cloneNode(true));
}

document.addEventListener("htmx:responseError", failed);
document.addEventListener("htmx:sendError", failed);
