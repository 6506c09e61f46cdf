/**
 * The emoji that a deployment bot uses, drawn as SVG: a bare machine has no emoji font and would show empty boxes.
 */

import { h, icon } from "../dom.js";

const COLOURS = {
  red: "#d92d3a", orange: "#e8831d", yellow: "#e9b518", green: "#2a9d5c", blue: "#2f7fd6", purple: "#8655c8",
  brown: "#8a5a3b", white: "#d7dadd", black: "#2b2f33",
};

const CHECK = "M6.3 12.6 1.9 8.2l1.6-1.6 2.8 2.8 6.2-6.2 1.6 1.6z";
const CROSS = "m3.4 2 4.6 4.6L12.6 2 14 3.4 9.4 8l4.6 4.6-1.4 1.4L8 9.4 3.4 14 2 12.6 6.6 8 2 3.4z";
const PATHS = {
  lock: ["#c98a12", "M4.5 7V5a3.5 3.5 0 0 1 7 0v2H13v8H3V7zm2 0h3V5a1.5 1.5 0 0 0-3 0z"],
  unlock: ["#c98a12", "M4.5 7V5a3.5 3.5 0 0 1 6.9-.8l-1.9.5A1.5 1.5 0 0 0 6.5 5v2H13v8H3V7z"],
  mag: ["#5b7083", "M6.5 1a5.5 5.5 0 0 1 4.3 8.9l4 4-1.4 1.4-4-4A5.5 5.5 0 1 1 6.5 1zm0 2a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z"],
  no_entry: ["#d92d3a", "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM4 6.8v2.4h8V6.8z"],
  no_entry_sign: ["#d92d3a", "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zm0 2a5 5 0 0 0-3 9l7-7a5 5 0 0 0-4-2zm4 3.5L6.5 12.8A5 5 0 0 0 12 6.5z"],
  hourglass: ["#a8752b", "M3 1h10v2h-1c0 3-1.5 4-2.5 5 1 1 2.5 2 2.5 5h1v2H3v-2h1c0-3 1.5-4 2.5-5C5.5 7 4 6 4 3H3z"],
  hourglass_flowing_sand: ["#a8752b", "M3 1h10v2h-1c0 3-1.5 4-2.5 5 1 1 2.5 2 2.5 5h1v2H3v-2h1c0-3 1.5-4 2.5-5C5.5 7 4 6 4 3H3z"],
  warning: ["#d9910d", "M8 1l7.5 13.5H.5zM7 6v4.5h2V6zm0 5.5v2h2v-2z"],
  white_check_mark: ["#2a9d5c", CHECK],
  heavy_check_mark: ["#2a9d5c", CHECK],
  x: ["#d92d3a", CROSS],
  heavy_minus_sign: ["#6b7280", "M2 6.5h12v3H2z"],
  heavy_plus_sign: ["#6b7280", "M6.5 2h3v4.5H14v3H9.5V14h-3V9.5H2v-3h4.5z"],
  bell: ["#d9910d", "M8 1a4.5 4.5 0 0 1 4.5 4.5V9L14 11.5V12H2v-.5L3.5 9V5.5A4.5 4.5 0 0 1 8 1zM6 13h4a2 2 0 0 1-4 0z"],
  rocket: ["#7c5cc4", "M14.5 1.5C10 1.5 7 4 5.5 7L2 7.5.5 10l3 .5L5.5 12.5l.5 3L8.5 14l.5-3.5c3-1.5 5.5-4.5 5.5-9zM10.5 4a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3z"],
  rewind: ["#2f7fd6", "M8 3v4l7-4v10L8 9v4L1 8z"],
  arrow_right: ["#2f7fd6", "M9 3l6 5-6 5V9.5H1v-3h8z"],
  arrow_forward: ["#2f7fd6", "M4 2l10 6-10 6z"],
  seedling: ["#2a9d5c", "M7.2 15V9C3.5 9 1.5 7 1 3c4 .2 6 1.8 6.7 4.4C8.5 4.5 11 2.7 15 3c-.5 4-2.7 6-6.2 6v6z"],
  leftwards_arrow_with_hook: ["#2f7fd6", "M6 2v3h4a4.5 4.5 0 0 1 0 9H4v-2h6a2.5 2.5 0 0 0 0-5H6v3L1.5 6z"],
  information_source: ["#2f7fd6", "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM7 7v5h2V7zm0-3v2h2V4z"],
  repeat: ["#2f7fd6", "M11 1l4 3-4 3V5H5v3H3V3h8zM5 15l-4-3 4-3v2h6V8h2v5H5z"],
  arrows_counterclockwise: ["#2f7fd6", "M11 1l4 3-4 3V5H5v3H3V3h8zM5 15l-4-3 4-3v2h6V8h2v5H5z"],
  eyes: ["#5b7083", "M4.5 3C6.5 3 7.5 5.2 7.5 8s-1 5-3 5-3-2.2-3-5 1-5 3-5zm7 0c2 0 3 2.2 3 5s-1 5-3 5-3-2.2-3-5 1-5 3-5zM5.5 7a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3zm7 0a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3z"],
  memo: ["#5b7083", "M3 1h7l3 3v11H3zm2 5v1.5h6V6zm0 3v1.5h6V9zm0 3v1.5h4V12z"],
  clock3: ["#5b7083", "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM7 4v5h5V7H9V4z"],
  rotating_light: ["#d92d3a", "M7 1h2v2H7zM2.5 3.5 4 2.5l1.5 2L4 5.5zM12 2.5l1.5 1-1.5 2-1.5-1zM4 10a4 4 0 0 1 8 0v2H4zm-1 3h10v2H3z"],
  speech_balloon: ["#5b7083", "M2 2h12v9H8l-4 4v-4H2z"],
  link: ["#5b7083", "M6 4H4a4 4 0 0 0 0 8h2v-2H4a2 2 0 0 1 0-4h2zm4 0v2h2a2 2 0 0 1 0 4h-2v2h2a4 4 0 0 0 0-8zM5 7v2h6V7z"],
  ship: ["#2f7fd6", "M7 1h2v2h2v4l3 1-2 5H4L2 8l3-1V3h2zM1 14h14v1.5H1z"],
  robot_face: ["#0b7d6e", "M7 1h2v2h4v10H3V3h4zm-2 5v2h2V6zm4 0v2h2V6zm-4 4v1.5h6V10zM1 6h1v4H1zm13 0h1v4h-1z"],
  inbox_tray: ["#2f7fd6", "M7 1h2v5h2.5L8 9.5 4.5 6H7zM1 9h3.5l1.5 2h4l1.5-2H15v6H1z"],
  scroll: ["#a8752b", "M3 1h9a2 2 0 0 1 2 2v2h-3v8a2 2 0 0 1-2 2H3a2 2 0 0 1-2-2v-1h3V3zm2.5 4v1.5h4V5zm0 3v1.5h4V8zM3 13.5h5V13H3z"],
  crescent_moon: ["#c98a12", "M10.5 1.2A7 7 0 1 0 15 11 6 6 0 0 1 10.5 1.2z"],
  busts_in_silhouette: ["#5b7083", "M6 2a3 3 0 1 1 0 6 3 3 0 0 1 0-6zm5 1a2.6 2.6 0 1 1 0 5.2A4.2 4.2 0 0 0 11 3zM.5 14.5a5.5 5.5 0 0 1 11 0zm12 0c0-2-.6-3.5-1.6-4.7a4.5 4.5 0 0 1 4.6 4.7z"],
  fast_forward: ["#2f7fd6", "M8 3v4L1 3v10l7-4v4l7-5z"],
  left_right_arrow: ["#2f7fd6", "M4 4v3h8V4l4 4-4 4V9H4v3L0 8z"],
  twisted_rightwards_arrows: ["#2f7fd6", "M11 2l4 3-4 3V6h-1.5l-5 6H1v-2h2.5l5-6H11zM1 4h3.5l1.7 2-1.3 1.6L3.5 6H1zm10 4.5 4 3-4 3V12H8.5l-1.7-2 1.3-1.6L9.5 10H11z"],
  grey_question: ["#8a939c", "M5 5a3 3 0 1 1 4.5 2.6c-.4.3-.5.5-.5 1.4H7c0-1.8.5-2.4 1.4-3A1 1 0 1 0 7 5zm2 6h2v2.5H7z"],
  bust_in_silhouette: ["#5b7083", "M8 1a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM1.5 15a6.5 6 0 0 1 13 0z"],
  black_square_button: ["#6b7280", "M2 2h12v12H2zm2 2v8h8V4z"],
};
Object.assign(PATHS, { stopwatch: PATHS.clock3, timer_clock: PATHS.clock3, closed_lock_with_key: PATHS.lock, siren: PATHS.rotating_light });

const SHAPE = /^(?:large_)?(red|orange|yellow|green|blue|purple|brown|white|black)_(circle|square)$/;

/** The picture for a short code (without colons); null if the sandbox has none, and then the page shows the code itself. */
export function emoji(name) {
  const shape = SHAPE.exec(name);
  if (shape) {
    const dot = h("span", { class: `emoji shape ${shape[2]}`, role: "img", "aria-label": name.replaceAll("_", " ") });
    dot.style.backgroundColor = COLOURS[shape[1]];
    return dot;
  }
  if (!Object.hasOwn(PATHS, name)) return null;
  const [colour, path] = PATHS[name];
  const drawn = icon(path, "emoji");
  drawn.style.fill = colour;
  drawn.querySelector("path").setAttribute("fill-rule", "evenodd");
  return drawn;
}
