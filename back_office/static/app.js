// What pages can do beyond plain HTML. Everything works without it.

async function copy(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

function showCopyButtons(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("button.copy")) button.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.copy");
  if (button) copy(button);
});

// A slider says at once where it stands.
document.addEventListener("input", (event) => {
  const shown = document.querySelector(`output[for="${event.target.id}"]`);
  if (shown) shown.textContent = event.target.value;
});

// A second click while the first is on its way would be the same request; say so instead.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.hasAttribute("data-once")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  const button = form.querySelector("button.main");
  button.setAttribute("aria-busy", "true");
  button.textContent = "Sending ...";
});

// The page may come back from the browser's cache with the form as it was sent.
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

document.addEventListener("htmx:after:swap", () => showCopyButtons(document));
showCopyButtons(document);

// On a phone the navigation is one line that scrolls: show where in it the page is.
const here = document.querySelector('nav[aria-label="Main"] [aria-current]');
if (here) here.parentElement.scrollLeft = here.offsetLeft - (here.parentElement.clientWidth - here.offsetWidth) / 2;
