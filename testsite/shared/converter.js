const gramsPerTeaspoon = { cinnamon: 2.6, paprika: 2.3, turmeric: 3, cumin: 2.1 };

/** Registers a custom element that converts teaspoons to grams, in an open shadow root with the given HTML and CSS. */
export function defineConverter({ tag, html, css, find }) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  customElements.define(
    tag,
    class extends HTMLElement {
      connectedCallback() {
        const root = this.attachShadow({ mode: "open" });
        root.adoptedStyleSheets = [sheet];
        root.innerHTML = html;
        const { spice, amount, button, output } = find(root);
        button.addEventListener("click", (event) => {
          event.preventDefault();
          const grams = Number(amount.value) * gramsPerTeaspoon[spice.value];
          output.textContent = grams > 0 ? `${grams.toFixed(1)} g` : "Enter a number above zero.";
        });
      }
    },
  );
}
