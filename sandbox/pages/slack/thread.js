/** The thread beside the channel: its first message and the replies. */

import { h, keyed } from "../dom.js";
import { conversation, openThread, state } from "../state.js";
import { drawEntry, entries, keyOf, signature } from "./messages.js";

const panel = document.getElementById("thread");
let list = null;
let shown = null;

/** Draws the open thread, or hides it. */
export function drawThread() {
  const channel = conversation();
  const parent = channel?.messages?.find((message) => message.ts === state.thread && !message.deleted);
  panel.hidden = !parent;
  if (!parent) {
    shown = null;
    return;
  }
  if (shown !== parent.ts) begin(channel);
  const items = [
    { kind: "message", at: Number(parent.ts), channel: channel.id, value: parent },
    ...entries(channel.id, parent.ts, parent.replies ?? []),
  ];
  keyed(list, items, keyOf, signature, (item) => drawEntry(item, true));
  if (shown !== parent.ts) panel.querySelector("button").focus();
  shown = parent.ts;
}

function begin(channel) {
  list = h("div", { class: "thread-messages", tabindex: "0", role: "log", "aria-label": "Thread" });
  const close = () => {
    const opener = document.querySelector(`[data-focus="${CSS.escape(`thread-${state.thread}`)}"]`);
    openThread(null);
    opener?.focus();
  };
  panel.dataset.testid = "thread";
  panel.onkeydown = (event) => event.key === "Escape" && close();
  panel.replaceChildren(
    h(
      "header",
      {},
      h("h2", {}, "Thread"),
      h("span", { class: "topic" }, `#${channel.name}`),
      h("button", { type: "button", class: "close", "aria-label": "Close the thread", data: { testid: "thread-close" }, on: { click: close } }, "✕"),
    ),
    list,
  );
}
