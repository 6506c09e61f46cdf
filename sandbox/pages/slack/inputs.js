/** Input blocks: a label, one element to fill in, a hint, an error. Values stay in `typed` until the form is sent. */

import { h } from "../dom.js";
import { state } from "../state.js";
import { send } from "./actions.js";
import { plain } from "./mrkdwn.js";
import { unknown } from "./unknown.js";

let made = 0;

/** Draws an input block; `surface.typed` (a Map) has the values by block and action, `surface.errors` the errors by block. */
export function input(block, surface) {
  const one = block.element;
  const draw = CONTROLS[one.type];
  if (!draw || !surface.typed) return unknown("input", one);
  const id = `input-${++made}`;
  const said = surface.errors?.[block.block_id];
  const described = [said && `${id}-error`, block.hint && `${id}-hint`].filter(Boolean).join(" ") || null;
  const field = new Field(block, surface);
  const control = draw(one, field, {
    id,
    "aria-describedby": described,
    "aria-invalid": said ? "true" : null,
    "aria-required": block.optional ? null : "true",
    data: { action: one.action_id, testid: `input-${block.block_id}` },
  });
  return h(
    "div",
    { class: said ? "block-input wrong" : "block-input" },
    h("label", { for: id, id: `${id}-label` }, plain(block.label.text), block.optional && h("span", { class: "optional" }, " (optional)")),
    control,
    said && h("p", { class: "input-error", id: `${id}-error`, role: "alert", data: { testid: "input-error" } }, said),
    block.hint && h("p", { class: "hint", id: `${id}-hint` }, plain(block.hint.text)),
  );
}

/** One input's value: it starts with the view's initial value and survives every redraw. */
class Field {
  constructor(block, surface) {
    this.block = block;
    this.surface = surface;
    this.key = JSON.stringify([block.block_id, block.element.action_id]);
  }

  get(initial) {
    return this.surface.typed.has(this.key) ? this.surface.typed.get(this.key) : initial;
  }

  set(value) {
    this.surface.typed.set(this.key, value);
    if (this.block.dispatch_action) send(this.surface, this.block, this.block.element, { value });
  }
}

const CONTROLS = {
  plain_text_input: textInput("text"),
  email_text_input: textInput("email"),
  url_text_input: textInput("url"),
  number_input: textInput("text"),
  static_select: oneOf((one) => choices(one), (one) => one.initial_option?.value),
  users_select: oneOf(() => state.slack.people.map((who) => [who.id, who.real_name ?? who.name]), (one) => one.initial_user),
  datepicker: picker("date", (one) => one.initial_date),
  timepicker: picker("time", (one) => one.initial_time),
  radio_buttons: ticks("radio", (one) => [one.initial_option?.value].filter(Boolean)),
  checkboxes: ticks("checkbox", (one) => (one.initial_options ?? []).map((option) => option.value)),
};

function textInput(type) {
  return (one, field, attributes) => {
    const value = field.get(one.initial_value ?? "");
    const common = {
      ...attributes,
      class: "slack-text",
      placeholder: one.placeholder?.text,
      maxlength: one.max_length,
      on: { input: (event) => field.set(event.target.value) },
    };
    if (!one.multiline) return h("input", { ...common, type, value, autocomplete: "off" });
    return h("textarea", { ...common, rows: 4 }, value);
  };
}

function choices(one) {
  const options = one.options ?? (one.option_groups ?? []).flatMap((group) => group.options);
  return options.map((option) => [option.value, option.text.text]);
}

function oneOf(options, initial) {
  return (one, field, attributes) => {
    const chosen = field.get(initial(one)) ?? "";
    return h(
      "select",
      { ...attributes, class: "slack-select wide", on: { change: (event) => field.set(event.target.value || null) } },
      h("option", { value: "" }, one.placeholder?.text ?? "Choose an option"),
      options(one).map(([value, words]) => h("option", { value, selected: value === chosen }, words)),
    );
  };
}

function picker(type, initial) {
  return (one, field, attributes) =>
    h("input", {
      ...attributes,
      class: "slack-text",
      type,
      value: field.get(initial(one)) ?? "",
      on: { change: (event) => field.set(event.target.value || null) },
    });
}

function ticks(type, initial) {
  return (one, field, attributes) => {
    const several = type === "checkbox";
    const chosen = [field.get(several ? initial(one) : initial(one)[0])].flat().filter(Boolean);
    const box = h("div", { ...attributes, class: "ticks", role: several ? "group" : "radiogroup", "aria-labelledby": `${attributes.id}-label` });
    const change = () => {
      const values = [...box.querySelectorAll("input:checked")].map((tick) => tick.value);
      field.set(several ? values : values[0] ?? null);
    };
    box.append(
      ...one.options.map((option) =>
        h(
          "label",
          { class: "tick" },
          h("input", { type, name: attributes.id, value: option.value, checked: chosen.includes(option.value), on: { change } }),
          h("span", {}, option.text.text, option.description && h("small", {}, option.description.text)),
        ),
      ),
    );
    return box;
  };
}

/** All values, in the form that Slack's control interface expects: block_id, action_id, value. */
export function values(typed) {
  const all = {};
  for (const [key, value] of typed) {
    const [block, action] = JSON.parse(key);
    (all[block] ??= {})[action] = value;
  }
  return all;
}
