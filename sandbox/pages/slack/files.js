/** Files under a message: their names and sizes, and the first lines of text files. */

import { h, icon } from "../dom.js";

const SHEET = "M2 1h12v14H2zm1.5 4v2.5h4V5zm5.5 0v2.5h3.5V5zM3.5 9v2h4V9zM9 9v2h3.5V9zm-5.5 3.5v1h4v-1zm5.5 0v1h3.5v-1z";
const LINES_SHOWN = 6;
const LONGEST_LINE = 400;

/** Draws a message's files; null if it has none. */
export function drawFiles(files) {
  return files.length ? h("div", { class: "files" }, files.map(drawFile)) : null;
}

function drawFile(file) {
  const address = `/slack/files/${encodeURIComponent(file.id)}`;
  const look = h("pre", { class: "file-look", tabindex: "0", "aria-label": `The beginning of ${file.name}` });
  if (/\.(csv|txt|log|json)$/i.test(file.name)) fill(look, address);
  return h(
    "div",
    { class: "file", data: { testid: "file" } },
    h(
      "div",
      { class: "file-head" },
      icon(SHEET, "file-icon"),
      h("div", { class: "file-words" }, h("strong", {}, file.title), h("small", {}, `${file.name} · ${size(file.size)}`)),
      h("a", { href: address, download: file.name, data: { testid: "file-download" } }, "Download"),
    ),
    look,
  );
}

/** Fetches and fills in the first lines; a file that cannot be read shows only its name. */
async function fill(look, address) {
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok) return;
  const lines = (await answer.text()).split(/\r?\n/).filter((line) => line);
  const shown = lines.slice(0, LINES_SHOWN).map((line) => line.slice(0, LONGEST_LINE));
  const more = lines.length - shown.length;
  look.textContent = [...shown, ...(more > 0 ? [`… ${more.toLocaleString("en")} more lines`] : [])].join("\n");
}

function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
