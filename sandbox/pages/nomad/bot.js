/** The bot's process: whether it runs, how to end it in three ways, and what it wrote last. */

import { post } from "../api.js";
import { h, toast } from "../dom.js";
import { refresh, state } from "../state.js";

let logOpen = false;

/** The node of the bot's switch. */
export function drawBot() {
  const { absent, running, pid, restarts, exit, log } = state.bot;
  if (absent) return h("section", { class: "switch" }, h("h3", {}, "The bot"), h("p", { class: "muted" }, "This sandbox was started with --no-bot: run one of your own."));
  const words = running ? `runs as process ${pid}` : `is not there${exit === null ? "" : `: it ended with status ${exit}`}`;
  const again = restarts ? `, started again ${restarts === 1 ? "once" : `${restarts} times`}` : "";
  return h(
    "section",
    { class: running ? "switch" : "switch down" },
    h("h3", {}, "The bot ", h("span", { class: `pill ${running ? "good" : "bad"}` }, running ? "running" : "ended")),
    h("p", { class: "muted" }, `It ${words}${again}. kill -9 ends it as a power cut would; what was asked of it must survive.`),
    h(
      "div",
      { class: "row" },
      button("kill -9", "kill", "danger", !running),
      button("Stop (SIGTERM)", "term", "", !running),
      button("Start", "start", "primary", running),
    ),
    h("details", { open: logOpen, on: { toggle: (event) => (logOpen = event.target.open) } }, h("summary", {}, "What it wrote last"), h("pre", { class: "log", tabindex: "0", data: { testid: "bot-log" } }, (log ?? []).join("\n") || "nothing yet")),
  );
}

function button(words, what, style, disabled) {
  const click = async () => {
    try {
      await post("/sandbox/bot", { do: what });
    } catch (problem) {
      toast(problem.message, true);
    }
    refresh("bot");
  };
  return h("button", { type: "button", class: `small-button ${style}`, disabled, data: { testid: `bot-${what}` }, on: { click } }, words);
}
