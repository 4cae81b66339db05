// Acts that touch many people ask for their number to be typed: [data-confirm="3345"] holds the field, and the
// submit button of its form stays disabled until it matches. The server checks the number again.

const digits = (text) => text.normalize("NFKC").replace(/\D/g, "");

function check(scope) {
  const form = scope.closest("form");
  const right = digits(scope.querySelector("input").value) === digits(scope.dataset.confirm);
  for (const button of form.querySelectorAll("[type=submit]:not([data-no-confirm])")) button.disabled = !right;
}

document.addEventListener("input", (event) => {
  const scope = event.target.closest?.("[data-confirm]");
  if (scope) check(scope);
});

function checkAll() {
  for (const scope of document.querySelectorAll("[data-confirm]")) check(scope);
}

document.addEventListener("htmx:afterSettle", checkAll);
checkAll();
