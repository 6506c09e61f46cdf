/** The guide along the top: the steps of the first deploy, ticking off by what the simulators show. */

import { h, keyed } from "../dom.js";
import { openTab } from "../nomad/nomad.js";
import { fill } from "../slack/composer.js";
import { become, changed, openChannel, openThread, person, state } from "../state.js";

const bar = document.getElementById("guide");
let chosen = null; // the number of a step that a person wants to read; null: the first that is not done

/** Draws the steps, the one that is next, and what stands in the way. */
export function drawGuide() {
  const { steps } = state.guide;
  const next = steps.findIndex((step) => !step.done);
  const shown = chosen ?? (next === -1 ? steps.length - 1 : next);
  const parts = [
    ["name", "", () => h("h1", {}, h("img", { src: "/pages/icon.svg", alt: "", width: 22, height: 22 }), "Nomatron sandbox")],
    ["steps", [steps, shown], () => h("ol", { class: "steps", "aria-label": "The first deploy, step by step" }, steps.map((step, number) => chip(step, number, number === shown)))],
    ["now", [steps, shown, next, chosen, state.seed, state.connected, state.me, state.channel], () => h("div", { class: "step-now", "aria-live": "polite" }, now(steps, shown, next))],
    ["status", [state.bot.absent, state.bot.running, slackTrouble()], () => h("div", { class: "guide-status" }, slackPill(), botPill())],
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
  if (!state.connected) return h("p", { class: "lost", role: "alert" }, h("strong", {}, "The sandbox has ended."), " Start it again and this page comes back.");
  if (["running", "waiting"].includes(state.seed.state)) {
    return h("p", { data: { testid: "seed" } }, h("span", { class: "spinner", "aria-hidden": "true" }), h("strong", {}, "Getting ready: "), `${state.seed.detail}.`);
  }
  if (!steps.length) return null;
  const step = steps[shown];
  const finished = next === -1 && chosen === null;
  if (finished) {
    return [
      h("p", {}, h("strong", {}, "That was a governed deploy. "), "On the right: one new version, and its submission names the deploy. Now make trouble: a version that fails, a lost answer, kill -9."),
      h("button", { type: "button", class: "setup", data: { testid: "to-switches", focus: "to-switches" }, on: { click: () => openTab("switches") } }, "Open the switches"),
    ];
  }
  return [
    h("p", {}, h("strong", {}, `${shown + 1}. ${step.title}. `), prose(step), state.seed.state === "failed" && h("em", {}, ` (The first deploys failed: ${state.seed.detail})`)),
    !isSetUp(step) && h("button", { type: "button", class: "setup", data: { testid: "setup" }, on: { click: () => setUp(step) } }, setUpWords(step)),
  ];
}

/** The step's words, with what is to be typed set apart. */
function prose(step) {
  if (!step.typed || !step.what.includes(step.typed)) return step.what;
  const [before, after] = step.what.split(step.typed);
  return [before, h("code", {}, step.typed), after];
}

/** Whether the page is where the step wants it, so that there is nothing to set up. */
function isSetUp(step) {
  return !step.typed && (!step.person || state.me === step.person) && (!step.channel || state.channel === step.channel);
}

function setUpWords(step) {
  return step.typed ? "Type it for me" : `Be ${person(step.person).name}`;
}

function setUp(step) {
  chosen = null;
  if (step.person) become(step.person);
  if (step.channel) openChannel(step.channel);
  openThread(null);
  if (step.typed) fill(step.typed);
  else document.getElementById("messages").focus(); // this button goes away: who works by keyboard must not start at the top again
  changed("view", "guide");
}

/** What the simulated Slack was told to do to the bot's calls; empty while it answers. */
function slackTrouble() {
  const [fault] = Object.values(state.slack.switches?.faults ?? {});
  return fault?.mode ?? fault ?? "";
}

function slackPill() {
  const trouble = slackTrouble();
  if (!trouble || trouble === "none") return null;
  return h("button", { type: "button", class: "pill bad", data: { testid: "slack-pill", focus: "slack-pill" }, on: { click: () => openTab("switches") } }, `Slack: ${trouble}`);
}

function botPill() {
  if (state.bot.absent) return h("span", { class: "pill off" }, "no bot");
  const { running } = state.bot;
  return h(
    "button",
    { type: "button", class: `pill ${running ? "good" : "bad"}`, data: { testid: "bot-pill", focus: "bot-pill" }, on: { click: () => openTab("switches") } },
    running ? "bot running" : "bot ended",
  );
}
