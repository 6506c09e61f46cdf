/** The guide at the top of the page: the steps of the first deploy, ticked off by the state of the simulators. */

import { h, keyed } from "../dom.js";
import { openTab } from "../nomad/nomad.js";
import { fill } from "../slack/composer.js";
import { become, changed, openChannel, openThread, person, state } from "../state.js";

const bar = document.getElementById("guide");
let chosen = null; // the number of the step that a person opened; null for the first step that is not done

/** Draws the steps, the text of the next one, and the state of Slack and the bot. */
export function drawGuide() {
  const { steps } = state.guide;
  const next = steps.findIndex((step) => !step.done);
  const shown = chosen ?? (next === -1 ? steps.length - 1 : next);
  const parts = [
    ["name", "", () => h("h1", {}, h("img", { src: "/pages/icon.svg", alt: "", width: 22, height: 22 }), "Nomatron sandbox")],
    ["steps", [steps, shown], () => h("ol", { class: "steps", "aria-label": "The first deploy, step by step" }, steps.map((step, number) => chip(step, number, number === shown)))],
    ["now", [steps, shown, next, chosen, state.seed, state.connected, state.me, state.channel], () => h("div", { class: "step-now", "aria-live": "polite" }, now(steps, shown, next))],
    ["status", [state.bot.absent, state.bot.running, slackFault()], () => h("div", { class: "guide-status" }, slackPill(), botPill())],
  ];
  keyed(bar, parts, ([key]) => key, ([, shows]) => JSON.stringify(shows), ([, , draw]) => draw());
}

function chip(step, number, shown) {
  const choose = () => {
    chosen = chosen === number ? null : number;
    changed("guide");
  };
  return h(
    "li",
    { data: { testid: `step-${number + 1}`, done: String(step.done) } },
    h(
      "button",
      {
        type: "button",
        class: `step ${step.done ? "done" : ""}`,
        "aria-current": shown ? "step" : null,
        "aria-label": `Step ${number + 1}: ${step.title}${step.done ? ", done" : ""}`,
        title: step.title,
        data: { focus: `step-${number + 1}` },
        on: { click: choose },
      },
      step.done ? "✓" : String(number + 1),
    ),
  );
}

function now(steps, shown, next) {
  if (!state.connected) return h("p", { class: "lost", role: "alert" }, h("strong", {}, "The sandbox has stopped."), " Start it again, and this page reconnects.");
  if (["running", "waiting"].includes(state.seed.state)) {
    return h("p", { data: { testid: "seed" } }, h("span", { class: "spinner", "aria-hidden": "true" }), h("strong", {}, "Getting ready: "), `${state.seed.detail}.`);
  }
  if (!steps.length) return null;
  const step = steps[shown];
  const finished = next === -1 && chosen === null;
  if (finished) {
    return [
      h("p", {}, h("strong", {}, "That was a governed deploy. "), "Nomad has one new version, and its submission names the deploy. Now break something: make a version fail, lose an answer, kill the bot."),
      h("button", { type: "button", class: "setup", data: { testid: "to-switches", focus: "to-switches" }, on: { click: () => openTab("switches") } }, "Open the switches"),
    ];
  }
  return [
    h("p", {}, h("strong", {}, `${shown + 1}. ${step.title}. `), stepText(step), state.seed.state === "failed" && h("em", {}, ` (The first deploys failed: ${state.seed.detail})`)),
    !isSetUp(step) && h("button", { type: "button", class: "setup", data: { testid: "setup" }, on: { click: () => setUp(step) } }, setUpLabel(step)),
  ];
}

/** The step's text, with its command as code. */
function stepText(step) {
  if (!step.command || !step.text.includes(step.command)) return step.text;
  const [before, after] = step.text.split(step.command);
  return [before, h("code", {}, step.command), after];
}

/** Whether the page shows the step's person and channel already, and the step has no command to type. */
function isSetUp(step) {
  return !step.command && (!step.person || state.me === step.person) && (!step.channel || state.channel === step.channel);
}

function setUpLabel(step) {
  return step.command ? "Type it for me" : `Switch to ${person(step.person).name}`;
}

function setUp(step) {
  chosen = null;
  if (step.person) become(step.person);
  if (step.channel) openChannel(step.channel);
  openThread(null);
  if (step.command) fill(step.command);
  else document.getElementById("messages").focus(); // this button disappears: a keyboard user must not start at the top again
  changed("view", "guide");
}

/** The fault that the simulated Slack has now, such as `silent`; empty if it answers normally. */
function slackFault() {
  const [fault] = Object.values(state.slack.switches?.faults ?? {});
  return fault?.mode ?? fault ?? "";
}

function slackPill() {
  const fault = slackFault();
  if (!fault || fault === "none") return null;
  return h("button", { type: "button", class: "pill bad", data: { testid: "slack-pill", focus: "slack-pill" }, on: { click: () => openTab("switches") } }, `Slack: ${fault}`);
}

function botPill() {
  if (state.bot.absent) return h("span", { class: "pill off" }, "no bot");
  const { running } = state.bot;
  return h(
    "button",
    { type: "button", class: `pill ${running ? "good" : "bad"}`, data: { testid: "bot-pill", focus: "bot-pill" }, on: { click: () => openTab("switches") } },
    running ? "bot running" : "bot stopped",
  );
}
