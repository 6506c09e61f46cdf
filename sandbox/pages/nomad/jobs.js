/** Nomad's jobs by namespace: status, version and deployment, and for an open job its versions and allocations. */

import { h, keyed } from "../dom.js";
import { changed, state } from "../state.js";
import { clock, full } from "../slack/dates.js";

const opened = new Map(); // "namespace/id" -> whether a person opened or closed it
const ALLOCATIONS_SHOWN = 14;

/** Draws every job into `panel`. */
export function drawJobs(panel) {
  const jobs = [...(state.nomad.jobs ?? [])].sort((a, b) => name(a).localeCompare(name(b)));
  const groups = [...new Set(jobs.map((job) => job.namespace))].map((namespace) => ({
    namespace,
    jobs: jobs.filter((job) => job.namespace === namespace),
  }));
  keyed(
    panel,
    groups.length ? groups : [null],
    (group) => group?.namespace ?? "none",
    () => "stays",
    (group) => (group ? drawGroup(group) : h("p", { class: "empty" }, "No job runs yet. The first deploy starts one.")),
  );
  for (const group of groups) {
    const list = panel.querySelector(`[data-namespace="${CSS.escape(group.namespace)}"]`);
    keyed(list, group.jobs, name, (job) => JSON.stringify([job, isOpen(job)]), drawJob);
  }
}

function name(job) {
  return `${job.namespace}/${job.id}`;
}

/** A job stays as a person opened or closed it; otherwise it is open if it is rolling out or changed last. */
function isOpen(job) {
  const last = Math.max(...state.nomad.jobs.map((one) => one.job_modify_index));
  return opened.get(name(job)) ?? (job.deployment?.Status === "running" || job.job_modify_index === last);
}

function drawGroup({ namespace }) {
  return h("section", { class: "namespace" }, h("h3", {}, "namespace ", h("code", {}, namespace)), h("div", { data: { namespace } }));
}

function drawJob(job) {
  const open = isOpen(job);
  const toggle = () => {
    opened.set(name(job), !open);
    changed("nomad");
  };
  return h(
    "article",
    { class: "job", data: { testid: `job-${job.namespace}-${job.id}` } },
    h(
      "button",
      { type: "button", class: "job-head", "aria-expanded": String(open), data: { focus: `job-${name(job)}` }, on: { click: toggle } },
      h("span", { class: "caret", "aria-hidden": "true" }, open ? "▾" : "▸"),
      h("strong", {}, job.id),
      h("span", { class: "muted" }, job.type),
      h("code", { class: "tag" }, tag(job.image, job.versions?.[0]?.env)),
      h("span", { class: "muted" }, `version ${job.version}`),
      statusPill(job),
    ),
    job.deployment && deployment(job),
    open && h("div", { class: "job-body" }, versions(job), allocations(job)),
  );
}

function statusPill(job) {
  const words = job.stop ? "stopped" : job.status;
  const kind = { running: "good", pending: "wait", dead: "off", stopped: "off" }[words] ?? "off";
  return h("span", { class: `pill ${kind}` }, words);
}

/** The part of an image that a deploy changes, after its last colon or at sign; VERSION for jobs without Docker. */
function tag(image, env) {
  const tagged = (image ?? "").split("/").at(-1).split(/[:@]/).slice(1).join(":");
  return tagged || env?.VERSION || image || "no image";
}

function deployment(job) {
  const { Status, StatusDescription, JobVersion, TaskGroups } = job.deployment;
  const groups = Object.entries(TaskGroups ?? {});
  const kind = { running: "run", successful: "good", failed: "bad", cancelled: "off", paused: "wait" }[Status] ?? "off";
  return h(
    "div",
    { class: `deployment ${kind}`, data: { testid: "deployment", status: Status } },
    groups.map(([group, counts]) => progress(group, counts, groups.length > 1)),
    h("p", {}, h("span", { class: `pill ${kind}` }, Status), ` version ${JobVersion}: ${StatusDescription ?? ""}`),
  );
}

