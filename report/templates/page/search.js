// Search in everything: the index was made with the page. Arrow keys choose, Enter goes, "/" opens.
(() => {
  const dialog = document.getElementById("search");
  const input = dialog.querySelector("input");
  const list = document.getElementById("hits");
  const tally = dialog.querySelector("[role=status]");
  const opener = document.getElementById("open-search");
  const MOST = 30;
  let index;
  let hits = [];
  let chosen = -1;

  const open = () => {
    index ??= MiniSearch.loadJSON(document.getElementById("index").textContent, searchOptions);
    if (!dialog.open) dialog.showModal();
    input.select();
  };
  const found = (query) => {
    const options = {
      boost: { id: 8, title: 4 },
      prefix: (term) => term.length > 2,
      fuzzy: (term) => (/^[a-z]{5,}$/.test(term) ? 0.2 : false),
      weights: { fuzzy: 0.2, prefix: 0.5 },
      boostDocument: (_, __, stored) => ({ question: 1.3, term: 1.5, row: 1.5, metric: 0.6 })[stored.kind] ?? 1,
    };
    const all = index.search(query, { ...options, combineWith: "AND" });
    return all.length ? all : index.search(query, { ...options, combineWith: "OR" });
  };
  const KINDS = { question: "Question", figure: "Figure", table: "Table", section: "Text", term: "Glossary", row: "Notation", metric: "Metric", paper: "Paper" };

  // the piece of a text around its first hit, with the hits marked
  const marked = (text, terms) => {
    const pattern = new RegExp(`(?<![\\p{L}\\d])(${terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})[\\p{L}\\d]*`, "giu");
    const plain = text.normalize("NFD").replace(/\p{M}/gu, "").length === text.length ? text.normalize("NFD").replace(/\p{M}/gu, "") : text;
    const first = Math.max(0, plain.search(pattern));
    const from = first < 90 ? 0 : text.indexOf(" ", first - 70) + 1;
    const shown = text.slice(from, from + 190);
    const parts = [];
    let end = 0;
    for (const match of shown.matchAll(pattern)) {
      const mark = document.createElement("mark");
      mark.textContent = match[0];
      parts.push(shown.slice(end, match.index), mark);
      end = match.index + match[0].length;
    }
    return [from ? "… " : "", ...parts, shown.slice(end), from + 190 < text.length ? " …" : ""];
  };
  const heading = (hit) => {
    const place = document.getElementById(hit.anchor);
    const titled = { question: "h3", figure: "figcaption strong", table: "figcaption strong" }[hit.kind];
    const element = titled && place?.querySelector(titled)?.cloneNode(true);
    element?.querySelector(".anchor")?.remove();
    return element ? [...element.childNodes] : [hit.title];
  };
  const choose = (number) => {
    list.children[chosen]?.setAttribute("aria-selected", "false");
    chosen = hits.length ? (number + hits.length) % hits.length : -1;
    const item = list.children[chosen];
    item?.setAttribute("aria-selected", "true");
    item?.scrollIntoView({ block: "nearest" });
    if (item) input.setAttribute("aria-activedescendant", item.id);
    else input.removeAttribute("aria-activedescendant");
  };
  const search = () => {
    const query = input.value.trim();
    const all = query ? found(query) : [];
    hits = all.slice(0, MOST);
    list.replaceChildren(...hits.map((hit, number) => {
      const item = document.createElement("li");
      item.id = `hit-${number}`;
      item.role = "option";
      item.dataset.anchor = hit.anchor;
      const title = document.createElement("b");
      title.append(...heading(hit));
      const what = document.createElement("span");
      what.className = "what";
      what.textContent = KINDS[hit.kind];
      const text = document.createElement("p");
      text.append(...marked(hit.text, hit.terms));
      item.append(what, title, text);
      return item;
    }));
    input.setAttribute("aria-expanded", String(hits.length > 0));
    tally.textContent = query ? `${all.length} ${all.length === 1 ? "hit" : "hits"}${all.length > MOST ? `, the first ${MOST} shown` : ""}` : "";
    choose(0);
  };
  // to the place of a hit, with its words marked there
  const go = (hit) => {
    dialog.close();
    location.hash = hit.anchor;
    const place = document.getElementById(hit.anchor);
    const around = place.closest("article, figure, section") ?? place;
    const words = hit.terms.map((term) => term.toLowerCase());
    const ranges = [];
    const walk = document.createTreeWalker(around, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      if (walk.currentNode.parentElement.closest(".katex, script")) continue;
      const text = walk.currentNode.data.toLowerCase();
      for (const word of words) {
        for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
          if (/[\p{L}\d]/u.test(text[at - 1] ?? "")) continue;
          const range = new Range();
          range.setStart(walk.currentNode, at);
          range.setEnd(walk.currentNode, at + word.length);
          ranges.push(range);
        }
      }
    }
    if (globalThis.Highlight) CSS.highlights.set("hit", new Highlight(...ranges));
    if (hit.kind === "term" || hit.kind === "row") {
      const start = hit.title.slice(0, 12);
      const entry = [...around.querySelectorAll("dt, td")].find((cell) => cell.textContent.trim().startsWith(start));
      (entry ?? ranges[0]?.startContainer.parentElement)?.scrollIntoView({ block: "center" });
    }
  };

  opener.hidden = false;
  opener.addEventListener("click", open);
  input.addEventListener("input", search);
  list.addEventListener("click", (event) => {
    const item = event.target.closest("[role=option]");
    if (item) go(hits[[...list.children].indexOf(item)]);
  });
  input.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) {
      event.preventDefault();
      choose(chosen + steps[event.key]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (hits[chosen]) go(hits[chosen]);
    } else if (event.key === "Escape") dialog.close(); // not only the field is emptied
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.activeElement?.matches("input, textarea")) return;
    event.preventDefault();
    open();
  });
})();
