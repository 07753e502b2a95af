import { fragment } from "./http.js";

/** Loads the next portion whenever the end of the list comes into view. nextOf(list) is its number, or nothing. */
export function endless({ list, end, nextOf }) {
  let loading = false;

  async function more() {
    const next = nextOf();
    if (loading || !next) return;
    loading = true;
    const html = await fragment(`/journal/entries?page=${next}`);
    end.before(document.createRange().createContextualFragment(html));
    loading = false;
    if (nextOf()) {
      // Observing anew reports at once whether the end is still in view.
      observer.unobserve(end);
      observer.observe(end);
      return;
    }
    observer.disconnect();
    end.textContent = "You have read all our stories.";
    list.setAttribute("aria-busy", "false");
  }

  const observer = new IntersectionObserver((entries) => entries.some((e) => e.isIntersecting) && more());
  observer.observe(end);
}