function progress(group, counts, named) {
  const total = counts.DesiredTotal || counts.DesiredCanaries || 1;
  const canaries = counts.DesiredCanaries && !counts.Promoted ? `, ${counts.DesiredCanaries} canary first` : "";
  const unhealthy = counts.UnhealthyAllocs ? `, ${counts.UnhealthyAllocs} unhealthy` : "";
  const words = `${named ? `${group}: ` : ""}${counts.HealthyAllocs} of ${counts.DesiredTotal} healthy${canaries}${unhealthy}`;
  const bar = h("span", { class: "bar", role: "progressbar", "aria-label": `${group} healthy`, "aria-valuemin": 0, "aria-valuemax": total, "aria-valuenow": counts.HealthyAllocs });
  bar.append(part("healthy", counts.HealthyAllocs / total), part("unhealthy", counts.UnhealthyAllocs / total));
  return h("div", { class: "progress" }, bar, h("span", {}, words));
}

function part(className, share) {
  const span = h("span", { class: className });
  span.style.width = `${Math.min(100, Math.round(share * 100))}%`;
  return span;
}

function versions(job) {
  return h(
    "div",
    { class: "versions" },
    h("h4", {}, "Versions"),
    h("ol", {}, [...(job.versions ?? [])].sort((a, b) => b.version - a.version).map((version) => drawVersion(version, job))),
  );
}

function drawVersion(version, job) {
  const at = (version.submit_time ?? 0) / 1e9;
  return h(
    "li",
    { class: version.version === job.version ? "current" : "", data: { testid: "version", version: version.version } },
    h("span", { class: "number" }, `version ${version.version}`),
    h("code", { class: "tag" }, tag(version.image, version.env)),
    version.stable && h("span", { class: "pill good" }, "stable"),
    version.stop && h("span", { class: "pill off" }, "stopped"),
    at > 0 && h("time", { class: "muted", title: full(at) }, clock(at)),
    h("span", { class: "submission", data: { testid: "submission" }, title: version.submission_first_line }, version.submission_first_line || "no submission"),
    h("span", { class: "environment muted" }, environment(version.env)),
    version.token && h("span", { class: "muted" }, `token ${version.token.slice(0, 8)}`),
  );
}

function environment(values) {
  const pairs = Object.entries(values ?? {}).filter(([, value]) => typeof value !== "object");
  return pairs.map(([key, value]) => `${key}=${value}`).join("  ");
}

function allocations(job) {
  const all = [...(job.allocations ?? [])].sort((a, b) => rank(a) - rank(b) || b.version - a.version);
  if (!all.length) return h("p", { class: "muted" }, "No allocations.");
  const more = all.length - ALLOCATIONS_SHOWN;
  return h(
    "div",
    { class: "allocations" },
    h("h4", {}, "Allocations"),
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ["ID", "Version", "Desired", "Status", "Healthy", "Last event"].map((words) => h("th", { scope: "col" }, words)))),
      h("tbody", {}, all.slice(0, ALLOCATIONS_SHOWN).map(drawAllocation)),
    ),
    more > 0 && h("p", { class: "muted" }, `and ${more} older allocations`),
  );
}

/** Allocations that should run come first. */
function rank(allocation) {
  return allocation.desired === "run" ? 0 : 1;
}

function drawAllocation(allocation) {
  const healthy = { true: ["good", "yes"], false: ["bad", "no"] }[String(allocation.healthy)] ?? ["wait", "not yet"];
  const event = typeof allocation.event === "object" ? allocation.event?.DisplayMessage ?? allocation.event?.Type : allocation.event;
  return h(
    "tr",
    { class: allocation.desired === "run" ? "" : "past", data: { testid: "allocation" } },
    h("td", {}, h("code", {}, allocation.id.slice(0, 8))),
    h("td", {}, String(allocation.version)),
    h("td", {}, allocation.desired),
    h("td", { class: `client ${allocation.client_status}` }, allocation.client_status),
    h("td", {}, allocation.desired === "run" || allocation.healthy != null ? h("span", { class: `health ${healthy[0]}` }, healthy[1]) : "—"),
    h("td", { class: "event", title: event }, event ?? ""),
  );
}
