/** Interactive elements outside inputs: buttons, overflow menus, and selects that send their choice at once. */

import { h } from "../dom.js";
import { send } from "./actions.js";
import { confirmed } from "./confirm.js";
import { openMenu } from "./menu.js";
import { plain } from "./mrkdwn.js";
import { unknown } from "./unknown.js";

const ELEMENTS = { button, overflow, static_select: select };

/** Draws an element of `block`. */
export function element(one, block, surface) {
  return ELEMENTS[one.type]?.(one, block, surface) ?? unknown("element", one);
}

function button(one, block, surface) {
  const click = async () => {
    if (!(await confirmed(one.confirm))) return;
    if (one.url) window.open(one.url, "_blank", "noopener");
    await send(surface, block, one, one.value === undefined ? {} : { value: one.value });
  };
  return h(
    "button",
    {
      type: "button",
      class: `slack-button ${one.style ?? ""}`,
      "aria-label": one.accessibility_label,
      data: { action: one.action_id, value: one.value },
      on: { click },
    },
    plain(one.text.text),
    one.url && h("span", { class: "opens", "aria-hidden": "true" }, "↗"),
  );
}

function overflow(one, block, surface) {
  const trigger = h("button", {
    type: "button",
    class: "slack-button overflow",
    "aria-label": "More actions",
    "aria-haspopup": "menu",
    "aria-expanded": "false",
    data: { action: one.action_id },
  }, "⋯");
  const choose = async (option) => {
    if (!(await confirmed(one.confirm))) return;
    if (option.url) window.open(option.url, "_blank", "noopener");
    await send(surface, block, one, { selected_option: option });
  };
  trigger.addEventListener("click", () => openMenu(trigger, one.options, choose));
  return trigger;
}

function select(one, block, surface) {
  const options = one.options ?? (one.option_groups ?? []).flatMap((group) => group.options);
  const chosen = one.initial_option?.value;
  const change = async (event) => {
    const option = options[event.target.selectedIndex - 1];
    if (option && (await confirmed(one.confirm))) await send(surface, block, one, { selected_option: option });
  };
  return h(
    "select",
    { class: "slack-select", "aria-label": one.placeholder?.text ?? "Choose", data: { action: one.action_id }, on: { change } },
    h("option", { value: "" }, one.placeholder?.text ?? "Choose an option"),
    options.map((option) => h("option", { value: option.value, selected: option.value === chosen }, option.text.text)),
  );
}
