// Figures are drawn when the reader comes near, and shown in full: as large as they were made, or larger, to be moved about.
(() => {
  const draw = (image) => {
    const held = image.parentElement?.querySelector("noscript");
    if (!held) return;
    image.src = new DOMParser().parseFromString(held.textContent, "text/html").querySelector("img").src;
    held.remove();
  };
  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      draw(target);
    }
  }, { rootMargin: "100%" });
  const images = [...document.querySelectorAll(".shown img")];
  for (const image of images) near.observe(image);
  addEventListener("beforeprint", () => images.forEach(draw));
  document.getElementById("preview").addEventListener("beforetoggle", () => {
    for (const image of document.querySelectorAll("#preview img")) draw(image);
  });

  const dialog = document.createElement("dialog");
  dialog.id = "zoomed";
  dialog.innerHTML = '<form method="dialog"><button class="plain">Close</button></form>';
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.querySelector("img").remove());
  for (const image of images) {
    const opener = document.createElement("button");
    opener.type = "button";
    opener.className = "tool zoom";
    opener.ariaLabel = `Open ${image.closest("figure").querySelector("figcaption strong").textContent.replace(/\.$/, "")} in full`;
    opener.innerHTML = '<svg viewBox="0 0 20 20" aria-hidden="true"><path d="M12 3h5v5M8 17H3v-5M17 3l-6 6M3 17l6-6"/></svg>';
    opener.addEventListener("click", () => {
      const large = image.cloneNode();
      large.style.width = `${Math.max(innerWidth - 32, 1.4 * image.width)}px`;
      dialog.append(large);
      dialog.showModal();
    });
    image.parentElement.append(opener);
  }
})();
