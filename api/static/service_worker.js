// Keeps the page's own files for when the server is out of reach: they come from the server while it answers. What the api says is never kept.
// The server writes VERSION and FILES above.

const OURS = "vigie ";
const CACHE = `${OURS}${VERSION}`;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => event.waitUntil(begin()));

async function begin() {
  for (const name of await caches.keys()) if (name.startsWith(OURS) && name !== CACHE) await caches.delete(name);
  await clients.claim();
}

addEventListener("fetch", (event) => {
  const {method, url} = event.request, {origin, pathname} = new URL(url);
  if (method === "GET" && origin === location.origin && FILES.includes(pathname))
    event.respondWith(fetch(event.request).catch(async () => await caches.match(pathname) ?? Response.error()));
});
