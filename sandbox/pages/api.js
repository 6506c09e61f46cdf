/** Calls to the page's own server, which passes them on to the simulators. */

/** The JSON answer of a GET. Throws an Error in words where there is none. */
export async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(await words(answer));
  return answer.json();
}

/** The JSON answer of a POST, {} where it has no body. Throws an Error in words where the answer is an error. */
export async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await words(answer));
  const text = await answer.text();
  return text ? JSON.parse(text) : {};
}

/** Calls `changed` with the names of what moved, for ever; `connection` with whether the sandbox is there. */
export function follow(changed, connection) {
  const source = new EventSource("/sandbox/events");
  source.addEventListener("open", () => connection(true));
  source.addEventListener("error", () => connection(false));
  source.addEventListener("message", (event) => changed(JSON.parse(event.data)));
}

async function words(answer) {
  const text = await answer.text();
  try {
    const said = JSON.parse(text);
    return said.error ?? said.message ?? text;
  } catch {
    return text || `the sandbox answered ${answer.status}`;
  }
}
