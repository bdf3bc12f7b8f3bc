// Against a second press while the first is on its way. Everything else works without JavaScript.

const SENT = "paypartsSent";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches(".payparts__form") || event.defaultPrevented) return;
  if (form.dataset[SENT]) {
    event.preventDefault();
    return;
  }
  form.dataset[SENT] = "yes";
  form.querySelector(".payparts__submit").setAttribute("aria-disabled", "true");
});

// A page that comes back out of the browser's cache is a new chance to press.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll(".payparts__form")) {
    delete form.dataset[SENT];
    form.querySelector(".payparts__submit").removeAttribute("aria-disabled");
  }
});
