// How texts are cut into terms, the same when the index is made (dgm/report/search.mjs) and when it is searched.
const searchOptions = (() => {
  // font commands, and what only arranges formulas: nobody looks for them
  const layout = new Set(("mathrm mathbf mathbb mathcal mathsf boldsymbol bm text operatorname left right big bigl bigr bigg tfrac frac dfrac quad qquad " +
    "begin end aligned cases pmatrix array mid cdot ldots dots hat tilde bar lvert rvert le ge").split(" "));
  // words of questions that every page holds
  const common = new Set("the and for with from that this are was were does how what why when which who can its not you your but has have into than then they their".split(" "));
  // one spelling of what is written in two ways: -ise and -ize, -our and -or, doubled consonants, plurals
  const folded = (word) => word
    .normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/ß/g, "ss")
    .replace(/is(e|ed|es|ing|er|ation|ations)$/, "iz$1").replace(/ys(e|ed|es|ing|er)$/, "yz$1")
    .replace(/parametri/, "parameteri").replace(/([bln])our/, "$1or").replace(/([a-z])ll(ing|ed|er)$/, "$1l$2").replace(/centre/, "center")
    .replace(/^(.{3,}[^su])s$/, "$1");
  return {
    fields: ["id", "title", "text"],
    storeFields: ["kind", "anchor", "title", "text"],
    idField: "number",
    tokenize: (text) => text.replace(/([a-z])-(?=[a-z])/gi, "$1 ").split(/[\s\p{P}\p{S}]+/u),
    processTerm: (word) => {
      const term = folded(word);
      if (layout.has(word) || common.has(term)) return null;
      return term.length > 1 || /[0-9\p{Script=Greek}]/u.test(term) ? term : null;
    },
  };
})();
