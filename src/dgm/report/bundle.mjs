// Bundles the page's explorables. Standard input: {"esbuild": path of the bundler, "libraries": folder of packages,
// "kit": path of each shared module, which is imported as dgm/<name>, "explored": path of the module of each figure};
// standard output: one script.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const job = JSON.parse(readFileSync(0, "utf8"));
const { default: esbuild } = await import(pathToFileURL(job.esbuild));
const imports = Object.values(job.explored).map((path, at) => `import * as module${at} from ${JSON.stringify(path)};`);
const entries = Object.keys(job.explored).map((figure, at) => `${JSON.stringify(figure)}: module${at}`);
try {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: `${imports.join("\n")}\nimport { start } from "dgm/kit";\nstart({ ${entries.join(", ")} });`, resolveDir: "/" },
    alias: Object.fromEntries(Object.entries(job.kit).map(([name, path]) => [`dgm/${name}`, path])),
    nodePaths: [job.libraries],
    bundle: true,
    minify: true,
    charset: "utf8",
    format: "iife",
    target: "es2022",
    legalComments: "none",
    logLevel: "silent",
    write: false,
  });
  process.stdout.write(outputFiles[0].text);
} catch (error) {
  const said = (error.errors ?? []).map(({ location, text }) => (location ? `${location.file}:${location.line}: ${text}` : text));
  process.stderr.write(said.join("\n") || String(error));
  process.exitCode = 1;
}
