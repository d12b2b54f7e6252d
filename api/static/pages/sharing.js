// With whom a page is shared, and what they may do there.

import {toast} from "../shared/announce.js";
import {ask, send} from "../shared/api.js";
import {field, openDialog, select} from "../shared/dialog.js";
import {h, text} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {findAccount, accountField} from "../accounts/find_account.js";
import {say} from "../words/words.js";

export async function openSharing(page, groups, failed) {
  const list = h("div", {class: "people"});
  const error = h("p", {class: "form-error", role: "alert"});
  const path = `/api/pages/${page.id}/shares`;

  const draw = async () => {
    const shares = await ask(path);
    list.replaceChildren(...(shares.length ? shares.map((share) => h("span", {class: "tag"}, icon(share.subject_type === "user" ? "person" : "share"), `${share.name} · ${say(share.can_edit ? "rightEdit" : "rightView")}`,
      h("button", {type: "button", "aria-label": `${say("unshare")}: ${share.name}`, onclick: () => attempt(() => send("DELETE", `${path}/${share.subject_type}/${share.subject_id}`))}, icon("close")))) : [h("p", {class: "muted"}, say("notShared"))]));
  };
  const attempt = async (work) => {
    text(error, "");
    try {
      await work();
      await draw();
    } catch (failure) {
      text(error, failed(failure));
    }
  };

  const kinds = [["user", say("user")], ...(groups.length ? [["group", say("group")]] : [])];
  const person = accountField();
  const group = field(say("group"), select({name: "group"}, groups.map((one) => [one.id, one.name])));
  const kind = select({name: "kind", onchange: () => { person.element.hidden = kind.value !== "user"; group.hidden = kind.value !== "group"; person.input.required = kind.value === "user"; }}, kinds, "user");
  group.hidden = true;
  const form = h("form", {class: "form", method: "dialog"}, field(say("shareWith"), kind), person.element, group,
    field(say("right"), select({name: "right"}, [["view", say("rightView")], ["edit", say("rightEdit")]])), error, h("div", {class: "form-buttons"}, h("button", {class: "primary"}, say("share"))));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(form));
    attempt(async () => {
      const subject = values.kind === "user" ? await findAccount(values.person) : groups.find((one) => String(one.id) === values.group);
      await send("PUT", path, {subject_type: values.kind, subject_id: subject.id, can_view: true, can_edit: values.right === "edit"});
      toast(say("sharedNow", {name: subject.username ?? subject.name}));
      person.input.value = "";
    });
  });
  openDialog(say("shareTitle", {name: page.name}), [list, form], {name: "share"});
  await attempt(async () => null);
}
