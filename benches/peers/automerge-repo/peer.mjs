// What `benches/devices` measures beside Amends: two programs with automerge-repo between them, over its WebSocket adapter, with
// its storage in files, as its documentation shows it. It speaks as `benches/peers/samod/src/main.rs` says.

import { Repo, splice } from "@automerge/automerge-repo";
import { WebSocketClientAdapter, WebSocketServerAdapter } from "@automerge/automerge-repo-network-websocket";
import { NodeFSStorageAdapter } from "@automerge/automerge-repo-storage-nodefs";
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { WebSocketServer } from "ws";

const [what, address, folder, file] = process.argv.slice(2);
const say = (line) => process.stdout.write(line + "\n");

// A text like no other.
function text(n, characters) {
  let all = `Number ${n}:`;
  let state = (n + 1) * 2654435761;
  while (all.length < characters) {
    state = (state * 1103515245 + 12345) % 2147483648;
    all += " " + state.toString(36).slice(0, 2 + (state % 6));
  }
  return all.slice(0, characters);
}

function give() {
  const [host, port] = address.split(":");
  const server = new WebSocketServer({ host, port: Number(port) });
  const repo = new Repo({ network: [new WebSocketServerAdapter(server)], storage: new NodeFSStorageAdapter(folder) });
  let last;
  server.on("listening", () => say(`listening ${server.address().address}:${server.address().port}`));
  createInterface({ input: process.stdin })
    .on("line", (line) => {
      const words = line.split(" ");
      if (words[0] === "make") {
        const ids = [];
        for (let n = 0; n < Number(words[1]); n++) {
          last = repo.create({ text: text(n, Number(words[2])) });
          ids.push(last.url);
        }
        writeFileSync(words.slice(3).join(" "), ids.join("\n") + "\n");
        say("made");
      } else if (words[0] === "edit") {
        const mark = words.slice(2).join(" ");
        last.change((doc) => splice(doc, ["text"], Number(words[1]), mark.length, mark));
      }
    })
    .on("close", () => process.exit(0));
}

async function take() {
  const ids = readFileSync(file, "utf8").trim().split("\n");
  const repo = new Repo({
    network: [new WebSocketClientAdapter(`ws://${address}`)],
    storage: new NodeFSStorageAdapter(folder),
  });
  await repo.networkSubsystem.whenReady();
  const found = await Promise.all(ids.map((id) => repo.find(id)));
  const have = found.filter((handle) => handle.doc().text.length > 0).length;
  const last = found[found.length - 1];
  last.on("change", ({ doc }) => say(`changed ${doc.text}`));
  say(`have ${have}`);
}

if (what === "give") give();
else await take();
