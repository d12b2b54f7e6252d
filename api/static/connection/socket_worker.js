// A connection beside the page: to take in a large message would hold up the page, so it is read here and handed on in parts.

const LARGE = 100_000; // characters that the page reads at once
const PART = 400;

let socket = null;

const take = ({data: text}) => {
  if (text.length < LARGE) { postMessage({text}); return; }
  const message = JSON.parse(text);
  if (!Array.isArray(message.data)) { postMessage({text}); return; }
  const {data: items, ...head} = message;
  postMessage({head: JSON.stringify(head)});
  for (let i = 0; i < items.length; i += PART) postMessage({part: JSON.stringify(items.slice(i, i + PART))});
  postMessage({end: true});
};

onmessage = ({data: {open, protocols, send, close}}) => {
  if (open) {
    socket = new WebSocket(open, protocols);
    socket.onopen = () => postMessage({opened: true});
    socket.onmessage = take;
    socket.onclose = ({code}) => { postMessage({code}); self.close(); };
  } else if (send) {
    if (socket.readyState === WebSocket.OPEN) socket.send(send);
  } else if (close) socket.close();
};
