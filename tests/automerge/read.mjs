// Opens Automerge documents with the official library: FOLDER-OF-NODE_MODULES FILE... Prints what each holds as one JSON
// object a line: its root, how many changes it has, and whether saving and loading it again keeps all of it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, ...files] = process.argv.slice(2);
const Automerge = createRequire(join(folder, "read.cjs"))("@automerge/automerge");

for (const file of files) {
  const document = Automerge.load(readFileSync(file));
  const again = Automerge.load(Automerge.save(document));
  const root = JSON.parse(
    JSON.stringify(document, (_, value) => (value instanceof Uint8Array ? Array.from(value) : value)),
  );
  console.log(
    JSON.stringify({
      root,
      changes: Automerge.getAllChanges(document).length,
      whole: JSON.stringify(Automerge.getHeads(document)) === JSON.stringify(Automerge.getHeads(again)),
    }),
  );
}
