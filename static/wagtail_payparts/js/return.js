// Looks again for what has become of the payment, and changes the page only when there is news.

const SELECTOR = "[data-payparts-return]";
const OUTCOME = "[data-payparts-outcome]";

function plan() {
  const { next, pause } = document.querySelector(SELECTOR).dataset;
  if (next) setTimeout(look, Number(pause) * 1000, next);
}

async function look(url) {
  const shown = document.querySelector(SELECTOR);
  let seen;
  try {
    const answer = await fetch(url, { cache: "no-store", credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    seen = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(SELECTOR);
  } catch {
    // Without a network, or while the shop restarts: the same question later.
    plan();
    return;
  }
  if (!seen) return;
  const code = (box) => box.querySelector(OUTCOME).dataset.paypartsOutcome;
  if (code(seen) === code(shown) && seen.dataset.next) {
    Object.assign(shown.dataset, { next: seen.dataset.next, pause: seen.dataset.pause });
  } else {
    update(shown, seen);
  }
  plan();
}

function update(shown, seen) {
  const status = shown.querySelector(OUTCOME);
  const news = seen.querySelector(OUTCOME);
  // The element that screen readers watch stays in place, so that its new text is read out.
  status.className = news.className;
  status.dataset.paypartsOutcome = news.dataset.paypartsOutcome;
  status.replaceChildren(...news.childNodes);
  while (status.nextSibling) status.nextSibling.remove();
  while (news.nextSibling) shown.append(news.nextSibling);
  delete shown.dataset.next;
  Object.assign(shown.dataset, seen.dataset);
  document.title = `${status.querySelector("h1").textContent}`;
}

plan();
