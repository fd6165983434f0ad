// A look at what a reference leads to: on hover and on focus; a first touch shows it with the way there.
(() => {
  const card = document.getElementById("preview");
  const SHOWN = ".question, .shown, .papers > li, .eq, tr, dt, .chapter, .assignment, .appendix";
  let timer;
  let source;

  const excerpt = (target) => {
    const copy = (element) => {
      const made = element.cloneNode(true);
      for (const part of [made, ...made.querySelectorAll("[id]")]) part.removeAttribute("id");
      for (const part of made.querySelectorAll(".anchor, .copy, .zoom, .origin, .under, details")) part.remove();
      return made;
    };
    if (target.matches(".question")) return [copy(target.querySelector("h3")), copy(target.querySelector(".statement"))];
    if (target.matches(".chapter, .assignment, .appendix")) return [...target.querySelectorAll(":scope > h2, :scope > h2 + p")].map(copy);
    if (target.matches("tr")) {
      const table = document.createElement("table");
      table.append(copy(target));
      return [table];
    }
    if (target.matches("dt")) return [copy(target), ...(target.nextElementSibling ? [copy(target.nextElementSibling)] : [])];
    return [copy(target)];
  };
  const hide = () => {
    clearTimeout(timer);
    if (card.matches(":popover-open")) card.hidePopover();
    source = undefined;
  };
  const show = (link, target, withWay) => {
    source = link;
    card.replaceChildren(...excerpt(target));
    if (withWay) {
      const way = document.createElement("a");
      way.href = link.hash;
      way.className = "go";
      way.textContent = "Go there";
      card.append(way);
    }
    if (!card.matches(":popover-open")) card.showPopover();
    const at = link.getBoundingClientRect();
    const size = card.getBoundingClientRect();
    const below = at.bottom + 8 + size.height < innerHeight || at.top < size.height + 60;
    card.style.left = `${Math.max(8, Math.min(at.left, innerWidth - size.width - 8))}px`;
    card.style.top = `${below ? at.bottom + 8 : at.top - size.height - 8}px`;
  };
  const leads = (event) => {
    const link = event.target.closest?.('main a[href^="#"]:not(.anchor, .number, .step)');
    const target = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
    return target?.matches(SHOWN) ? [link, target] : undefined;
  };

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse" || card.contains(event.target)) return clearTimeout(timer);
    const found = leads(event);
    if (found?.[0] === source && source) return clearTimeout(timer);
    clearTimeout(timer);
    timer = found ? setTimeout(show, 300, ...found) : setTimeout(hide, 250);
  });
  document.addEventListener("focusin", (event) => {
    if (card.contains(event.target)) return;
    const found = leads(event);
    if (found && event.target.matches(":focus-visible")) show(...found);
    else hide();
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  addEventListener("scroll", () => !matchMedia("(hover: none)").matches || hide(), { passive: true });
  document.addEventListener("click", (event) => {
    const found = leads(event);
    if (found && matchMedia("(hover: none)").matches && !card.contains(event.target) && found[0] !== source) {
      event.preventDefault();
      show(...found, true);
    } else if (!card.contains(event.target) || event.target.closest("a")) hide();
  });
})();
