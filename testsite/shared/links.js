/** Links that look like links and send the form around them. */
export function submitLinks(links) {
  for (const link of links) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      link.closest("form").requestSubmit();
    });
  }
}
