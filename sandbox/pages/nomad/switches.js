/** The switches with which a person breaks both simulators and the bot; each says in a line what it does. */

import { post } from "../api.js";
import { h, keyed, toast } from "../dom.js";
import { refresh, state } from "../state.js";
import { drawBot } from "./bot.js";

const REGISTERS = {
  late: ["applied at once, answered 25 s late", { apply: true, when: "before", answer: "late", seconds: 25 }],
  never: ["not applied, never answered", { apply: false, when: "before", answer: "never" }],
  lost: ["applied, but the answer is lost", { apply: true, when: "before", answer: "reset" }],
  later: ["the answer is lost, applied 10 s later", { apply: true, when: "after", answer: "reset", seconds: 10 }],
  forbidden: ["refused (403)", { apply: false, when: "before", answer: { status: 403, text: "Permission denied" } }],
};
const OUTAGES = {
  none: "off: Nomad answers normally",
  refuse: "Nomad closes every connection at once",
  hang: "Nomad never answers",
  html: "a proxy answers 502 with an HTML page",
  error500: "No cluster leader (500)",
  forbidden: "Nomad refuses the token (403)",
};
const ROOM_MB = { none: 16_384, full: 10 }; // memory of each simulated node: its memory at the start, and too little for any task
const ROOM = { none: "off: the nodes have room", full: "no node has room for another task" };
const FAULTS = {
  none: "off: Slack answers normally",
  silent: "Slack never answers",
  429: "rate limited (429)",
  500: "Slack answers with error 500",
  html: "a proxy answers with an HTML page",
  lost: "Slack does it, but the answer is lost",
  "error:invalid_auth": "the token is revoked (invalid_auth)",
};

/** Draws the switches into `panel`; redraws a form only if its data changes, so that typed text stays. */
export function drawSwitches(panel) {
  const jobs = (state.nomad.jobs ?? []).map((job) => `${job.namespace}/${job.id}`).sort();
  const known = JSON.stringify(jobs);
  const switches = JSON.stringify(state.nomad.switches);
  const real = Boolean(state.nomad.agent); // a real agent has fewer switches, and a card says so
  keyed(
    panel,
    [
      ["bot", JSON.stringify(state.bot), drawBot],
      !real && ["fail", known + switches, () => fail(jobs)],
      ["change", known, () => change(jobs)],
      ["by-hand", String(real), () => byHand(real)],
      !real && ["register", switches, register],
      !real && ["outage", switches, outage],
      !real && ["room", switches, room],
      real && ["simulated-only", "", simulatedOnly],
      ["slack", JSON.stringify(state.slack.switches), slackFault],
    ].filter(Boolean),
    ([key]) => key,
    ([, signature]) => signature,
    ([, , draw]) => draw(),
  );
}

function simulatedOnly() {
  return card(
    "More switches with the simulated Nomad",
    "Only the simulated Nomad can make a version fail, lose an answer or be down. Start the sandbox without --nomad to get these switches.",
  );
}

