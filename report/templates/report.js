// Search, a contents list that folds on small screens, and the current question marked in it. The page reads well without.
(() => {
  const contents = document.querySelector(".contents details");
  const narrow = window.matchMedia("(max-width: 60rem)");
  const fold = () => { contents.open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  fold();

  const links = new Map([...document.querySelectorAll(".toc a")].map((link) => [link.hash.slice(1), link]));
  const questions = [...document.querySelectorAll("article.question")];
  const box = document.querySelector(".search");
  const input = document.getElementById("search");
  const found = document.querySelector(".found");
  const plain = (text) => text.toLowerCase().replace(/\s+/g, " ");
  let texts;
  const search = () => {
    texts ??= new Map(questions.map((question) => [question.id, plain(question.id + " " + question.textContent)]));
    const words = plain(input.value).split(" ").filter(Boolean);
    let count = 0;
    for (const question of questions) {
      const fits = words.every((word) => texts.get(question.id).includes(word));
      count += fits;
      links.get(question.id).parentElement.hidden = !fits;
    }
    for (const part of document.querySelectorAll(".toc > li")) {
      const entries = [...part.querySelectorAll("ol > li")];
      part.hidden = words.length > 0 && !entries.some((entry) => !entry.hidden);
    }
    found.textContent = words.length ? `${count} of ${questions.length} questions` : "";
  };
  box.hidden = false;
  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { input.value = ""; search(); }
    if (event.key === "Enter") document.querySelector(".toc ol li:not([hidden]) a")?.click();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.activeElement?.matches("input, textarea")) return;
    event.preventDefault();
    contents.open = true;
    input.focus();
  });
  document.querySelector(".toc").addEventListener("click", (event) => {
    if (narrow.matches && event.target.closest("a")) contents.open = false;
  });

  const seen = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) entry.isIntersecting ? seen.add(entry.target) : seen.delete(entry.target);
    const current = questions.find((question) => seen.has(question));
    for (const link of links.values()) link.classList.toggle("here", link === links.get(current?.id));
    if (current && !narrow.matches) links.get(current.id).scrollIntoView({ block: "nearest", behavior: "instant" });
  }, { rootMargin: "-10% 0px -60% 0px" });
  questions.forEach((question) => watch.observe(question));

  // a link to what is folded unfolds it: to a claim, say
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    let part = target?.closest("details");
    if (!part || part === target) return;
    for (; part; part = part.parentElement.closest("details")) part.open = true;
    target.scrollIntoView({ behavior: "instant" });
  };
  window.addEventListener("hashchange", reveal);
  reveal();

  // what is folded is printed too, but for the commands behind figures and the second list of checks
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("article details:not([open], .origin)")];
    for (const part of folded) part.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
  });
})();
