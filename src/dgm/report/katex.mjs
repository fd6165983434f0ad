// Sets formulas with KaTeX. Standard input: {"katex": path of katex.mjs, "macros": {...}, "formulas": [{"tex", "display"}]};
// standard output: one {"html"} or {"error"} for each formula, in order.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const job = JSON.parse(readFileSync(0, "utf8"));
const { default: katex } = await import(pathToFileURL(job.katex));

const set = ({ tex, display }) => {
  try {
    return {
      html: katex.renderToString(tex, {
        displayMode: display,
        macros: { ...job.macros, "\\mid": "\\mathrel{\\vert}\\nobreak" }, // a formula may break after a relation, but not inside p(x | z)
        output: "htmlAndMathml",
        strict: "error",
        throwOnError: true,
      }),
    };
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
};

process.stdout.write(JSON.stringify(job.formulas.map(set)));
