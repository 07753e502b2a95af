import { answerInPlace } from "./dialog.js";

/** Adds to the cart without leaving the page: the status line answers and the counters follow. */
export function addInPlace({ form, output, counters }) {
  answerInPlace({
    form,
    output,
    done: (answer) => {
      for (const counter of counters) counter.textContent = answer.count;
    },
  });
}
