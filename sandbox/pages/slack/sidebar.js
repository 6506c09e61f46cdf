/** The person switch and the channels. Unchanged parts are not redrawn, so that an open menu stays open. */

import { h, keyed } from "../dom.js";
import { become, openChannel, person, state } from "../state.js";
import { avatar, entries, newest } from "./messages.js";

const sidebar = document.getElementById("sidebar");

/** Draws the workspace's name, the person switch, and the channels. */
export function drawSidebar() {
  const channels = (state.slack.channels ?? []).map((one) => entry(one, one.name, one.private ? "◆" : "#", `channel-${one.name}`));
  const dms = (state.slack.dms ?? []).map((one) => entry(one, "Nomatron", "•", "channel-dm"));
  const parts = [
    { key: "workspace", shows: "", draw: () => h("h2", { class: "workspace" }, "Simulated Slack") },
    { key: "person", shows: [state.me, state.slack.people], draw: personSwitch },
    { key: "channels", shows: "", draw: () => h("h3", {}, "Channels") },
    ...channels,
    ...(dms.length ? [{ key: "apps", shows: "", draw: () => h("h3", {}, "Apps") }] : []),
    ...dms,
  ];
  keyed(sidebar, parts, (part) => part.key, (part) => JSON.stringify(part.shows), (part) => part.draw());
  for (const part of parts) part.mark?.(sidebar.querySelector(`[data-key="${CSS.escape(part.key)}"]`));
}

function personSwitch() {
  const people = (state.slack.people ?? []).filter((one) => !one.is_bot);
  const options = people.map((one) => {
    const who = person(one.id);
    const words = who.part ? `${who.name} · ${who.part}` : who.name;
    return h("option", { value: one.id, selected: one.id === state.me }, words);
  });
  return h(
    "label",
    { class: "person" },
    avatar(state.me),
    h("span", { class: "person-words" }, h("small", {}, "You are"), h("strong", {}, person(state.me).name, " ▾"), h("em", {}, person(state.me).part)),
    h("select", { "aria-label": "You are", data: { testid: "person" }, on: { change: (event) => become(event.target.value) } }, options),
  );
}

/** A channel's entry in the sidebar; its button is never redrawn, only its marks change. */
function entry(channel, name, sign, testid) {
  const draw = () =>
    h(
      "button",
      { type: "button", class: "channel", data: { testid }, on: { click: () => openChannel(channel.id) } },
      h("span", { class: "hash", "aria-hidden": "true" }, sign),
      name,
      h("span", { class: "dot", role: "img", "aria-label": "new messages", hidden: true }),
    );
  return { key: channel.id, shows: name, draw, mark: (button) => mark(button, channel) };
}

function mark(button, channel) {
  const open = channel.id === state.channel;
  const last = newest(entries(channel.id, null, channel.messages ?? []));
  const unread = !open && last > (state.seen.get(`${state.me} ${channel.id}`) ?? 0);
  if (open) button.setAttribute("aria-current", "page");
  else button.removeAttribute("aria-current");
  button.classList.toggle("unread", unread);
  button.querySelector(".dot").hidden = !unread;
}
