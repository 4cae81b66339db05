// [data-autosubmit] on a field sends its form when it changes. The query form: [data-query-more] unfolds the other
// fields; empty fields are left out of the address.

document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-autosubmit]")) event.target.form.requestSubmit();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-query-more]");
  if (!button) return;
  const form = button.closest("[data-query]");
  const more = document.getElementById(button.getAttribute("aria-controls"));
  const open = more.hidden;
  more.hidden = !open;
  form.dataset.expanded = String(open);
  button.setAttribute("aria-expanded", String(open));
  button.querySelector("span").textContent = open ? button.dataset.less : button.dataset.more;
  if (open) more.querySelector("input, select")?.focus();
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-query]")) return;
  for (const field of event.target.elements) {
    if (field.name && !field.value && !field.disabled) {
      field.disabled = true;
      setTimeout(() => (field.disabled = false));
    }
  }
});

document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.matches?.("[data-query]")) return;
  const { parameters } = event.detail;
  for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
});

// A drop zone: [data-drop] around a file input takes files dropped on it and shows the name.
for (const type of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    const zone = event.target.closest?.("[data-drop]");
    if (!zone) return;
    event.preventDefault();
    zone.classList.toggle("over", type === "dragover");
    if (type === "drop" && event.dataTransfer.files.length) {
      const input = zone.querySelector("input[type=file]");
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
}
