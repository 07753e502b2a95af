/**
 * Validation in the page: the browser finds what is wrong, the page says it in the shop's words.
 * message(field) is the text for a field, place(field) the element in which it is shown.
 */
export function validate({ form, summary, message, place }) {
  form.noValidate = true;

  function check(field) {
    const text = field.validity.valid ? "" : message(field);
    place(field).textContent = text;
    if (text) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    return text;
  }

  const fields = [...form.elements].filter((element) => element.willValidate && message(element));
  for (const field of fields) {
    field.addEventListener("change", () => field.hasAttribute("aria-invalid") && check(field));
  }
  form.addEventListener("submit", (event) => {
    const wrong = fields.filter((field) => check(field));
    summary.hidden = wrong.length === 0;
    if (wrong.length === 0) return;
    event.preventDefault();
    summary.textContent =
      wrong.length === 1 ? "Please correct 1 field." : `Please correct ${wrong.length} fields.`;
    wrong[0].focus();
  });
}
