// Makes the page's search index. Standard input: {"minisearch": path of the library, "options": source that defines searchOptions,
// "documents": [{"number", "id", "kind", "anchor", "title", "text"}]}; standard output: the index.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const job = JSON.parse(readFileSync(0, "utf8"));
const { default: MiniSearch } = await import(pathToFileURL(job.minisearch));
const options = new Function(`${job.options}\nreturn searchOptions;`)();
const index = new MiniSearch(options);
index.addAll(job.documents);
process.stdout.write(JSON.stringify(index));
