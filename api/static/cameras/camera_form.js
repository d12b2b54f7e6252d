// The dialog that adds or changes a camera: by its address, or by what answers on the network, with a picture to see that it is the right one.

import {sendForBlob, send} from "../shared/api.js";
import {field, openForm} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {paint} from "../shared/media.js";
import {say} from "../words/words.js";

const USER_INFO = "${RTSP_USER}:${RTSP_PASSWORD}@";

/** `act` gets the values of the camera that is to be added or, where there is one, changed. */
export function openCameraForm(act, camera = {}) {
  const url = h("input", {name: "url", required: true, maxlength: 500, autocomplete: "off", spellcheck: "false", value: camera.url});
  const record = h("input", {name: "record_url", maxlength: 500, autocomplete: "off", spellcheck: "false", value: camera.record_url});
  const number = (name, most, step) => h("input", {name, type: "number", min: step, max: most, step, value: camera[name], autocomplete: "off"});
  const isNew = camera.id === undefined;
  openForm(isNew ? say("addCamera") : `${say("editCamera")}: ${camera.name}`, {
    name: "camera", button: say("save"),
    fields: [
      isNew ? field(say("cameraName"), h("input", {name: "name", required: true, maxlength: 64, pattern: "[A-Za-z0-9][A-Za-z0-9_.\\-]*", autofocus: true, autocomplete: "off", spellcheck: "false"}), say("cameraNameHint")) : null,
      field(say("cameraUrl"), url, say("cameraUrlHint")),
      trial(url, record),
      field(say("cameraRecordUrl"), record, say("cameraRecordUrlHint")),
      field(say("cameraArea"), h("input", {name: "area", maxlength: 64, autocomplete: "off", value: camera.area})),
      h("div", {class: "trial-fields"}, field(say("cameraFps"), number("fps", 60, 0.1), say("cameraFpsHint")), field(say("cameraConfidence"), number("min_confidence", 1, 0.01), say("cameraConfidenceHint"))),
      field(say("cameraPage"), h("input", {name: "page", maxlength: 64, autocomplete: "off", spellcheck: "false", value: camera.page}), say("cameraPageHint")),
    ].filter(Boolean),
  }, ({name, ...given}) => {
    const values = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, value === "" ? null : ["fps", "min_confidence"].includes(key) ? Number(value) : value]));
    return act(isNew ? {name, ...values} : values);
  });
}

/** Looks for cameras and takes test pictures; user and password are for that only. */
function trial(url, record) {
  const user = h("input", {maxlength: 200, autocomplete: "off", spellcheck: "false", "data-part": "user"});
  const password = h("input", {type: "password", maxlength: 200, autocomplete: "new-password", "data-part": "password"});
  const place = h("div", {class: "trial-result", "aria-live": "polite"});
  const credentials = () => ({username: user.value, password: password.value});
  const button = (action, words, work) => h("button", {type: "button", class: "secondary", "data-action": action, onclick: (event) => attempt(event.currentTarget, place, work)}, words);
  const choose = (streams, stream) => {
    url.value = named(stream.url, user.value);
    const best = streams.at(-1);
    record.value = best === stream ? "" : named(best.url, user.value);
    url.focus();
  };
  return h("details", {class: "trial"}, h("summary", {}, say("tryCamera")),
    h("div", {class: "trial-fields"}, field(say("cameraUser"), user), field(say("cameraPassword"), password, say("tryHint"))),
    h("div", {class: "trial-buttons"},
      button("test", say("testPicture"), async () => [await picture(await sendForBlob("POST", "/api/cameras/test", {url: url.value, ...credentials()}))]),
      button("discover", say("searchNetwork"), async () => devices((await send("POST", "/api/cameras/discover", credentials())).found, choose))),
    place);
}

async function attempt(button, place, work) {
  button.disabled = true;
  place.replaceChildren(h("p", {class: "muted"}, say("waitAMoment")));
  try {
    place.replaceChildren(...await work());
  } catch (error) {
    place.replaceChildren(h("p", {class: "form-error", role: "alert"}, error.message || say("serverGone")));
  } finally {
    button.disabled = false;
  }
}

async function picture(blob) {
  const canvas = h("canvas", {role: "img", "aria-label": say("testPicture")});
  await paint(canvas, blob);
  return h("div", {class: "picture"}, canvas);
}

function devices(found, choose) {
  if (!found.length) return [h("p", {class: "muted"}, say("nothingFound"))];
  return [h("ul", {class: "found"}, ...found.map((camera) => h("li", {}, h("b", {}, camera.name ?? camera.address), camera.name ? h("span", {class: "muted"}, ` ${camera.address}`) : null,
    camera.problem ? h("p", {class: "muted"}, camera.problem) : null,
    h("div", {class: "trial-buttons"}, ...camera.streams.map((stream) => h("button", {type: "button", class: "action soft", "data-action": "choose", onclick: () => choose(camera.streams, stream)}, described(stream)))))))];
}

const described = ({profile, encoding, width, height}) => [profile, encoding, width && height ? `${width} × ${height}` : null].filter(Boolean).join(" · ");

/** The address with the names of the flow's user and password, where the camera wants them. */
const named = (address, user) => (user ? address.replace("://", `://${USER_INFO}`) : address);
