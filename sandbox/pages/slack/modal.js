/** The topmost modal of the current person. Its content comes from Slack; entered values survive every update. */

import { post } from "../api.js";
import { focusText, h, replace, toast } from "../dom.js";
import { refresh, state } from "../state.js";
import { complain } from "./actions.js";
import { drawBlock } from "./blocks.js";
import { values } from "./inputs.js";
import { plain } from "./mrkdwn.js";

const typed = new Map(); // view id -> Map of the values that the person entered
let dialog = null;
let drawn = "";
let busy = false;

/** Shows the current person's topmost view, or none. */
export function drawModal() {
  const mine = (state.slack.views ?? []).filter((one) => one.user === state.me && (one.view.type ?? "modal") === "modal");
  const top = mine.at(-1);
  if (!top) {
    dialog?.remove();
    dialog = null;
    drawn = "";
    typed.clear();
    return;
  }
  const signature = JSON.stringify([top, busy]);
  if (signature === drawn) return;
  drawn = signature;
  if (!dialog) open();
  dialog.dataset.view = top.id;
  replace(dialog, frame(top));
}

function open() {
  dialog = h("dialog", { class: "modal", "aria-labelledby": "modal-title", data: { testid: "modal" } });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close(dialog.dataset.view);
  });
  document.body.append(dialog);
  dialog.showModal();
}

function frame(top) {
  const { view } = top;
  if (!typed.has(top.id)) typed.set(top.id, new Map());
  const surface = { where: { view: top.id }, typed: typed.get(top.id), errors: top.errors };
  const submit = (event) => {
    event.preventDefault();
    send(top.id);
  };
  return h(
    "form",
    { class: "modal-frame", novalidate: true, on: { submit } },
    h(
      "header",
      {},
      h("h2", { id: "modal-title" }, plain(view.title?.text ?? "")),
      h("button", { type: "button", class: "close", "aria-label": "Close", data: { testid: "modal-x" }, on: { click: () => close(top.id, true) } }, "✕"),
    ),
    top.errors?.["*"] && h("p", { class: "modal-problem", role: "alert" }, top.errors["*"]),
    h("div", { class: "modal-body" }, view.blocks.map((block) => drawBlock(block, surface))),
    h(
      "footer",
      {},
      h("span", { class: "modal-app" }, "Nomatron"),
      h("button", { type: "button", class: "slack-button", data: { testid: "modal-close" }, on: { click: () => close(top.id) } }, plain(view.close?.text ?? "Close")),
      view.submit && h("button", { type: "submit", class: "slack-button primary", disabled: busy, data: { testid: "modal-submit" } }, busy ? "Sending…" : plain(view.submit.text)),
    ),
  );
}

async function send(view) {
  if (busy) return;
  busy = true;
  drawModal();
  try {
    const answer = await post("/slack/submit", { user: state.me, view, values: values(typed.get(view)) });
    if (!answer.errors) complain(answer);
  } catch (problem) {
    toast(problem.message, true);
  } finally {
    busy = false;
    await refresh("slack");
    drawModal();
    focusText(dialog?.querySelector("[aria-invalid]"));
  }
}

async function close(view, all = false) {
  try {
    await post("/slack/close", { user: state.me, view, all });
  } catch (problem) {
    toast(problem.message, true);
  }
  refresh("slack");
}
