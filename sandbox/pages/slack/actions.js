/**
 * Sends clicks to the bot. A surface says where a block is: `{where, message}` with `where` one of `{channel, ts}`,
 * `{channel, ephemeral}`, `{view}`, in the form that the simulated Slack's control interface expects.
 */

import { post } from "../api.js";
import { toast } from "../dom.js";
import { refresh, state } from "../state.js";

const waiting = new Set();

/** Sends a click to the bot as the current person. `more` has the element's own fields, such as value or selected_option. */
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

/** Shows the message that Slack's client would show if the app did not accept a request. */
export function complain(answer) {
  if (answer.error === "operation_timeout") {
    toast("Nomatron did not answer in 3 seconds (operation_timeout). Try again?", true);
  } else if (answer.error) {
    toast(`Nomatron could not be reached: ${answer.error}`, true);
  } else if (answer.status >= 300) {
    toast(`Nomatron answered ${answer.status}: Slack shows a warning triangle here.`, true);
  }
}
