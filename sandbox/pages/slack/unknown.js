/** What the sandbox cannot draw is never left out quietly: a page that hides a block hides a fault of the bot. */

import { h } from "../dom.js";

/** A loud placeholder for a block or element of an unknown type, with its JSON. */
export function unknown(what, value) {
  return h(
    "div",
    { class: "unknown", role: "alert", data: { testid: "unknown-block" } },
    h("strong", {}, `The sandbox cannot draw this ${what}: ${value?.type ?? "it has no type"}`),
    h("pre", {}, JSON.stringify(value, null, 1).slice(0, 600)),
  );
}
