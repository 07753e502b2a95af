/**
 * A combobox with a list: typing filters, arrow keys move, Enter chooses, Escape closes.
 * valueOf(option) is what an option stands for.
 */
export function combobox({ input, list, valueOf, onChoose }) {
  const options = [...list.querySelectorAll('[role="option"]')];
  let active = -1;
  let chosen = input.value;

  const shown = () => options.filter((option) => !option.hidden);

  function mark(index) {
    active = index;
    for (const option of options) option.setAttribute("aria-selected", "false");
    const option = shown()[active];
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  }

  function open(text) {
    for (const option of options) option.hidden = !option.textContent.toLowerCase().includes(text.toLowerCase());
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(-1);
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.value = chosen;
    mark(-1);
  }

  function choose(option) {
    chosen = option.textContent.trim();
    close();
    onChoose(valueOf(option));
  }

  input.addEventListener("click", () => (list.hidden ? open("") : close()));
  input.addEventListener("input", () => open(input.value));
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (list.hidden) open("");
      const count = shown().length;
      mark(active < 0 ? (step > 0 ? 0 : count - 1) : (active + step + count) % count);
    } else if (event.key === "Enter" && !list.hidden) {
      event.preventDefault();
      const option = shown()[active];
      if (option) choose(option);
    } else if (event.key === "Escape") {
      close();
    }
  });
  for (const option of options) {
    option.addEventListener("mousedown", (event) => {
      event.preventDefault();
      choose(option);
    });
  }
}
