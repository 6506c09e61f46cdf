/** The menu that an overflow element opens below its button; handles arrow keys, Escape and a click outside. */

import { h } from "../dom.js";
import { plain } from "./mrkdwn.js";

let open = null;

/** Opens a menu of `options` (Slack's option objects) at `trigger`; calls `choose` with the option that the person picks. */
export function openMenu(trigger, options, choose) {
  const again = open?.trigger === trigger;
  open?.close();
  if (again) return;
  const items = options.map((option) =>
    h(
      "button",
      { type: "button", role: "menuitem", class: "menu-item", data: { option: option.value, testid: "menu-item" } },
      h("span", {}, plain(option.text.text)),
      option.description && h("small", {}, plain(option.description.text)),
    ),
  );
  const menu = h("div", { class: "menu", role: "menu" }, items);
  const outside = (event) => menu.contains(event.target) || trigger.contains(event.target) || close();
  function close() {
    menu.remove();
    document.removeEventListener("pointerdown", outside);
    trigger.setAttribute("aria-expanded", "false");
    open = null;
  }
  items.forEach((item, number) =>
    item.addEventListener("click", () => {
      close();
      trigger.focus();
      choose(options[number]);
    }),
  );
  menu.addEventListener("keydown", (event) => move(event, items, close, trigger));
  document.addEventListener("pointerdown", outside);
  document.body.append(menu);
  place(menu, trigger.getBoundingClientRect());
  trigger.setAttribute("aria-expanded", "true");
  open = { trigger, close };
  items[0]?.focus();
}

function move(event, items, close, trigger) {
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in steps) {
    event.preventDefault();
    const at = items.indexOf(document.activeElement);
    items[(at + steps[event.key] + items.length) % items.length].focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    close();
    trigger.focus();
  }
}

function place(menu, at) {
  const { width, height } = menu.getBoundingClientRect();
  const below = at.bottom + 4 + height <= window.innerHeight;
  menu.style.top = `${below ? at.bottom + 4 : Math.max(4, at.top - 4 - height)}px`;
  menu.style.left = `${Math.max(4, Math.min(at.right - width, window.innerWidth - width - 4))}px`;
}
