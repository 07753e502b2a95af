import { post } from "./http.js";

/** A text that becomes a field by double click; Enter saves it, Escape leaves it as it was. */
export function editInPlace({ text, input, output, url, fieldName }) {
  function open() {
    input.value = text.textContent;
    text.hidden = true;
    input.hidden = false;
    input.focus();
    input.select();
  }

  function close() {
    input.hidden = true;
    text.hidden = false;
  }

  async function save() {
    const answer = await post(url, { [fieldName]: input.value });
    output.textContent = answer.message;
    output.classList.toggle("is-error", !answer.ok);
    if (!answer.ok) return;
    text.textContent = input.value.trim();
    close();
  }

  text.addEventListener("dblclick", open);
  text.addEventListener("keydown", (event) => event.key === "Enter" && open());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") save();
    if (event.key === "Escape") close();
  });
}
