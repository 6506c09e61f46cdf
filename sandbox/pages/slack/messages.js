/** The open channel: its messages and the current person's ephemerals, in order of time. */

import { post } from "../api.js";
import { h, keyed, replace, toast } from "../dom.js";
import { conversation, openThread, person, state } from "../state.js";
import { drawBlock } from "./blocks.js";
import { clock, full } from "./dates.js";
import { drawFiles } from "./files.js";
import { mrkdwn, spoken } from "./mrkdwn.js";

const header = document.getElementById("channel-header");
const list = document.getElementById("messages");
let shownChannel = null;

/** Draws the channel's header and messages; scrolls to the end if the reader was at the end. */
export function drawConversation() {
  const channel = conversation();
  if (!channel) return;
  if (shownChannel !== channel.id) replace(header, title(channel));
  const atEnd = shownChannel !== channel.id || list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  const items = entries(channel.id, null, channel.messages ?? []);
  keyed(list, items.length ? items : [null], keyOf, signature, (item) => (item ? drawEntry(item) : empty(channel)));
  shownChannel = channel.id;
  if (atEnd) list.scrollTop = list.scrollHeight;
  state.seen.set(`${state.me} ${channel.id}`, newest(items));
  if (state.target?.channel === channel.id) show(state.target.ts);
}

/** Scrolls to a message and highlights it for a moment. */
function show(ts) {
  state.target = null;
  const message = list.querySelector(`article[data-ts="${CSS.escape(ts)}"]`);
  if (!message) return toast("That message no longer exists.", true);
  message.scrollIntoView({ block: "center" });
  message.tabIndex = -1;
  message.focus({ preventScroll: true });
  message.classList.add("found");
  message.addEventListener("animationend", () => message.classList.remove("found"), { once: true });
}

function title(channel) {
  return [
    h("h2", {}, h("span", { class: "hash", "aria-hidden": "true" }, sign(channel)), channelName(channel)),
    h("span", { class: "topic" }, topic(channel)),
  ];
}

/** The messages and ephemerals of a thread (`thread` null: of the channel itself), oldest first. */
export function entries(channel, thread, messages) {
  const spoken = messages
    .filter((message) => !message.deleted && (thread || !message.thread_ts || message.thread_ts === message.ts))
    .map((message) => ({ kind: "message", at: Number(message.ts), channel, value: message }));
  const whispered = (state.slack.ephemerals ?? [])
    .filter((one) => one.channel === channel && one.user === state.me && (one.thread_ts ?? null) === thread)
    .map((one) => ({ kind: "ephemeral", at: Number(one.at), channel, value: one }));
  return [...spoken, ...whispered].sort((a, b) => a.at - b.at);
}

/** The time of the last entry; 0 if there is none. */
export function newest(items) {
  return items.length ? items.at(-1).at : 0;
}

/** A key that identifies an entry in its list. */
export function keyOf(item) {
  return item ? `${item.kind}-${item.value.ts ?? item.value.id}` : "empty";
}

/** A string with everything that an entry shows: the page redraws the entry only if this string changes. */
export function signature(item) {
  return item ? JSON.stringify([item.value, state.me, state.slack.groups]) : `empty ${state.channel}`;
}

/** Draws a message or an ephemeral; `inThread` leaves out the link to its own thread. */
export function drawEntry(item, inThread = false) {
  return item.kind === "message" ? drawMessage(item, inThread) : drawEphemeral(item);
}

function drawMessage({ value: message, channel }, inThread) {
  const surface = { where: { channel, ts: message.ts } };
  return h(
    "article",
    { class: "message", data: { testid: "message", ts: message.ts }, "aria-label": spoken(message.text ?? "") },
    avatar(message.user),
    h(
      "div",
      { class: "message-body" },
      byline(message.user, Number(message.ts), message.edited && h("span", { class: "edited" }, "(edited)")),
      content(message, surface),
      drawFiles(message.files ?? []),
      reactions(message),
      !inThread && replies(message),
    ),
  );
}

function drawEphemeral({ value: one, channel }) {
  const surface = { where: { channel, ephemeral: one.id } };
  const sender = one.sender === "slackbot" ? "USLACKBOT" : "U0NOMATRON";
  const dismiss = () => post("/slack/dismiss", { ephemeral: one.id }).catch((problem) => toast(problem.message, true));
  return h(
    "article",
    { class: "message ephemeral", data: { testid: "ephemeral", id: one.id }, "aria-label": `Only visible to you: ${spoken(one.text ?? "")}` },
    avatar(sender),
    h(
      "div",
      { class: "message-body" },
      h(
        "div",
        { class: "whisper" },
        "Only visible to you · ",
        h("button", { type: "button", class: "link", on: { click: dismiss } }, "Dismiss"),
      ),
      byline(sender, Number(one.at)),
      content(one, surface),
    ),
  );
}

/** Draws a user's picture: their initials on their colour. */
export function avatar(id) {
  const who = person(id);
  const picture = h("span", { class: "avatar", "aria-hidden": "true" }, id === "USLACKBOT" ? "S" : who.initials);
  picture.style.backgroundColor = id === "USLACKBOT" ? "#4a5b6c" : who.colour;
  return picture;
}

function byline(id, at, more = null) {
  const isApp = person(id).part === "app";
  return h(
    "div",
    { class: "byline" },
    h("strong", {}, id === "USLACKBOT" ? "Slackbot" : person(id).name),
    isApp && h("span", { class: "badge" }, "APP"),
    h("time", { title: full(at) }, clock(at)),
    more,
  );
}

function content(message, surface) {
  const blocks = message.blocks ?? [];
  if (blocks.length) return h("div", { class: "blocks" }, blocks.map((block) => drawBlock(block, surface)));
  return h("div", { class: "blocks text" }, mrkdwn(message.text ?? ""));
}

function reactions(message) {
  const all = Object.entries(message.reactions ?? {});
  return all.length > 0 && h("div", { class: "reactions" }, all.map(([name, who]) => h("span", {}, `:${name}: ${who.length}`)));
}

function replies(message) {
  const answers = (message.replies ?? []).filter((reply) => !reply.deleted);
  if (!answers.length) return null;
  const count = answers.length === 1 ? "1 reply" : `${answers.length} replies`;
  const open = () => openThread(message.ts);
  return h(
    "button",
    { type: "button", class: "replies", data: { testid: "open-thread", focus: `thread-${message.ts}` }, on: { click: open } },
    avatar(answers.at(-1).user),
    h("span", {}, count),
    h("small", {}, `last at ${clock(Number(answers.at(-1).ts))}`),
  );
}

function empty(channel) {
  return h(
    "div",
    { class: "empty" },
    h("p", {}, h("strong", {}, `This is the beginning of ${sign(channel)}${channelName(channel)}.`)),
    h("p", {}, "Type ", h("code", {}, "/deploy help"), " below to see what Nomatron can do."),
  );
}

const TOPICS = {
  staging: "Deploys to staging",
  production: "Deploys to production",
  ops: "News for operators",
  audit: "The daily digest of all deploys",
};

function topic(channel) {
  return TOPICS[channel.name] ?? "";
}

function channelName(channel) {
  return state.slack.channels.includes(channel) ? channel.name : "Nomatron";
}

function sign(channel) {
  if (!state.slack.channels.includes(channel)) return "";
  return channel.private ? "◆" : "#";
}
