// Ctrl-K or ⌘K: one field over members, pages and actions. The server renders the options.

const dialog = document.querySelector("[data-palette]");

if (dialog) {
  const input = dialog.querySelector("input");
  const list = dialog.querySelector('[role="listbox"]');
  let timer = 0;
  let running = null;

  const options = () => [...list.querySelectorAll("a[role=option]")];

  function select(option) {
    for (const other of options()) other.setAttribute("aria-selected", String(other === option));
    if (option) {
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  }

  async function search() {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    list.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(dialog.dataset.url, {
        method: "POST",
        headers: { "HX-Request": "true", "X-CSRFToken": dialog.dataset.csrf },
        // Posted: what is typed may be a phone number, and addresses are logged.
        body: new URLSearchParams({ q: input.value.trim() }),
        signal: mine.signal,
      });
      // Signed out meanwhile: the whole page goes to the sign-in form.
      if (response.redirected) return location.reload();
      if (!response.ok) return;
      list.innerHTML = await response.text();
      select(options()[0]);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    } finally {
      if (running === mine) list.removeAttribute("aria-busy");
    }
  }

  function show() {
    if (dialog.open) return;
    dialog.showModal();
    input.select();
    search();
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette-open]")) show();
  });

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (dialog.open) dialog.close();
      else show();
    }
  });

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 120);
  });

  input.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (all.length) select(all[(at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]);
    } else if (event.key === "Enter" && !event.isComposing && all[at]) {
      event.preventDefault();
      all[at].click();
    }
  });
}

// On a Mac the key is ⌘.
if (/Mac|iPhone|iPad/.test(navigator.platform)) {
  for (const key of document.querySelectorAll("[data-mod-key]")) key.textContent = `⌘ ${key.dataset.modKey}`;
}
