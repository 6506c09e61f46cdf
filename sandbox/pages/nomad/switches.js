/** What a person can do to both simulators and to the bot, each with a line that says what it does. */

import { post } from "../api.js";
import { h, keyed, toast } from "../dom.js";
import { refresh, state } from "../state.js";
import { drawBot } from "./bot.js";

const REGISTERS = {
  late: ["answered 25 s late, applied at once", { apply: true, when: "before", answer: "late", seconds: 25 }],
  never: ["never answered, not applied", { apply: false, when: "before", answer: "never" }],
  lost: ["applied, but the answer is lost", { apply: true, when: "before", answer: "reset" }],
  later: ["answer lost, applied 10 s afterwards", { apply: true, when: "after", answer: "reset", seconds: 10 }],
  forbidden: ["refused with a 403", { apply: false, when: "before", answer: { status: 403, text: "Permission denied" } }],
};
const OUTAGES = {
  none: "none: Nomad answers",
  refuse: "connections are closed at once",
  hang: "connections are never answered",
  html: "a proxy answers 502 with a page",
  error500: "No cluster leader (500)",
  forbidden: "the token is refused (403)",
};
const ROOM_MB = { none: 16_384, full: 10 }; // memory of each simulated node: as at the start, and too little for any task
const ROOM = { none: "none: there is room", full: "no node has room for another task" };
const FAULTS = {
  none: "none: Slack answers",
  silent: "Slack never answers",
  429: "rate limited (429)",
  500: "error 500",
  html: "a proxy answers with a page",
  lost: "done, but the answer is lost",
  "error:invalid_auth": "the token is revoked (invalid_auth)",
};

/** Draws the switches into `panel`; forms are made once, so that nothing is lost while a person types. */
export function drawSwitches(panel) {
  const jobs = (state.nomad.jobs ?? []).map((job) => `${job.namespace}/${job.id}`).sort();
  const known = JSON.stringify(jobs);
  const switches = JSON.stringify(state.nomad.switches);
  const real = Boolean(state.nomad.agent); // an agent of somebody's: what it cannot do is left out, and that is said
  keyed(
    panel,
    [
      ["bot", JSON.stringify(state.bot), drawBot],
      !real && ["fail", known + switches, () => fail(jobs)],
      ["change", known, () => change(jobs)],
      !real && ["register", switches, register],
      !real && ["outage", switches, outage],
      !real && ["room", switches, room],
      real && ["left-out", "", leftOut],
      ["slack", JSON.stringify(state.slack.switches), slackFault],
    ].filter(Boolean),
    ([key]) => key,
    ([, signature]) => signature,
    ([, , draw]) => draw(),
  );
}

function leftOut() {
  return card(
    "Only with the simulated Nomad",
    "A real agent cannot be told to fail a version, to lose an answer or to be away. Start the sandbox without --nomad for these switches.",
  );
}

function card(title, what, ...content) {
  return h("section", { class: "switch" }, h("h3", {}, title), h("p", { class: "muted" }, what), ...content);
}

async function run(path, body, done) {
  try {
    await post(path, body);
    toast(done);
  } catch (problem) {
    toast(problem.message, true);
  }
  refresh("nomad", "slack");
}

const chosen = new Map(); // what a person has put into a control, over every drawing

/** A control that keeps what is put into it; `first` is what stands there at first. */
function kept(key, control, first) {
  control.value = chosen.get(key) ?? first;
  if (control.tagName === "SELECT" && control.selectedIndex === -1) control.selectedIndex = 0;
  control.addEventListener("input", () => chosen.set(key, control.value));
  return control;
}

function jobChoice(jobs, id, any) {
  const options = jobs.map((job) => h("option", { value: job }, job));
  const select = h("select", { id, "aria-label": "Job" }, any && h("option", { value: "*/*" }, "any job"), options);
  return kept(id, select, jobs.includes("apps/checkout") ? "apps/checkout" : "*/*");
}

function split(choice) {
  const [namespace, ...rest] = choice.split("/");
  return { namespace, job: rest.join("/") };
}

