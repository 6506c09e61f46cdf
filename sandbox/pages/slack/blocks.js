/** Draws Block Kit blocks as Slack draws them. `surface` says where they are and receives clicks; see actions.js. */

import { h } from "../dom.js";
import { element } from "./elements.js";
import { input } from "./inputs.js";
import { mrkdwn, plain } from "./mrkdwn.js";
import { richText } from "./richtext.js";
import { unknown } from "./unknown.js";

const BLOCKS = {
  section,
  header: (block) => h("h3", { class: "block-header" }, plain(block.text.text)),
  divider: () => h("hr"),
  context: (block) => h("div", { class: "block-context" }, block.elements.map(contextElement)),
  actions: (block, surface) =>
    h("div", { class: "block-actions" }, block.elements.map((one) => element(one, block, surface))),
  rich_text: (block) => h("div", { class: "rich-text" }, richText(block)),
  table,
  input,
  image: (block) => picture(block, "block-image"),
  markdown: (block) => h("div", { class: "block-markdown" }, block.text),
  alert: (block) => h("div", { class: `block-alert ${block.level ?? "default"}`, role: "note" }, text(block.text)),
};

/** Draws one block. */
export function drawBlock(block, surface) {
  const draw = BLOCKS[block.type];
  let node;
  try {
    node = draw ? draw(block, surface) : unknown("block", block);
  } catch {
    // Slack would have refused a block that lacks required parts, so the page shows it as malformed.
    node = unknown("malformed block", block);
  }
  node.dataset.block = block.block_id ?? "";
  return node;
}

/** Draws a text object. */
export function text(object) {
  if (object.type === "mrkdwn") return mrkdwn(object.text);
  if (object.type === "plain_text") return plain(object.text);
  return [unknown("text object", object)];
}

function section(block, surface) {
  return h(
    "div",
    { class: "block-section" },
    h(
      "div",
      { class: "section-body" },
      block.text && h("div", { class: "section-text" }, text(block.text)),
      block.fields && h("div", { class: "section-fields" }, block.fields.map((field) => h("div", {}, text(field)))),
    ),
    block.accessory && h("div", { class: "accessory" }, element(block.accessory, block, surface)),
  );
}

function contextElement(one) {
  if (one.type === "image") return picture(one, "context-image");
  return h("span", {}, text(one));
}

/** Draws a box with the picture's alternative text: the page never loads pictures from elsewhere. */
function picture(one, className) {
  return h("span", { class: `picture ${className}`, role: "img", "aria-label": one.alt_text }, one.alt_text);
}

function table(block) {
  const [head, ...rows] = block.rows;
  const settings = block.column_settings ?? [];
  const cell = (tag) => (value, column) =>
    h(
      tag,
      { class: `align-${settings[column]?.align ?? "left"}${settings[column]?.is_wrapped ? " wrapped" : ""}` },
      cellContent(value),
    );
  return h(
    "div",
    { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table" },
    h(
      "table",
      { class: "block-table" },
      h("thead", {}, h("tr", {}, head.map(cell("th")))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell("td"))))),
    ),
  );
}

function cellContent(value) {
  if (value.type === "raw_text") return value.text;
  if (value.type === "raw_number") return String(value.text ?? value.value);
  if (value.type === "rich_text") return richText(value);
  return unknown("table cell", value);
}
