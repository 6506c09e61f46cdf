/** The bot's process: its state, buttons to start, stop and kill it, and its last output. */

import { post } from "../api.js";
import { h, toast } from "../dom.js";
import { refresh, state } from "../state.js";

let logOpen = false;

/** Draws the switch for the bot's process. */
export function drawBot() {
  const { absent, running, pid, restarts, exit, log } = state.bot;
  if (absent) return h("section", { class: "switch" }, h("h3", {}, "The bot"), h("p", { class: "muted" }, "This sandbox was started with --no-bot. Start your own bot to use the page."));
  const words = running ? `The bot runs as process ${pid}` : `The bot has stopped${exit === null ? "" : ` with exit status ${exit}`}`;
  const again = restarts ? `; restarted ${restarts === 1 ? "once" : `${restarts} times`}` : "";
  return h(
    "section",
    { class: running ? "switch" : "switch down" },
    h("h3", {}, "The bot ", h("span", { class: `pill ${running ? "good" : "bad"}` }, running ? "running" : "stopped")),
    h("p", { class: "muted" }, `${words}${again}. kill -9 stops it as a power cut would: no deploy and no approval may get lost.`),
    h(
      "div",
      { class: "row" },
      button("kill -9", "kill", "danger", !running),
      button("Stop (SIGTERM)", "term", "", !running),
      button("Start", "start", "primary", running),
    ),
    h("details", { open: logOpen, on: { toggle: (event) => (logOpen = event.target.open) } }, h("summary", {}, "Last output"), h("pre", { class: "log", tabindex: "0", data: { testid: "bot-log" } }, (log ?? []).join("\n") || "No output yet.")),
  );
}

function button(words, verb, style, disabled) {
  const click = async () => {
    try {
      await post("/sandbox/bot", { do: verb });
    } catch (problem) {
      toast(problem.message, true);
    }
    refresh("bot");
  };
  return h("button", { type: "button", class: `small-button ${style}`, disabled, data: { testid: `bot-${verb}` }, on: { click } }, words);
}
