/** The page's state, and its listeners. Content always comes from the simulators, never from clicks. */

import { get } from "./api.js";

export const state = {
  about: { cast: [] },
  me: "U0ALICE001",
  channel: "C0STAGING1",
  thread: null,
  target: null,
  slack: { people: [], groups: [], channels: [], ephemerals: [], views: [], dms: [] },
  nomad: { jobs: [], switches: {} },
  bot: { running: false, log: [] },
  seed: { state: "off", detail: "" },
  guide: { steps: [] },
  connected: true,
  seen: new Map(),
};

const listeners = [];
const SOURCES = {
  slack: () => `/slack/state?as=${encodeURIComponent(state.me)}`,
  nomad: () => "/nomad/state",
  bot: () => "/sandbox/bot",
  seed: () => "/sandbox/seed",
  guide: () => "/sandbox/guide",
};

/** Calls `draw` with the set of names that changed (`slack`, `nomad`, `bot`, `seed`, `guide`, `view`), once a frame at most. */
export function onChange(draw) {
  listeners.push(draw);
}

let pending = new Set();

/** Marks `names` as changed, and redraws in the next frame. */
export function changed(...names) {
  if (pending.size === 0) requestAnimationFrame(flush);
  names.forEach((name) => pending.add(name));
}

function flush() {
  const names = pending;
  pending = new Set();
  for (const draw of listeners) draw(names);
}

const running = new Map();

/** Fetches the sources in `names`. One fetch of each at a time, and one more after it if a change came meanwhile. */
export async function refresh(...names) {
  await Promise.all(names.filter((name) => name in SOURCES).map(fetchOne));
}

async function fetchOne(name) {
  if (running.has(name)) {
    running.set(name, true);
    return;
  }
  running.set(name, false);
  try {
    const path = SOURCES[name]();
    const answer = await get(path);
    // The person may have changed meanwhile: then this answer shows another person's view, and is fetched again.
    if (path === SOURCES[name]()) {
      state[name] = answer;
      changed(name);
    } else {
      running.set(name, true);
    }
  } catch {
    state.connected = false;
    changed("view");
  }
  const again = running.get(name);
  running.delete(name);
  if (again) await fetchOne(name);
}

/** Switches to another person's view of Slack. */
export function become(person) {
  if (state.me === person) return;
  state.me = person;
  state.thread = null;
  changed("view");
  refresh("slack");
}

/** Opens another channel or direct message. */
export function openChannel(channel) {
  if (state.channel === channel) return;
  state.channel = channel;
  state.thread = null;
  changed("view");
}

/** Opens the channel of a message and shows the message; false if the person cannot see that channel. */
export function openMessage(channel, ts) {
  if (!conversations().some((one) => one.id === channel)) return false;
  openChannel(channel);
  state.target = { channel, ts };
  changed("view");
  return true;
}

/** Opens the thread under a message of the open channel; null closes it. */
export function openThread(ts) {
  state.thread = ts;
  changed("view");
}

/** Channels and direct messages in one list. */
export function conversations() {
  return [...(state.slack.channels ?? []), ...(state.slack.dms ?? [])];
}

/** The open conversation; undefined until the first answer. */
export function conversation() {
  return conversations().find((one) => one.id === state.channel);
}

/** The name and picture for any user id: `{name, initials, colour, part}`. */
export function person(id) {
  const cast = state.about.cast.find((one) => one.id === id);
  if (cast) return cast;
  const known = (state.slack.people ?? []).find((one) => one.id === id);
  const name = known?.real_name || known?.name || id || "someone";
  return { id, name, initials: name.slice(0, 1).toUpperCase(), colour: "#6b7280", part: "" };
}
