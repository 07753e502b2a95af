// The document in the ratings frame of version 2.
import { answerInPlace } from "../../shared/dialog.js";
import { submitLinks } from "../../shared/links.js";

for (const form of document.querySelectorAll(".sx-opinion__vote")) {
  answerInPlace({
    form,
    output: form.querySelector("output"),
    done: (answer) => {
      form.querySelector("[data-votes]").textContent = answer.count;
    },
  });
}

submitLinks(document.querySelectorAll("[data-submit]"));
