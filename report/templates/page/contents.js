// Where the reader is: marked in the contents, named in the bar, with the way to what stands before and after it.
(() => {
  const contents = document.getElementById("contents");
  const links = [...contents.querySelectorAll("a")];
  const places = links.map((link) => document.getElementById(link.hash.slice(1)));
  const place = document.querySelector(".place");
  const title = place.textContent;
  const steps = [...document.querySelectorAll(".step")];
  const parts = [...contents.querySelectorAll("details")];
  let here;

  const show = (index) => {
    if (index === here) return;
    links[here]?.classList.remove("here");
    links[here]?.removeAttribute("aria-current");
    here = index;
    const link = links[index];
    place.href = link ? link.hash : "#main";
    place.replaceChildren(...(link ? [...link.cloneNode(true).childNodes] : [title]));
    for (const [step, other] of [[steps[0], (index ?? 0) - 1], [steps[1], (index ?? -1) + 1]]) {
      step.hidden = !links[other];
      if (links[other]) {
        step.href = links[other].hash;
        step.title = links[other].textContent.trim();
      }
    }
    if (!link) return;
    link.classList.add("here");
    link.setAttribute("aria-current", "location");
    parts.forEach((part) => part.classList.toggle("within", part.contains(link)));
    if (contents.checkVisibility()) {
      const box = contents.getBoundingClientRect();
      const at = link.getBoundingClientRect();
      if (at.top < box.top + 40 || at.bottom > box.bottom - 40) contents.scrollTop += at.top - box.top - box.height / 3;
    }
  };

  // where the reader goes by a link, the contents unfold; where by scrolling, they stay as they are, or they would move under the eye
  const unfold = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const link = target && links.find((link) => link.hash.slice(1) === target.closest(".question, .assignment")?.id);
    for (const part of link ? parts : []) part.open ||= part.contains(link);
  };
  addEventListener("hashchange", unfold);
  unfold();

  const seen = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) isIntersecting ? seen.add(target) : seen.delete(target);
    const last = places.findLastIndex((target) => seen.has(target));
    if (last >= 0) show(last);
    else if (scrollY < innerHeight / 2) show(undefined);
  }, { rootMargin: "-15% 0px -70% 0px" });
  for (const target of places) watch.observe(target);
  show(undefined);
  contents.addEventListener("click", (event) => {
    if (event.target.closest("a") && contents.matches(":popover-open")) contents.hidePopover();
  });
})();