function fail(jobs) {
  const job = jobChoice(jobs, "fail-job", true);
  const match = kept("match", h("input", { "aria-label": "Version or other text", size: 9, data: { testid: "fail-match" } }), "v1.4.3");
  const set = (on) => () =>
    run("/nomad/fail", { ...split(job.value), match: match.value, fail: on }, on ? `${match.value} will fail` : `${match.value} works again`);
  const standing = (state.nomad.switches?.fail ?? []).map((rule) => h("li", {}, `${rule.match} in ${rule.namespace}/${rule.job}`));
  return card(
    "Make a version fail",
    "Every task that carries this text in its image or environment exits with code 1, now and when it is started again.",
    h("div", { class: "row" }, job, match, button("Fail it", set(true), "fail-on", "danger"), button("Heal it", set(false), "fail-off")),
    standing.length > 0 && h("ul", { class: "standing" }, standing),
  );
}

function change(jobs) {
  const job = jobChoice(jobs, "change-job", false);
  const pair = kept("pair", h("input", { "aria-label": "Variable and value", size: 18, data: { testid: "change-pair" } }), "LOG_LEVEL=debug");
  const submit = () => {
    const [key, ...rest] = pair.value.split("=");
    run("/nomad/change", { ...split(job.value), env: { [key]: rest.join("=") } }, `${job.value} has a version that Nomatron did not make`);
  };
  return card(
    "Change a job outside Nomatron",
    "Registers a new version with this variable, as somebody with a Nomad token of their own would.",
    jobs.length ? h("div", { class: "row" }, job, pair, button("Change it", submit, "change")) : h("p", {}, "There is no job yet."),
  );
}

function register() {
  const options = Object.entries(REGISTERS).map(([value, [words]]) => h("option", { value }, words));
  const choice = kept("register", h("select", { "aria-label": "Next register", data: { testid: "register-choice" } }, options), "late");
  const submit = () => run("/nomad/next-register", { ...REGISTERS[choice.value][1], times: 1 }, `The next register: ${REGISTERS[choice.value][0]}`);
  const standing = state.nomad.switches?.next_registers ?? [];
  return card(
    "The next register",
    "What happens once, when a job is registered next: an answer that is late, lost or a refusal.",
    h("div", { class: "row" }, choice, button("Arm it", submit, "register")),
    standing.length > 0 && h("ul", { class: "standing" }, standing.map((rule) => h("li", {}, `armed: ${ruleWords(rule)}`))),
  );
}

/** An armed rule in the words of the choice it came from. */
function ruleWords(rule) {
  const answer = typeof rule.answer === "object" ? String(rule.answer.status) : rule.answer;
  const effect = rule.apply ? `applied ${rule.when} the answer` : "not applied";
  return `answer ${answer}, ${effect}${rule.seconds ? `, ${rule.seconds} s` : ""}`;
}

function outage() {
  return card("Nomad is away", "Every call to Nomad, until you end it.", modes(OUTAGES, state.nomad.switches?.outage ?? "none", "outage", (mode) => run("/nomad/outage", { mode }, `Nomad: ${OUTAGES[mode]}`)));
}

function room() {
  const current = state.nomad.switches?.memory_mb <= ROOM_MB.full ? "full" : "none";
  const choose = (mode) => run("/nomad/capacity", { memory_mb: ROOM_MB[mode] }, `Nodes: ${ROOM[mode]}`);
  return card("The nodes are full", "Nomad takes the job and places nothing new; what runs goes on.", modes(ROOM, current, "room", choose));
}

function slackFault() {
  const faults = state.slack.switches?.faults ?? [];
  const standing = Object.values(faults)[0];
  return card(
    "Slack is away",
    "Every call from the bot to Slack, until you end it. People can still click.",
    modes(FAULTS, standing?.mode ?? (typeof standing === "string" ? standing : "none"), "slack-fault", (mode) => run("/slack/fault", { method: "*", mode, seconds: 1, times: null }, `Slack: ${FAULTS[mode]}`)),
  );
}

function modes(words, current, testid, choose) {
  const options = Object.entries(words).map(([value, text]) => h("option", { value, selected: value === current }, text));
  const select = h("select", { "aria-label": "Mode", class: current === "none" ? "" : "armed", data: { testid }, on: { change: (event) => choose(event.target.value) } }, options);
  return h("div", { class: "row" }, select);
}

function button(words, click, testid, style = "") {
  return h("button", { type: "button", class: `small-button ${style}`, data: { testid }, on: { click } }, words);
}
