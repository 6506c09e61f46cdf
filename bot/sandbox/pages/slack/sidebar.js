/** Who one is, and where one can go. */

import { h, replace } from "../dom.js";
import { become, openChannel, person, state } from "../state.js";
import { avatar, entries, newest } from "./messages.js";

const sidebar = document.getElementById("sidebar");

/** Draws the workspace's name, the person switch, and the channels. */
export function drawSidebar() {
  const channels = state.slack.channels ?? [];
  const dms = state.slack.dms ?? [];
  replace(
    sidebar,
    h("h2", { class: "workspace" }, "Simulated Slack"),
    personSwitch(),
    h("h3", {}, "Channels"),
    h("ul", {}, channels.map((channel) => entry(channel, channel.name, channel.private ? "◆" : "#"))),
    dms.length > 0 && h("h3", {}, "Apps"),
    dms.length > 0 && h("ul", {}, dms.map((dm) => entry(dm, "Nomatron", "•"))),
  );
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

function entry(channel, name, sign) {
  const open = channel.id === state.channel;
  const last = newest(entries(channel.id, null, channel.messages ?? []));
  const unread = !open && last > (state.seen.get(`${state.me} ${channel.id}`) ?? 0);
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: unread ? "channel unread" : "channel",
        "aria-current": open ? "page" : null,
        data: { testid: `channel-${state.slack.channels.includes(channel) ? name : "dm"}` },
        on: { click: () => openChannel(channel.id) },
      },
      h("span", { class: "hash", "aria-hidden": "true" }, sign),
      name,
      unread && h("span", { class: "dot", role: "img", "aria-label": "new messages" }),
    ),
  );
}
