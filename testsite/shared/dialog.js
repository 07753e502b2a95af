import { post } from "./http.js";

/** A modal dialog: keeps the focus inside, closes with Escape, and gives the focus back. */
export function dialog({ opener, overlay, closers }) {
  const focusable = "a[href], button:not([disabled]), input:not([disabled]), select, textarea";

  function open(event) {
    event.preventDefault();
    overlay.hidden = false;
    overlay.querySelector("input").focus();
    document.addEventListener("keydown", onKey);
  }

  function close() {
    overlay.hidden = true;
    document.removeEventListener("keydown", onKey);
    opener.focus();
  }

  function onKey(event) {
    if (event.key === "Escape") return close();
    if (event.key !== "Tab") return;
    const inside = [...overlay.querySelectorAll(focusable)].filter((e) => e.offsetParent !== null);
    const edge = event.shiftKey ? inside[0] : inside[inside.length - 1];
    if (document.activeElement !== edge) return;
    event.preventDefault();
    (event.shiftKey ? inside[inside.length - 1] : inside[0]).focus();
  }

  opener.addEventListener("click", open);
  for (const closer of closers) closer.addEventListener("click", close);
  overlay.addEventListener("click", (event) => event.target === overlay && close());
}

/** Sends a form in the background and shows the answer; calls done after a success. */
export function answerInPlace({ form, output, done = () => {} }) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await post(form.action, new FormData(form));
    output.textContent = answer.message;
    output.classList.toggle("is-error", !answer.ok);
    if (answer.ok) done(answer);
  });
}
