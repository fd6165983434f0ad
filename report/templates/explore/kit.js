// Figures that a reader can change. Each has a module with
//   controls(data)                 what can be set: {key, label, min, max, step, value}, numbers all; `options` names choices;
//                                  `looks` says that a control only chooses what is shown of the state
//   compute(data, setting, state)  {numbers: {name: value}, …}: all arithmetic, nothing of the page
//   readings(found)                [[words, value], …]: what is said of it
//   draw(data, setting, found)     {panels: […], legend: [[role, words], …]} of view.js; a panel may have `drag`,
//                                  which turns a place (x, y) that the reader points at into new settings
// and, where it takes steps, with
//   begin(data, setting)           the state before the first step, again after every change of a control that does not only look
//   actions                        {name: words} of its buttons
//   act(name, data, setting, state) the next state
// Every number has a control, which works with the keyboard; pointing is quicker and never the only way.
import { read } from "dgm/data";
import { number } from "dgm/view";

const made = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

const WAIT = 600; // milliseconds after the last change, so that a screen reader hears the values once

const explore = (module, place, content) => {
  const data = read(content);
  const controls = module.controls(data);
  const initial = Object.fromEntries(controls.map(({ key, value }) => [key, value]));
  const setting = { ...initial };
  const begun = () => module.begin?.(data, setting);
  let state = begun();
  let timer;
  const fields = {};
  const panels = made("div", { className: "panels" });
  const legend = made("p", { className: "legend" });
  const table = made("dl", { className: "readings" });
  const said = made("p", { className: "said" });
  said.setAttribute("role", "status");

  const show = () => {
    const found = module.compute(data, setting, state);
    const { panels: drawn, legend: named = [] } = module.draw(data, setting, found);
    // the panel that is dragged stays, so that it keeps the pointer
    drawn.forEach((panel, at) => {
      const holder = panels.children[at] ?? panels.appendChild(made("div"));
      holder.replaceChildren(panel.svg ?? panel.element);
      holder.onpointerdown = panel.drag && ((event) => {
        holder.setPointerCapture(event.pointerId);
        drag(panel, holder, event);
      });
      holder.onpointermove = panel.drag && ((event) => holder.hasPointerCapture(event.pointerId) && drag(panel, holder, event));
      holder.classList.toggle("dragged", Boolean(panel.drag));
    });
    legend.replaceChildren(...named.map(([role, words]) => made("span", {}, made("i", { className: `key ${role}` }), words)));
    const readings = module.readings(found, data, setting).map(([words, value]) => [words, typeof value === "number" ? number(value) : value.replace(/-(?=\d)/g, "−")]);
    table.replaceChildren(...readings.map(([words, value]) => made("div", {}, made("dt", { textContent: words }), made("dd", { textContent: value }))));
    clearTimeout(timer);
    timer = setTimeout(() => {
      said.textContent = readings.map((pair) => pair.join(" ")).join("; ");
    }, WAIT);
    place.dispatchEvent(new CustomEvent("explored", { detail: { setting: { ...setting }, numbers: found.numbers } }));
  };
  const change = (wanted) => {
    let restarts = false;
    for (const [key, value] of Object.entries(wanted)) {
      const { min, max, step, options, looks } = controls.find((control) => control.key === key);
      setting[key] = options ? value : Math.min(max, Math.max(min, Number((min + Math.round((value - min) / step) * step).toFixed(10))));
      fields[key]();
      restarts ||= !looks;
    }
    if (restarts) state = begun();
    show();
  };
  const drag = (panel, holder, event) => {
    const box = holder.firstElementChild.getBoundingClientRect();
    const [, , width, height] = holder.firstElementChild.getAttribute("viewBox").split(" ").map(Number);
    const at = [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
    change(panel.drag(panel.across.invert(at[0]), panel.up.invert(at[1])));
    event.preventDefault();
  };

  const settings = made("div", { className: "settings" });
  for (const { key, label, min, max, step, options } of controls) {
    const input = options
      ? made("select", {}, ...options.map(([value, words]) => made("option", { value, textContent: words })))
      : made("input", { type: "range", min, max, step });
    const output = made("output");
    fields[key] = () => {
      input.value = setting[key];
      if (!options) output.textContent = number(setting[key]);
    };
    fields[key]();
    input.name = key;
    input.addEventListener("input", () => change({ [key]: Number(input.value) }));
    settings.append(made("label", {}, made("span", { textContent: label }), input, output));
  }
  const buttons = made("div", { className: "buttons" });
  for (const [name, words] of Object.entries(module.actions ?? {})) {
    const button = made("button", { type: "button", textContent: words, name });
    button.addEventListener("click", () => {
      state = module.act(name, data, setting, state);
      show();
    });
    buttons.append(button);
  }
  const again = made("button", { type: "button", textContent: "Start again", name: "again" });
  again.addEventListener("click", () => change(initial));
  buttons.append(again);
  place.replaceChildren(settings, buttons, panels, legend, table, said);
  show();
};

// Explorables are made when the reader opens them.
export const start = (modules) => {
  for (const part of document.querySelectorAll("details.explore")) {
    part.addEventListener("toggle", () => {
      if (!part.open || part.dataset.made) return;
      part.dataset.made = "yes";
      explore(modules[part.dataset.figure], part.querySelector(".explored"), JSON.parse(part.querySelector("script").textContent));
    });
  }
};
