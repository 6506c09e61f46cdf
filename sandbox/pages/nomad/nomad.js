/** The right half: the jobs of the simulated Nomad or of a real agent, and the switches that break things. */

import { h, replace } from "../dom.js";
import { changed, state } from "../state.js";
import { drawJobs } from "./jobs.js";
import { drawSwitches } from "./switches.js";

const half = document.getElementById("nomad");
const TABS = { jobs: "Jobs", switches: "Switches" };
let tab = "jobs";
let frame = null;

/** Draws the open tab. */
export function drawNomad() {
  if (!frame) build();
  for (const [name, button] of Object.entries(frame.tabs)) {
    button.setAttribute("aria-selected", String(name === tab));
    button.tabIndex = name === tab ? 0 : -1;
    frame.panels[name].hidden = name !== tab;
  }
  frame.title.textContent = state.nomad.agent ? "Nomad" : "Simulated Nomad";
  replace(frame.status, status());
  if (tab === "jobs") drawJobs(frame.panels.jobs);
  else drawSwitches(frame.panels.switches);
}

/** Opens a tab: `jobs` or `switches`. */
export function openTab(name) {
  tab = name;
  changed("nomad");
}

function build() {
  const tabs = {};
  const panels = {};
  for (const [name, words] of Object.entries(TABS)) {
    tabs[name] = h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, data: { testid: `tab-${name}` }, on: { click: () => openTab(name), keydown } }, words);
    panels[name] = h("div", { role: "tabpanel", class: `panel ${name}`, id: `panel-${name}`, "aria-labelledby": `tab-${name}`, data: { testid: `panel-${name}` } });
  }
  const line = h("span", { class: "nomad-status" });
  const title = h("h2", {}, "Nomad");
  frame = { tabs, panels, title, status: line };
  half.append(
    h("header", { class: "nomad-bar" }, title, h("div", { role: "tablist", "aria-label": "Nomad" }, Object.values(tabs)), line),
    ...Object.values(panels),
  );
}

function keydown(event) {
  if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  openTab(tab === "jobs" ? "switches" : "jobs");
  frame.tabs[tab].focus();
}

function status() {
  const active = activeFaults();
  if (active.length) return [h("span", { class: "pill bad" }, active.join(" · "))];
  const { agent } = state.nomad;
  if (agent) return [h("span", { class: "pill", title: agent.address, data: { testid: "real-agent" } }, `real agent, ${agent.version}`)];
  return [h("span", { class: "pill" }, `${state.nomad.speed ?? 1}x speed`)];
}

/** One short text for each switch that is on. */
function activeFaults() {
  const switches = state.nomad.switches ?? {};
  const texts = [];
  if (switches.outage && switches.outage !== "none") texts.push(`outage: ${switches.outage}`);
  if (switches.memory_mb <= 10) texts.push("nodes full");
  if (switches.next_registers?.length) texts.push("next register changed");
  if (switches.fail?.length) texts.push(`failing: ${switches.fail.map((rule) => rule.match).join(", ")}`);
  return texts;
}
