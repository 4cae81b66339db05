// Lists that open under a button: they close when one looks elsewhere, and stay open over a swap while one is choosing.
const open = () => [...document.querySelectorAll("details[data-pick][open]")];
let kept = [];

document.addEventListener("click", event => {
  for (const pick of open()) if (!pick.contains(event.target)) pick.open = false;
});
document.addEventListener("keydown", event => {
  if (event.key !== "Escape") return;
  for (const pick of open()) {
    pick.open = false;
    pick.querySelector("summary").focus();
  }
});
document.addEventListener("htmx:beforeSwap", () => {
  kept = open().filter(pick => pick.dataset.pick === "keep").map(pick => pick.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of kept) {
    const pick = document.getElementById(id);
    if (pick) pick.open = true;
  }
  kept = [];
});
