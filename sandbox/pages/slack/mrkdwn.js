/**
 * Turns Slack's mrkdwn into nodes. `&amp; &lt; &gt;` are the only escapes. Only `<...>` can mention a person or make
 * a link, so escaped text can do neither.
 */

import { h, toast } from "../dom.js";
import { openMessage, person, state } from "../state.js";
import { slackDate } from "./dates.js";
import { emoji } from "./emoji.js";

/** Draws a mrkdwn text: code blocks, quotes and lines. */
export function mrkdwn(text) {
  const parts = text.split(/```/);
  if (parts.length % 2 === 0) parts.push("```" + parts.pop()); // an unclosed fence is plain text
  return parts.flatMap((part, number) => {
    if (number % 2 === 1) return [h("pre", { class: "code-block" }, decode(part.replace(/^\n|\n$/g, "")))];
    const before = number > 0 ? part.replace(/^\n/, "") : part; // a code block is its own block: the line break after it makes no empty line
    const line = number < parts.length - 1 ? before.replace(/\n$/, "") : before;
    return line ? paragraphs(line) : [];
  });
}

/** Draws a plain_text: decodes escapes and draws emoji, nothing else. */
export function plain(text) {
  return emojis(decode(text));
}

/** A mrkdwn text as plain words for screen readers, with the names of people and groups. */
export function spoken(text) {
  return h("div", {}, mrkdwn(text)).textContent.trim();
}

/** Decodes `&amp;`, `&lt;` and `&gt;`. */
export function decode(text) {
  return text.replace(/&(amp|lt|gt);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">" })[name]);
}

function paragraphs(text) {
  const nodes = [];
  let quote = null;
  text.split("\n").forEach((line, number, lines) => {
    const quoted = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quoted) {
      if (!quote) nodes.push((quote = h("blockquote")));
      else quote.append(h("br"));
      quote.append(...inline(quoted[1]));
      return;
    }
    const afterQuote = quote !== null;
    quote = null;
    if (number > 0 && !afterQuote) nodes.push(h("br"));
    if (line || number < lines.length - 1 || !afterQuote) nodes.push(...inline(line));
  });
  return nodes;
}

const TOKEN = /`([^`\n]+)`|<([^<>\n]+)>/g;

function inline(text) {
  const pieces = [];
  let from = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > from) pieces.push(text.slice(from, match.index));
    pieces.push(match[1] !== undefined ? code(match[1]) : angle(match[2]));
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push(text.slice(from));
  return styled(pieces);
}

function code(text) {
  const inner = text.replace(/<([^<>\n]+)>/g, (_, token) => angle(token).textContent);
  return h("code", {}, decode(inner));
}

/** Draws the markup between `<` and `>`. */
function angle(token) {
  const [target, ...rest] = token.split("|");
  const label = rest.length ? rest.join("|") : null;
  if (target.startsWith("@")) return mention(target.slice(1));
  if (target.startsWith("#")) return channelLink(target.slice(1), label);
  if (target.startsWith("!subteam^")) return groupMention(target.slice(9), label);
  if (target.startsWith("!date^")) return slackDate(target.slice(6), label);
  if (/^!(here|channel|everyone)\b/.test(target)) return h("span", { class: "mention broad" }, `@${target.slice(1)}`);
  return link(target, label);
}

/** Draws a mention of a person; a mention of the current person is highlighted. */
export function mention(id) {
  return h("span", { class: id === state.me ? "mention own" : "mention", data: { user: id } }, `@${person(id).name}`);
}

/** Draws a mention of a user group by its handle. */
export function groupMention(id, label = null) {
  const group = (state.slack.groups ?? []).find((one) => one.id === id);
  const mine = group?.users?.includes(state.me);
  const words = group ? `@${group.handle}` : decode(label ?? `@${id}`);
  return h("span", { class: mine ? "mention own" : "mention", data: { group: id } }, words);
}

/** Draws a link to a channel with its name. */
export function channelLink(id, label = null) {
  const found = (state.slack.channels ?? []).find((one) => one.id === id);
  return h("span", { class: "mention" }, `#${found?.name ?? decode(label ?? id)}`);
}

/** Draws a link if a browser may follow it, otherwise only its text. */
export function link(target, label = null) {
  const address = decode(target);
  const words = label === null ? [address] : emojis(decode(label));
  if (!/^(https?:\/\/|mailto:)/i.test(address)) return h("span", {}, `<${address}>`);
  const attributes = { href: address, target: "_blank", rel: "noopener noreferrer" };
  const message = MESSAGE.exec(address);
  if (message && message[1] === state.slack.team?.domain) attributes.on = { click: (event) => jump(event, message) };
  return h("a", attributes, words);
}

/** Slack's address of a message: the workspace, the channel, and its ts without the dot. */
const MESSAGE = /^https:\/\/([\w-]+)\.slack\.com\/archives\/(\w+)\/p(\d+)(\d{6})$/;

function jump(event, [, , channel, seconds, micros]) {
  event.preventDefault();
  if (!openMessage(channel, `${seconds}.${micros}`)) toast("You cannot see the channel of that message.", true);
}

const STYLES = [
  [/(^|[\s(["'>~_—–\uE000-])\*(\S(?:[^*]*\S)?)\*(?=$|[\s)\].,:;!?"'<~_—–\uE000-])/, "strong"],
  [/(^|[\s(["'>~*—–\uE000-])_(\S(?:[^_]*\S)?)_(?=$|[\s)\].,:;!?"'<~*—–\uE000-])/, "em"],
  [/(^|[\s(["'>*_—–\uE000-])~(\S(?:[^~]*\S)?)~(?=$|[\s)\].,:;!?"'<*_—–\uE000-])/, "s"],
];

// A private-use character stands for a node that exists already, so that *bold around `code`* stays one bold text.
const HOLE = "\uE000";

function styled(pieces) {
  const holes = pieces.filter((piece) => typeof piece !== "string");
  const text = pieces.map((piece) => (typeof piece === "string" ? piece.replaceAll(HOLE, "") : HOLE)).join("");
  return styleText(text, holes.values());
}

function styleText(text, holes) {
  if (!text) return [];
  const found = STYLES.map(([pattern, tag]) => ({ match: pattern.exec(text), tag }))
    .filter(({ match }) => match)
    .sort((a, b) => a.match.index - b.match.index)[0];
  if (!found) return fill(text, holes);
  const { match, tag } = found;
  const start = match.index + match[1].length;
  return [
    ...fill(text.slice(0, start), holes),
    h(tag, {}, styleText(match[2], holes)),
    ...styleText(text.slice(match.index + match[0].length), holes),
  ];
}

/** Puts the finished nodes back into a text in order; the whole line shares the iterator `holes`. */
function fill(text, holes) {
  return text.split(HOLE).flatMap((part, number) => [...(number ? [holes.next().value] : []), ...emojis(decode(part))]);
}

function emojis(text) {
  return text
    .split(/(:[a-z0-9_+-]+:)/)
    .map((part) => (/^:[a-z0-9_+-]+:$/.test(part) ? emoji(part.slice(1, -1)) ?? part : part))
    .filter((part) => part !== "");
}
