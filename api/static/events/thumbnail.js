// The small picture of an event: the one that it carries, or the one that is stored with it.

import {askForBlob} from "../shared/api.js";
import {hasPicture, paint, pictureIn} from "../shared/media.js";

const known = new Map(); // small pictures by the event's id; null where there is none
const MOST = 200;

/** There may be a picture now where there was none. */
export function forgetPicture(id) {
  if (known.get(id) === null) known.delete(id);
}

/** Show an event's small picture on a canvas, in place of what stands for it. */
export async function showThumbnail(event, canvas, none) {
  const blob = await smallPicture(event);
  if (!blob) return;
  try {
    await paint(canvas, blob);
    canvas.hidden = false;
    none.hidden = true;
  } catch {
    known.set(event.id, null);
  }
}

async function smallPicture(event) {
  if (hasPicture(event)) return pictureIn(event);
  if (!known.has(event.id)) {
    if (known.size >= MOST) known.delete(known.keys().next().value);
    known.set(event.id, await askForBlob(`/api/events/${encodeURIComponent(event.id)}/thumbnail`).catch(() => null));
  }
  return known.get(event.id);
}
