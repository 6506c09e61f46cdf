/** Shows every block that the page cannot draw, because a page that hid a block would hide a bug of the bot. */

import { h } from "../dom.js";

/** Draws a visible placeholder for a block or element of an unknown type, with its JSON. */
export function unknown(what, value) {
  return h(
    "div",
    { class: "unknown", role: "alert", data: { testid: "unknown-block" } },
    h("strong", {}, `The sandbox cannot draw this ${what}: ${value?.type ?? "no type"}`),
    h("pre", {}, JSON.stringify(value, null, 1).slice(0, 600)),
  );
}
