// A bridge of motion sensors that posts to its backend, and a page that watches it.
import { Socket, ask, rest, say } from "./steps.mjs";

const [device, token] = rest;
const socket = new Socket("/ws", { Authorization: `Bearer ${token}` });
await socket.opened;
socket.send({ type: "subscribe", channels: ["events"] });
await socket.next_of("subscribed");

const motion = {
  type: "motion_detected",
  device_id: "raspberry-1",
  details: {
    event_id: "e-1",
    source: "sensor-motion",
    data: { presence: true, gpio_pin: 17 },
    original_timestamp: 1734567890.123,
    mqtt_topic: "sensor/motion",
  },
};
const mat = {
  type: "button_pressed",
  device_id: "raspberry-1",
  details: {
    event_id: "e-2",
    source: "sensor-pressure",
    data: { pressure: "high", duration_ms: 500 },
    original_timestamp: 1734567891,
    mqtt_topic: "sensor/pressure",
  },
};
say("nobody", await ask("POST", "/api/events", { body: motion }));
say("posted", await ask("POST", "/api/events", { token: device, body: motion }));
say("pushed", await socket.next_of("new_event"));
say("again", await ask("POST", "/api/events", { token: device, body: motion }));
say("list", await ask("POST", "/api/events", { token: device, body: [mat] }));
say("pushed_next", await socket.next_of("new_event"));
say("events", await ask("GET", "/api/events", { token }));
say("mode", await ask("GET", "/api/mode", { token }));
say("changed", await ask("PUT", "/api/mode", { token, body: { mode: "active" } }));
socket.close();
