/**
 * Builds the document. Text always becomes a text node: nothing here, or anywhere on the page, parses HTML.
 */

/** Makes an element. `attributes`: `on` (event name to listener), `data`, and plain attributes; skips null and false. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "data") {
      for (const [key, datum] of Object.entries(value)) if (datum != null) element.dataset[key] = String(datum);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Makes an SVG icon from path data on a 16 by 16 grid; screen readers skip it, because the text beside it says the same. */
export function icon(path, className = "icon") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

/**
 * Makes `parent` show `items` in order, and redraws only those whose signature changed, so that an element that a
 * person reads, types into or is about to click stays in place.
 */
export function keyed(parent, items, keyOf, signatureOf, draw) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let position = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    const signature = signatureOf(item);
    let element = before.get(key);
    if (!element || element.signature !== signature) {
      const fresh = draw(item);
      fresh.dataset.key = key;
      fresh.signature = signature;
      if (element) {
        const focus = focusWithin(element);
        if (position === element) position = fresh;
        element.replaceWith(fresh);
        focus(fresh);
      }
      element = fresh;
    }
    before.delete(key);
    if (element === position) position = position.nextElementSibling;
    else parent.insertBefore(element, position);
  }
  for (const gone of before.values()) gone.remove();
}

/** Replaces the children of `parent`, and moves the focus to the new element in place of the focused one. */
export function replace(parent, ...children) {
  const focus = focusWithin(parent);
  parent.replaceChildren(...children.flat(Infinity).filter(Boolean));
  focus(parent);
}

/** Remembers which control inside `element` has the focus; returns a function that focuses the same control elsewhere. */
function focusWithin(element) {
  const active = document.activeElement;
  if (!active || active === element || !element.contains(active)) return () => {};
  const names = ["data-action", "data-testid", "data-focus"].filter((name) => active.hasAttribute(name));
  const selector = names.map((name) => `[${name}="${CSS.escape(active.getAttribute(name))}"]`).join("");
  const { selectionStart, selectionEnd } = active;
  return (fresh) => selector && focusText(fresh.querySelector(selector), selectionStart, selectionEnd);
}

/** Focuses an element; in a text field, sets the cursor from `start` to `end`, or at the end of the text. */
export function focusText(element, start = null, end = null) {
  if (!element) return;
  element.focus();
  const isText = element.tagName === "TEXTAREA" || (element.tagName === "INPUT" && element.type === "text");
  if (isText) element.setSelectionRange(start ?? element.value.length, end ?? element.value.length);
}

/** Shows a short message in the corner for a few seconds; `bad` marks an error. */
export function toast(text, bad = false) {
  const area = document.getElementById("toasts");
  const line = h("div", { class: bad ? "toast bad" : "toast", data: { testid: "toast" } }, text);
  area.append(line);
  setTimeout(() => line.remove(), bad ? 9000 : 3000);
}
