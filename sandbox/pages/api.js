/** Calls to the page's own server, which forwards them to the simulators. */

/** The JSON answer to a GET. Throws an Error that says why if there is none. */
export async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(await errorText(answer));
  return answer.json();
}

/** The JSON answer to a POST, {} if it has no body. Throws an Error that says why if the request failed. */
export async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await errorText(answer));
  const text = await answer.text();
  return text ? JSON.parse(text) : {};
}

/** Calls `changed` with the names of everything that changes, and `connection` with whether the sandbox is reachable. */
export function follow(changed, connection) {
  const source = new EventSource("/sandbox/events");
  source.addEventListener("open", () => connection(true));
  source.addEventListener("error", () => connection(false));
  source.addEventListener("message", (event) => changed(JSON.parse(event.data)));
}

async function errorText(answer) {
  const text = await answer.text();
  try {
    const body = JSON.parse(text);
    return body.error ?? body.message ?? text;
  } catch {
    return text || `the sandbox answered ${answer.status}`;
  }
}
