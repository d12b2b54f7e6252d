// Asks the search of the made site what its page would ask: its own worker over its own index.
// node site_search.js FOLDER < questions, one a line; prints for each a JSON list of its hits: the addresses on a page.
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const site = process.argv[2];
const workers = path.join(site, "assets/javascripts/workers");
const [worker] = fs.readdirSync(workers).filter(name => /^search\..*\.js$/.test(name));
const answers = [];
const listeners = [];
const self = {
  addEventListener: (kind, listener) => kind === "message" && listeners.push(listener),
  postMessage: message => answers.push(message),
  importScripts: () => {},
  location: { href: "http://localhost/" },
};
Object.assign(self, { self, console, setTimeout, URL, location: self.location });
vm.runInNewContext(fs.readFileSync(path.join(workers, worker), "utf8"), self);

const tell = async message => {
  for (const listener of listeners) await listener({ data: message });
};

(async () => {
  const index = JSON.parse(fs.readFileSync(path.join(site, "search/search_index.json"), "utf8"));
  await tell({ type: 0, data: { ...index, options: { suggest: true } } });
  for (const question of fs.readFileSync(0, "utf8").split("\n").filter(Boolean)) {
    answers.length = 0;
    await tell({ type: 2, data: question });
    const found = answers.flatMap(answer => answer.data.items ?? []);
    console.log(JSON.stringify(found.map(page => page.map(one => one.location))));
  }
})();
