/**
 * What happens when something is clicked. A surface is where a block stands: `{where, message}` with `where` one of
 * `{channel, ts}`, `{channel, ephemeral}`, `{view}`, as Slack's control interface takes it.
 */

import { post } from "../api.js";
import { toast } from "../dom.js";
import { refresh, state } from "../state.js";

const waiting = new Set();

/** Sends the click to the bot, as the person who is looking. `more` is what the element adds: value, selected_option. */
export async function send(surface, block, element, more = {}) {
  const key = JSON.stringify([surface.where, block.block_id, element.action_id, more]);
  if (waiting.has(key)) return;
  waiting.add(key);
  try {
    const body = { user: state.me, ...surface.where, action_id: element.action_id, block_id: block.block_id, ...more };
    complain(await post("/slack/action", body));
  } catch (problem) {
    toast(problem.message, true);
  } finally {
    waiting.delete(key);
    refresh("slack");
  }
}

/** Says what Slack's client would say where the app did not take a request. */
export function complain(answer) {
  if (answer.error === "operation_timeout") {
    toast("Nomatron did not answer in 3 seconds (operation_timeout). Try again?", true);
  } else if (answer.error) {
    toast(`Nomatron could not be reached: ${answer.error}`, true);
  } else if (answer.status >= 300) {
    toast(`Nomatron answered ${answer.status}: Slack shows a warning triangle here.`, true);
  }
}
