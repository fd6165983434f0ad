// What is folded: opened by a link into it, by "Unfold everything", and for paper. And the colours that the reader chooses.
(() => {
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    let part = target?.closest("details");
    if (!part || part === target) return;
    for (; part; part = part.parentElement.closest("details")) part.open = true;
    target.scrollIntoView({ behavior: "instant" });
  };
  addEventListener("hashchange", reveal);
  reveal();

  const all = () => [...document.querySelectorAll("main details:not(.explore)")];
  const unfold = document.getElementById("unfold");
  unfold.addEventListener("click", () => {
    const open = all().some((part) => !part.open);
    for (const part of all()) part.open = open;
    unfold.textContent = open ? "Fold everything" : "Unfold everything";
  });
  // on paper: all but the commands behind figures and the code of the checks
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("main details:not([open], .origin, .code, .explore), .contents details:not([open])")];
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
  });

  document.getElementById("open-view").hidden = false;
  const root = document.documentElement;
  for (const choice of document.querySelectorAll("[name=theme]")) {
    choice.checked = choice.value === (root.dataset.theme ?? "");
    choice.addEventListener("change", () => {
      if (choice.value) root.dataset.theme = choice.value;
      else delete root.dataset.theme;
      try {
        localStorage.setItem("theme", choice.value);
      } catch { /* chosen for this visit alone */ }
    });
  }

  // what scrolls sideways says so, and can be reached with the keyboard; nothing else can
  const watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      const wide = target.scrollWidth > target.clientWidth + 1;
      target.classList.toggle("wide", wide);
      if (wide) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const box of document.querySelectorAll(".scroll, .katex-display, .listing pre")) watch.observe(box);
})();
