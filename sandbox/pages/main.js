/** Starts the page: fetches everything once, then follows the changes. */

import { follow, get } from "./api.js";
import { drawGuide } from "./guide/guide.js";
import { drawNomad } from "./nomad/nomad.js";
import { drawModal } from "./slack/modal.js";
import { drawConversation } from "./slack/messages.js";
import { drawSidebar } from "./slack/sidebar.js";
import { drawComposer } from "./slack/composer.js";
import { drawThread } from "./slack/thread.js";
import { changed, onChange, refresh, state } from "./state.js";

const EVERYTHING = ["slack", "nomad", "bot", "seed", "guide"];

onChange((names) => {
  const has = (...wanted) => wanted.some((name) => names.has(name));
  if (has("slack", "view")) {
    drawSidebar();
    drawConversation();
    drawComposer();
    drawThread();
    drawModal();
  }
  if (has("slack", "nomad", "bot", "view")) drawNomad(); // Slack too, because its switch is in Nomad's half
  if (has("guide", "seed", "bot", "slack", "view")) drawGuide();
});

function connection(there) {
  const back = there && !state.connected;
  state.connected = there;
  changed("view");
  if (back) refresh(...EVERYTHING);
}

state.about = await get("/sandbox/about");
await refresh(...EVERYTHING);
follow((names) => refresh(...names), connection);
document.body.dataset.ready = "true";
