// Toasts leave by themselves after eight seconds, unless they hold an action, are an error, or are being read.

const SECONDS = 8;

function arm(toast) {
  if (toast.dataset.armed) return;
  toast.dataset.armed = "true";
  if (toast.dataset.level === "error" || toast.querySelector("a, form")) return;
  let timer = 0;
  const start = () => (timer = setTimeout(() => toast.remove(), SECONDS * 1000));
  const stop = () => clearTimeout(timer);
  toast.addEventListener("pointerenter", stop);
  toast.addEventListener("pointerleave", start);
  toast.addEventListener("focusin", stop);
  toast.addEventListener("focusout", start);
  start();
}

document.addEventListener("click", (event) => {
  event.target.closest("[data-toast-close]")?.closest("[data-toast]").remove();
});

const region = document.getElementById("toasts");
if (region) {
  const armAll = () => region.querySelectorAll("[data-toast]").forEach(arm);
  new MutationObserver(armAll).observe(region, { childList: true });
  armAll();
}
