// Dialogs: the browser's own, which hold the focus, close with Escape and give the focus back.

import {get, h, text, trail} from "./dom.js";
import {icon} from "./icons.js";
import {person} from "./session.js";
import {say} from "../words/words.js";

let opened = 0;
const typed = new Map(); // what stood in forms when a session ended, until they are opened again by the same person

/** Close all dialogs; with `keeping`, what somebody typed is there when the form is opened again. Passwords never are. */
export function closeDialogs(keeping = false) {
  if (!keeping) typed.clear();
  for (const dialog of document.querySelectorAll("dialog[open]")) {
    const form = dialog.querySelector("form.form");
    if (keeping && form) typed.set(form.dataset.about, {who: person().username, values: [...new FormData(form)].filter(([name]) => form.elements[name]?.type !== "password")});
    dialog.close();
  }
}

/** Put back what was typed before a session ended. */
function fillAgain(form) {
  const {who, values = []} = typed.get(form.dataset.about) ?? {};
  typed.delete(form.dataset.about);
  if (who !== person().username) return;
  for (const [name, value] of values) if (typeof value === "string" && form.elements[name] && "value" in form.elements[name]) { form.elements[name].value = value; form.elements[name].dispatchEvent(new Event("change", {bubbles: true})); }
}

/** Show a dialog with a title and content; returns it. `closed` is called when it is gone. `wide` is a sheet at the side. */
export function openDialog(title, content, {closed, sheet = false, name} = {}) {
  const id = `dialog-title-${++opened}`;
  const heading = h("h2", {tabindex: "-1", id}, title);
  const shut = h("button", {type: "button", class: "quiet close", "aria-label": say("closeDialog"), onclick: () => dialog.close()}, icon("close"));
  const dialog = h("dialog", {class: sheet ? "dialog sheet" : "dialog", "aria-labelledby": id, "data-dialog": name}, h("header", {}, heading, shut), ...content);
  const before = document.activeElement, path = trail(before);
  dialog.addEventListener("close", () => { dialog.remove(); giveBack(before, path); closed?.(); });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
  if (!dialog.querySelector("[autofocus]")) heading.focus();
  return dialog;
}

/** The focus goes back to where it was, or to what stands there now, or to the title of the view; not where another dialog took it. */
function giveBack(before, path) {
  if (document.querySelector("dialog[open]")) return;
  const place = before?.isConnected ? before : (path && document.querySelector(path)) || get("title");
  place.focus({preventScroll: true});
}

/** A dialog with fields. `act` gets the values of the fields and may throw: its message is shown and the dialog stays. */
export function openForm(title, {about, fields, button, danger = false, name, closed}, act) {
  const error = h("p", {class: "form-error", role: "alert"});
  const submit = h("button", {class: danger ? "primary danger" : "primary"}, button);
  const cancel = h("button", {type: "button", class: "secondary", onclick: () => dialog.close()}, say("cancel"));
  const form = h("form", {class: "form", method: "dialog", "data-about": `${title} ${about ?? ""}`}, about ? h("p", {class: "muted"}, about) : null, ...fields, error, h("div", {class: "form-buttons"}, cancel, submit));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    text(error, "");
    try {
      await act(Object.fromEntries(new FormData(form)));
      dialog.close();
    } catch (failure) {
      text(error, failure.message || say("serverGone"));
    } finally {
      submit.disabled = false;
    }
  });
  const dialog = openDialog(title, [form], {name, closed});
  fillAgain(form);
  return dialog;
}

export function field(label, input, hint) {
  return h("label", {class: "field"}, h("span", {}, label), input, hint ? h("small", {class: "muted"}, hint) : null);
}

/** A choice of `[value, words]`. */
export function select(attributes, options, chosen) {
  return h("select", attributes, ...options.map(([value, words]) => h("option", {value, selected: String(value) === String(chosen)}, words)));
}
