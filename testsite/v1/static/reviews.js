// The document in the reviews frame of version 1.
import { answerInPlace } from "../../shared/dialog.js";

for (const form of document.querySelectorAll(".helpful-form")) {
  answerInPlace({
    form,
    output: form.querySelector(".helpful-message"),
    done: (answer) => {
      form.querySelector(".helpful-count").textContent = answer.count;
    },
  });
}
