/** The rich_text block: its text is literal, except for elements that mention someone. */

import { h } from "../dom.js";
import { slackDate } from "./dates.js";
import { emoji } from "./emoji.js";
import { channelLink, groupMention, link, mention } from "./mrkdwn.js";
import { unknown } from "./unknown.js";

const CONTAINERS = {
  rich_text_section: (element) => h("div", { class: "rich-section" }, leaves(element.elements)),
  rich_text_preformatted: (element) => h("pre", { class: "code-block" }, leaves(element.elements)),
  rich_text_quote: (element) => h("blockquote", {}, leaves(element.elements)),
  rich_text_list: list,
};

/** Draws a rich_text block, or a table's rich_text cell. */
export function richText(block) {
  return (block.elements ?? []).map((element) => CONTAINERS[element.type]?.(element) ?? unknown("rich text", element));
}

function list(element) {
  const indent = Math.min(element.indent ?? 0, 8);
  const items = element.elements.map((item) => h("li", {}, leaves(item.elements)));
  const tag = element.style === "ordered" ? "ol" : "ul";
  const start = tag === "ol" && element.offset ? element.offset + 1 : null;
  return h(tag, { class: `rich-list indent-${indent}`, start }, items);
}

function leaves(elements) {
  return (elements ?? []).map((leaf) => styled(LEAVES[leaf.type]?.(leaf) ?? unknown("rich text element", leaf), leaf.style));
}

const LEAVES = {
  text: (leaf) => document.createTextNode(leaf.text),
  user: (leaf) => mention(leaf.user_id),
  usergroup: (leaf) => groupMention(leaf.usergroup_id),
  channel: (leaf) => channelLink(leaf.channel_id),
  broadcast: (leaf) => h("span", { class: "mention broad" }, `@${leaf.range}`),
  emoji: (leaf) => emoji(leaf.name) ?? document.createTextNode(`:${leaf.name}:`),
  link: (leaf) => link(leaf.url, leaf.text ?? null),
  date: (leaf) => slackDate(`${leaf.timestamp}^${leaf.format ?? "{date} {time}"}^${leaf.url ?? ""}`, leaf.fallback),
  color: (leaf) => document.createTextNode(leaf.value),
};

function styled(node, style) {
  const tags = [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"], ["underline", "u"]];
  return tags.filter(([name]) => style?.[name]).reduce((inner, [, tag]) => h(tag, {}, inner), node);
}
