/** Slack's confirmation dialog. */

import { h } from "../dom.js";
import { mrkdwn, plain } from "./mrkdwn.js";

/** Asks for confirmation; resolves to whether the person confirms, or to true at once without a `confirm` object. */
export function confirmed(object) {
  if (!object) return Promise.resolve(true);
  return new Promise((resolve) => {
    const answer = (value) => () => dialog.close(value);
    const words = object.text.type === "mrkdwn" ? mrkdwn(object.text.text) : plain(object.text.text);
    const style = object.style === "danger" ? "danger" : "primary";
    const dialog = h(
      "dialog",
      { class: "confirm", "aria-labelledby": "confirm-title", data: { testid: "confirm" } },
      h("h2", { id: "confirm-title" }, plain(object.title.text)),
      h("div", { class: "confirm-text" }, words),
      h(
        "div",
        { class: "dialog-buttons" },
        h("button", { type: "button", class: "slack-button", data: { testid: "confirm-no" }, on: { click: answer("") } }, plain(object.deny?.text ?? "Cancel")),
        h("button", { type: "button", class: `slack-button ${style}`, autofocus: true, data: { testid: "confirm-yes" }, on: { click: answer("yes") } }, plain(object.confirm?.text ?? "Yes")),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
