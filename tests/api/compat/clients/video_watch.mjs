// A client of the video watch, written from its list of addresses and messages.
import { Socket, ask, rest, say } from "./steps.mjs";

const [password] = rest;
const login = await ask("POST", "/api/auth/login", { body: { username: "admin", password } });
say("login", login);
const token = login.body.access_token;
say("refreshed", await ask("POST", "/api/auth/refresh", { token }));
say("me", await ask("GET", "/api/auth/me", { token }));
const added = await ask("POST", "/api/cameras", { token, body: { name: "gate", url: "rtsp://10.0.0.23:554/stream2" } });
say("added", added);
const { id } = added.body;
say("started", await ask("POST", `/api/cameras/${id}/start`, { token }));
say("cameras", await ask("GET", "/api/cameras", { token }));
say("camera", await ask("GET", `/api/cameras/${id}`, { token }));
say("discovered", await ask("POST", "/api/cameras/discover?seconds=0.1", { token }));

const socket = new Socket("/ws", { Authorization: `Bearer ${token}` });
await socket.opened;
socket.send({ type: "subscribe", channels: ["camera_1", "events"] });
say("subscribed", await socket.next_of("subscribed"));
const one = new Socket("/ws", { Authorization: `Bearer ${token}` });
await one.opened;
one.send({ type: "subscribe", channels: [`camera_${id}`] });
await one.next_of("subscribed");
say("ready", true);
const pushed = await socket.next_of("new_event");
say("pushed", pushed);
say("of_the_camera", await one.next_of("new_event"));
one.close();

say("events", await ask("GET", "/api/events?type=person&camera=gate&limit=10", { token }));
say("event", await ask("GET", `/api/events/${encodeURIComponent(pushed.data.id)}`, { token }));
say("acknowledged", await ask("POST", `/api/events/${encodeURIComponent(pushed.data.id)}/acknowledge`, { token }));
say("told", await socket.next_of("status_change"));
say("stats", await ask("GET", "/api/events/stats", { token }));
await ask("POST", `/api/cameras/${id}/stop`, { token });
say("stopped", await socket.next_of("status_change"));
for (const name of ["dashboard", "system", "performance"]) say(name, await ask("GET", `/api/stats/${name}`, { token }));
for (const path of ["/api/docs", "/api/redoc", "/api/openapi.json"]) say(path, (await ask("GET", path)).status);
socket.close();
