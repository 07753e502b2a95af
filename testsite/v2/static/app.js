// Wires the shop's shared behaviours to the markup of version 2.
import { addInPlace } from "../../shared/basket.js";
import { combobox } from "../../shared/combobox.js";
import { defineConverter } from "../../shared/converter.js";
import { answerInPlace, dialog } from "../../shared/dialog.js";
import { editInPlace } from "../../shared/editing.js";
import { endless } from "../../shared/endless.js";
import { submitLinks } from "../../shared/links.js";
import { liveSearch } from "../../shared/search.js";
import { validate } from "../../shared/validation.js";

const qa = (name) => document.querySelector(`[data-qa="${name}"]`);

if (qa("club")) {
  dialog({ opener: qa("club-open"), overlay: qa("club-veil"), closers: [qa("club-cancel")] });
  answerInPlace({ form: qa("club"), output: qa("club-answer") });
}

if (qa("filter")) {
  const load = liveSearch({
    input: qa("find"),
    sorting: qa("order"),
    list: qa("tiles"),
    spinner: qa("busy"),
    summary: qa("hits"),
    itemSelector: ".sx-tile",
    query: () => ({ q: qa("find").value, region: qa("origin").value, sort: qa("order").value }),
  });
  combobox({
    input: document.querySelector("#sx-origin"),
    list: document.querySelector("#sx-origin-list"),
    valueOf: (option) => option.dataset.key,
    onChoose: (origin) => {
      qa("origin").value = origin;
      load();
    },
  });
}

if (qa("buy")) {
  const size = qa("buy").elements.size;
  addInPlace({ form: qa("buy"), output: qa("buy-answer"), counters: [qa("basket-total")] });
  size.addEventListener("change", () => {
    qa("cost").textContent = size.selectedOptions[0].dataset.cost;
  });
}

if (qa("pay-form")) {
  validate({
    form: qa("pay-form"),
    summary: qa("pay-alert"),
    message: (field) => field.dataset.msg,
    place: (field) => document.getElementById(`${field.id}-msg`),
  });
}

if (qa("nick")) {
  editInPlace({
    text: qa("nick"),
    input: qa("nick-field"),
    output: qa("nick-answer"),
    url: "/account/name",
    fieldName: "full_name",
  });
}

if (qa("picture")) {
  qa("picture").addEventListener("change", () => {
    qa("picked").textContent = qa("picture").files[0]?.name ?? "Choose a picture";
  });
}

if (qa("notes")) {
  endless({
    list: qa("notes"),
    end: qa("notes-end"),
    nextOf: () => qa("notes-end").previousElementSibling.dataset.page,
  });
}

submitLinks(document.querySelectorAll("[data-submit]"));

defineConverter({
  tag: "measure-tool",
  html: `
    <label>Spoons <input class="spoons" type="number" min="0" step="0.5" value="1"></label>
    <label>of <select class="what" aria-label="Which spice">
      <option value="cinnamon">Cinnamon</option>
      <option value="cumin">Cumin</option>
      <option value="paprika">Paprika</option>
      <option value="turmeric">Turmeric</option>
    </select></label>
    <a class="go" href="#" role="button">Calculate</a>
    <p class="result" role="status"></p>`,
  css: `
    :host { display: flex; flex-wrap: wrap; align-items: end; gap: 16px; }
    label { display: grid; gap: 4px; font-size: 13px; color: #51616b; }
    input, select { font: inherit; font-size: 16px; padding: 10px; border: 0; border-bottom: 2px solid #12404a; background: #f1f5f5; }
    .go { padding: 11px 22px; border-radius: 999px; background: #0f766e; color: #fff; font-weight: 700; text-decoration: none; }
    .result { flex-basis: 100%; margin: 0; font-size: 28px; font-weight: 800; color: #12404a; min-height: 1.2em; }`,
  find: (root) => ({
    spice: root.querySelector(".what"),
    amount: root.querySelector(".spoons"),
    button: root.querySelector(".go"),
    output: root.querySelector(".result"),
  }),
});
