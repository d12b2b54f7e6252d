// A client of the server room monitor: it connects and prints what it hears, as it came.
import { Socket, rest, say } from "./steps.mjs";

const [token, count] = rest;
const socket = new Socket(`/ws/raw/server_room${token ? `?token=${token}` : ""}`);
await socket.opened;
say("open", true);
for (let n = 0; n < Number(count); n++) say("text", await socket.next());
socket.close();
