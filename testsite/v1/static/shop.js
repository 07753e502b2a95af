// Wires the shop's shared behaviours to the markup of version 1.
import { addInPlace } from "../../shared/basket.js";
import { combobox } from "../../shared/combobox.js";
import { defineConverter } from "../../shared/converter.js";
import { answerInPlace, dialog } from "../../shared/dialog.js";
import { editInPlace } from "../../shared/editing.js";
import { endless } from "../../shared/endless.js";
import { liveSearch } from "../../shared/search.js";
import { validate } from "../../shared/validation.js";

const $ = (id) => document.getElementById(id);

if ($("club-dialog")) {
  dialog({ opener: $("join-club"), overlay: $("club-overlay"), closers: [$("close-dialog")] });
  answerInPlace({ form: $("club-form"), output: $("club-message") });
}

if ($("search-form")) {
  const load = liveSearch({
    input: $("search"),
    sorting: $("sort"),
    list: $("results"),
    spinner: $("spinner"),
    summary: $("result-count"),
    itemSelector: ".product-card",
    query: () => ({ q: $("search").value, region: $("region-value").value, sort: $("sort").value }),
  });
  combobox({
    input: $("region"),
    list: $("region-options"),
    valueOf: (option) => option.dataset.value,
    onChoose: (region) => {
      $("region-value").value = region;
      load();
    },
  });
}

if ($("add-form")) {
  addInPlace({ form: $("add-form"), output: $("add-message"), counters: [$("cart-count")] });
  $("variant").addEventListener("change", () => {
    $("product-price").textContent = $("variant").selectedOptions[0].dataset.price;
  });
}

if ($("checkout-form")) {
  validate({
    form: $("checkout-form"),
    summary: $("form-errors"),
    message: (field) => field.dataset.error,
    place: (field) => $(`${field.id}-error`),
  });
}

if ($("display-name")) {
  editInPlace({
    text: $("display-name"),
    input: $("display-name-input"),
    output: $("name-message"),
    url: "/account/name",
    fieldName: "name",
  });
}

if ($("stories")) {
  endless({
    list: $("stories"),
    end: $("stories-end"),
    nextOf: () => {
      const portions = $("stories").querySelectorAll(".next-page, .story");
      return portions[portions.length - 1].dataset.next;
    },
  });
}

defineConverter({
  tag: "spice-converter",
  html: `
    <div class="row">
      <label for="spice">Spice</label>
      <select id="spice">
        <option value="cinnamon">Cinnamon</option>
        <option value="paprika">Paprika</option>
        <option value="turmeric">Turmeric</option>
        <option value="cumin">Cumin</option>
      </select>
    </div>
    <div class="row">
      <label for="teaspoons">Teaspoons</label>
      <input id="teaspoons" type="number" min="0" step="0.5" value="1">
    </div>
    <button id="convert" type="button">Convert</button>
    <output id="grams" aria-label="Weight"></output>`,
  css: `
    :host { display: grid; gap: 14px; padding: 24px; background: #fff; border: 1px solid #e6d9c8; border-radius: 10px; }
    .row { display: grid; gap: 6px; }
    label { font-weight: 600; font-size: 15px; }
    input, select { font: inherit; padding: 9px 12px; border: 1px solid #cdbba5; border-radius: 6px; background: #fff; }
    button { font: inherit; font-weight: 600; padding: 11px 20px; border: 0; border-radius: 6px; background: #9c4a1a; color: #fff; cursor: pointer; }
    output { font: 600 26px Georgia, serif; color: #7a3612; min-height: 1.3em; }`,
  find: (root) => ({
    spice: root.getElementById("spice"),
    amount: root.getElementById("teaspoons"),
    button: root.getElementById("convert"),
    output: root.getElementById("grams"),
  }),
});
