/** The message box, for commands only: in this workspace nobody but the app posts messages. */

import { post } from "../api.js";
import { h, toast } from "../dom.js";
import { conversation, refresh, state } from "../state.js";

const area = document.getElementById("composer-area");
const history = [];
let at = 0;
let box = null;

/** Creates the message box once, and keeps its placeholder up to date. */
export function drawComposer() {
  if (!box) build();
  const channel = conversation();
  box.placeholder = channel ? `Message #${channel.name ?? "Nomatron"} · try /deploy help` : "";
}

/** Puts `text` into the message box for the person to send. */
export function fill(text) {
  if (!box) build();
  box.value = text;
  box.focus();
}

function build() {
  box = h("input", {
    id: "composer",
    class: "composer",
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": "Type a command, such as /deploy help",
    data: { testid: "composer" },
    on: { keydown },
  });
  const send = h("button", { type: "submit", class: "send", "aria-label": "Send", data: { testid: "send" } }, "➤");
  const form = h("form", { class: "composer-frame", on: { submit } }, box, send);
  area.replaceChildren(form);
}

async function submit(event) {
  event.preventDefault();
  const typed = box.value.trim();
  if (!typed) return;
  if (!typed.startsWith("/")) {
    toast("You can only send commands here. Start with /deploy.");
    return;
  }
  history.push(typed);
  at = history.length;
  box.value = "";
  const [command] = typed.split(/\s/, 1);
  try {
    await post("/slack/command", { user: state.me, channel: state.channel, command, text: typed.slice(command.length).trim() });
  } catch (problem) {
    toast(problem.message, true);
    box.value ||= typed;
  }
  refresh("slack");
}

/** Arrow up and down step through the commands that were sent before. */
function keydown(event) {
  const steps = { ArrowUp: -1, ArrowDown: 1 };
  if (!(event.key in steps) || !history.length) return;
  event.preventDefault();
  at = Math.min(Math.max(at + steps[event.key], 0), history.length);
  box.value = history[at] ?? "";
}
