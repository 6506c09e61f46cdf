/** Times as Slack shows them: in the reader's own time zone. */

import { h } from "../dom.js";

const DAY = { year: "numeric", month: "long", day: "numeric" };
const FORMATS = {
  date_num: (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`,
  date: (at) => at.toLocaleDateString("en", DAY),
  date_short: (at) => at.toLocaleDateString("en", { ...DAY, month: "short" }),
  date_long: (at) => at.toLocaleDateString("en", { ...DAY, weekday: "long" }),
  date_pretty: (at) => pretty(at, DAY),
  date_short_pretty: (at) => pretty(at, { ...DAY, month: "short" }),
  date_long_pretty: (at) => pretty(at, { ...DAY, weekday: "long" }),
  time: (at) => `${two(at.getHours())}:${two(at.getMinutes())}`,
  time_secs: (at) => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`,
  ago,
};

/** Draws a `<!date^TS^FORMAT^LINK|FALLBACK>`; `body` is the part after the first caret. Draws the fallback if it is malformed. */
export function slackDate(body, fallback) {
  const [seconds, format = "", address] = body.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (!/^\d+$/.test(seconds) || Number.isNaN(at.getTime())) return h("span", {}, fallback ?? body);
  const words = format.replace(/\{(\w+)\}/g, (whole, name) => FORMATS[name]?.(at) ?? whole);
  const time = h("time", { datetime: at.toISOString(), title: fallback ?? at.toISOString() }, words);
  if (!/^https?:\/\//.test(address ?? "")) return time;
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, time);
}

/** The hour and minute of a Unix time in seconds. */
export function clock(seconds) {
  return FORMATS.time(new Date(seconds * 1000));
}

/** The full date and time of a Unix time in seconds, for a tooltip. */
export function full(seconds) {
  const at = new Date(seconds * 1000);
  return `${FORMATS.date_long(at)}, ${FORMATS.time_secs(at)}`;
}

function pretty(at, format) {
  const days = Math.round((midnight(new Date()) - midnight(at)) / 86_400_000);
  return { "-1": "tomorrow", 0: "today", 1: "yesterday" }[days] ?? at.toLocaleDateString("en", format);
}

function midnight(at) {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}

function ago(at) {
  const seconds = Math.round((Date.now() - at.getTime()) / 1000);
  for (const [size, name] of [[86_400, "day"], [3_600, "hour"], [60, "minute"]]) {
    if (Math.abs(seconds) >= size) return relative(Math.round(seconds / size), name);
  }
  return relative(seconds, "second");
}

function relative(count, name) {
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(-count, name);
}

function two(number) {
  return String(number).padStart(2, "0");
}
