// Light and dark. The choice is a cookie, so the server renders it and no page flashes.

const root = document.documentElement;

function remember(theme) {
  document.cookie = `theme=${theme};path=/;max-age=31536000;samesite=lax`;
}

function apply(theme) {
  root.dataset.bsTheme = theme;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.setAttribute("aria-pressed", String(theme === "dark"));
  }
}

if (!/(?:^|; )theme=/.test(document.cookie)) {
  const theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  remember(theme);
  apply(theme);
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const theme = root.dataset.bsTheme === "dark" ? "light" : "dark";
  remember(theme);
  apply(theme);
});
