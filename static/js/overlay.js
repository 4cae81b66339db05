// Dialogs and the drawer, all native <dialog>. data-dialog-open="id" opens one; data-close closes the one around it.
// What htmx swaps into #drawer-body or #dialog-body opens its dialog; a response that swaps nothing into it, or the
// server's HX-Trigger "closeOverlay", closes it again. Focus returns to where it was.

const openers = new WeakMap();

function show(dialog, from) {
  if (dialog.open) return;
  openers.set(dialog, from ?? document.activeElement);
  dialog.showModal();
}

function focusInside(dialog) {
  const invalid = dialog.querySelector('[aria-invalid="true"]');
  const field = dialog.querySelector(".dlg-b input:not([type=hidden]), .dlg-b select, .dlg-b textarea");
  (invalid ?? field ?? dialog.querySelector("[data-autofocus]") ?? dialog).focus();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog-open]");
  if (opener) {
    event.preventDefault();
    const dialog = document.getElementById(opener.dataset.dialogOpen);
    show(dialog, opener);
    focusInside(dialog);
    return;
  }
  if (event.target.closest("[data-close]")) {
    const dialog = event.target.closest("dialog");
    if (dialog) {
      event.preventDefault();
      dialog.close();
    }
    return;
  }
  // A click on the backdrop lands on the dialog itself, outside its box.
  if (event.target instanceof HTMLDialogElement) {
    const box = event.target.getBoundingClientRect();
    const inside =
      event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) event.target.close();
  }
});

document.addEventListener(
  "close",
  (event) => {
    const dialog = event.target;
    if (!(dialog instanceof HTMLDialogElement)) return;
    const opener = openers.get(dialog);
    if (opener?.isConnected) opener.focus();
    if (dialog.matches("#drawer, #dialog")) dialog.firstElementChild.replaceChildren();
  },
  true,
);

document.addEventListener("htmx:afterSwap", (event) => {
  const target = event.detail.target;
  const dialog = target?.closest?.("#drawer, #dialog");
  // A part of an open one that follows what is typed leaves the keyboard where it is.
  if (!dialog || (dialog.open && target !== dialog.firstElementChild)) return;
  const heading = dialog.querySelector("h2");
  if (heading?.id) {
    dialog.setAttribute("aria-labelledby", heading.id);
    dialog.removeAttribute("aria-label");
  }
  show(dialog, event.detail.requestConfig?.elt);
  focusInside(dialog);
});

document.addEventListener("closeOverlay", () => {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
});
