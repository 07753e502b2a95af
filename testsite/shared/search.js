import { fragment } from "./http.js";

const debounce = 200;

/** Results that load when the page opens and follow what is typed; an outdated answer is never shown. */
export function liveSearch({ input, sorting, list, spinner, summary, itemSelector, query }) {
  let timer;
  let running;

  async function load() {
    running?.abort();
    const mine = (running = new AbortController());
    spinner.hidden = false;
    list.setAttribute("aria-busy", "true");
    try {
      const html = await fragment(`/catalogue/results?${new URLSearchParams(query())}`, mine.signal);
      list.innerHTML = html;
      const found = list.querySelectorAll(itemSelector).length;
      summary.textContent = found === 1 ? "1 spice found" : `${found} spices found`;
    } catch (error) {
      if (error.name === "AbortError") return;
      summary.textContent = "The spices could not be loaded. Please try again.";
    }
    spinner.hidden = true;
    list.setAttribute("aria-busy", "false");
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(load, debounce);
  });
  input.form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    load();
  });
  sorting.addEventListener("change", load);
  load();
  return load;
}
