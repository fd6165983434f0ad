// What a reader takes along: a formula as TeX, code, a table as CSV, the link to a heading.
(() => {
  const said = document.getElementById("said");
  let timer;
  const copy = async (text, what) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // a page from a file may not use the clipboard in every browser
      const field = document.createElement("textarea");
      field.value = text;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    said.textContent = `${what} copied`;
    clearTimeout(timer);
    timer = setTimeout(() => { said.textContent = ""; }, 2000);
  };
  const button = (label, action) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "copy";
    made.textContent = label;
    made.addEventListener("click", action);
    return made;
  };
  const tex = (formula) => formula.querySelector("annotation").textContent;

  // one button for all formulas, beside the one that the reader points at or has reached with the keyboard
  const taker = button("TeX", () => copy(tex(taker.closest(".eq")), "TeX"));
  taker.title = "Copy the formula as TeX";
  const offer = (event) => {
    const formula = event.target.closest?.(".eq");
    if (formula && formula !== taker.parentElement) formula.append(taker);
  };
  document.addEventListener("pointerover", offer);
  document.addEventListener("focusin", offer);

  for (const listing of document.querySelectorAll(".listing")) {
    listing.append(button("Copy", () => copy(listing.querySelector("pre").textContent, "Code")));
  }
  const cell = (element) => {
    const made = element.cloneNode(true);
    for (const formula of made.querySelectorAll(".katex")) formula.replaceWith(tex(formula));
    const text = made.textContent.replace(/\u00a0/g, " ").replace(/\u2212/g, "-").trim();
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  for (const table of document.querySelectorAll("figure table")) {
    table.closest("figure").querySelector("figcaption").after(button("Copy as CSV", () => {
      copy([...table.rows].map((row) => [...row.cells].map(cell).join(",")).join("\n"), "Table");
    }));
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".anchor, .eq > .number");
    if (link) copy(link.href, "Link");
  });
})();