function card(title, text, ...content) {
  return h("section", { class: "switch" }, h("h3", {}, title), h("p", { class: "muted" }, text), ...content);
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

const chosen = new Map(); // control key -> the value that a person entered; survives every redraw

/** Gives a control the value that a person entered before, or `first`, and remembers each new value. */
function restore(key, control, first) {
  control.value = chosen.get(key) ?? first;
  if (control.tagName === "SELECT" && control.selectedIndex === -1) control.selectedIndex = 0;
  control.addEventListener("input", () => chosen.set(key, control.value));
  return control;
}

function jobChoice(jobs, id, any) {
  const options = jobs.map((job) => h("option", { value: job }, job));
  const select = h("select", { id, "aria-label": "Job" }, any && h("option", { value: "*/*" }, "any job"), options);
  return restore(id, select, jobs.includes("apps/checkout") ? "apps/checkout" : "*/*");
}

function split(choice) {
  const [namespace, ...rest] = choice.split("/");
  return { namespace, job: rest.join("/") };
}

function fail(jobs) {
  const job = jobChoice(jobs, "fail-job", true);
  const match = restore("match", h("input", { "aria-label": "Version or other text", size: 9, data: { testid: "fail-match" } }), "v1.4.3");
  const set = (on) => () =>
    run("/nomad/fail", { ...split(job.value), match: match.value, fail: on }, on ? `Tasks with ${match.value} now fail` : `Tasks with ${match.value} work again`);
  const standing = (state.nomad.switches?.fail ?? []).map((rule) => h("li", {}, `${rule.match} in ${rule.namespace}/${rule.job}`));
  return card(
    "Make a version fail",
    "Every task with this text in its image or environment exits with code 1, now and after each restart.",
    h("div", { class: "row" }, job, match, button("Make it fail", set(true), "fail-on", "danger"), button("Let it run", set(false), "fail-off")),
    standing.length > 0 && h("ul", { class: "standing" }, standing),
  );
}

function change(jobs) {
  const job = jobChoice(jobs, "change-job", false);
  const pair = restore("pair", h("input", { "aria-label": "Variable and value", size: 18, data: { testid: "change-pair" } }), "LOG_LEVEL=debug");
  const give = (env) => run("/nomad/change", { ...split(job.value), env }, `${job.value} now has a version that Nomatron did not register`);
  const submit = () => {
    const [key, ...rest] = pair.value.split("=");
    give({ [key]: rest.join("=") });
  };
  return card(
    "Change a job outside Nomatron",
    "Registers a new version with this variable, as a colleague with their own Nomad token could.",
    jobs.length
      ? h("div", { class: "row" }, job, pair, button("Change the job", submit, "change"), button("Add HOTFIX", () => give({ HOTFIX: "1" }), "hotfix"))
      : h("p", {}, "There is no job yet."),
  );
}

/** The job `report` as somebody could have registered it before Nomatron: with more of everything, and a database. */
function report(real) {
  const task = real ? { Driver: "raw_exec", Config: { command: "/bin/sleep", args: ["5"] } } : { Driver: "docker", Config: { image: "registry.example/finance/report:v2" } };
  const needs = { Env: { DB_URL: "postgres://report@db.example/shop" }, Resources: { CPU: 500, MemoryMB: 2048 } };
  const group = { Name: "batch", Count: 1, Tasks: [{ Name: "batch", ...task, ...needs }] };
  return { namespace: "apps", job: { ID: "report", Name: "report", Type: "batch", Datacenters: ["*"], TaskGroups: [group] } };
}

function byHand(real) {
  const submit = () => run("/nomad/register", report(real), "apps/report runs, and Nomatron did not register it");
  return card(
    "Register report by hand",
    "Registers a job that Nomatron does not know yet: with DB_URL, cpu 500 and memory 2048, which its first deploy takes away.",
    h("div", { class: "row" }, button("Register report", submit, "by-hand")),
  );
}

function register() {
  const options = Object.entries(REGISTERS).map(([value, [words]]) => h("option", { value }, words));
  const choice = restore("register", h("select", { "aria-label": "Next register", data: { testid: "register-choice" } }, options), "late");
  const submit = () => run("/nomad/next-register", { ...REGISTERS[choice.value][1], times: 1 }, `Next register: ${REGISTERS[choice.value][0]}`);
  const standing = state.nomad.switches?.next_registers ?? [];
  return card(
    "The next register",
    "Affects the next job that is registered, once: Nomad answers late, loses its answer or refuses.",
    h("div", { class: "row" }, choice, button("Set it", submit, "register")),
    standing.length > 0 && h("ul", { class: "standing" }, standing.map((rule) => h("li", {}, `Next register: ${ruleText(rule)}`))),
  );
}

/** A waiting rule in words. */
function ruleText(rule) {
  const answer = typeof rule.answer === "object" ? String(rule.answer.status) : rule.answer;
  const effect = rule.apply ? `applied ${rule.when} the answer` : "not applied";
  return `answer ${answer}, ${effect}${rule.seconds ? `, ${rule.seconds} s` : ""}`;
}

function outage() {
  return card("Nomad is down", "Affects every call to Nomad until you switch it off.", modes(OUTAGES, state.nomad.switches?.outage ?? "none", "outage", (mode) => run("/nomad/outage", { mode }, `Nomad: ${OUTAGES[mode]}`)));
}

function room() {
  const current = state.nomad.switches?.memory_mb <= ROOM_MB.full ? "full" : "none";
  const choose = (mode) => run("/nomad/capacity", { memory_mb: ROOM_MB[mode] }, `Nodes: ${ROOM[mode]}`);
  return card("The nodes are full", "Nomad accepts jobs but starts no new allocations. Running allocations stay.", modes(ROOM, current, "room", choose));
}

function slackFault() {
  const faults = state.slack.switches?.faults ?? [];
  const standing = Object.values(faults)[0];
  return card(
    "Slack is down",
    "Affects every call from the bot to Slack until you switch it off. People can still click.",
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
