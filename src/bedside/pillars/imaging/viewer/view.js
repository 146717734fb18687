// The viewer: reads study.json beside it, lets niivue draw the volume of a unit with its labels on top, and puts its figures beside.
"use strict";

const at = (id) => document.getElementById(id);
const made = (name, text, more = {}) => Object.assign(document.createElement(name), { textContent: text ?? "" }, more);
const PLANES = { axial: 0, coronal: 1, sagittal: 2, multi: 3, render: 4 };

let told, picture, unit = 0, turn = 0;

/** The colours of the labels as niivue wants them; 0 is clear. */
function colours() {
  const parts = told.targets.map(([, colour]) => [1, 3, 5].map((from) => parseInt(colour.slice(from, from + 2), 16)));
  const channel = (index) => [0, ...parts.map((part) => part[index])];
  return { R: channel(0), G: channel(1), B: channel(2), A: [0, ...parts.map(() => 255)], I: [0, ...parts.map((_, index) => index + 1)],
           labels: ["", ...told.targets.map(([label]) => label)] };
}

function opacity() {
  return at("shown").checked ? Number(at("opacity").value) / 100 : 0;
}

async function draw() {
  const mine = ++turn, output = at("output").value;
  at("state").textContent = "Loading";
  const volumes = [{ url: `${unit}/image.nii.gz`, name: "image.nii.gz", colormap: "gray", opacity: 1 }];
  if (output) volumes.push({ url: `${unit}/${output}.nii.gz`, name: "labels.nii.gz", opacity: opacity() });
  await picture.loadVolumes(volumes);
  if (mine !== turn) return;
  if (output) {
    picture.volumes[1].setColormapLabel(colours());
    picture.setOpacity(1, opacity());
  }
  picture.setSliceType(PLANES[at("plane").value]);
  picture.updateGLVolume();
  at("canvas").setAttribute("aria-label", `Unit ${unit + 1} of ${told.units.length}` + (output ? `, labels of ${output}` : ""));
  at("state").textContent = "";
  document.body.dataset.drawn = String(mine);
}

function words() {
  const one = told.units[unit], outputs = one.outputs;
  at("about").replaceChildren(...one.about.flatMap(([word, said]) => [made("dt", word), made("dd", said)]));
  for (const [index, button] of [...at("units").querySelectorAll("button")].entries()) button.setAttribute("aria-current", String(index === unit));
  const before = at("output").value;
  at("output").replaceChildren(...outputs.map((name) => made("option", name, { value: name })), made("option", "nobody", { value: "" }));
  if (outputs.includes(before)) at("output").value = before;
  figures(one, outputs);
}

/** A table a structure: a row a measure, a column an output. */
function figures(one, outputs) {
  const measures = [...new Set(one.figures.map((figure) => figure.measure))];
  const table = made("table"), head = made("tr"), body = made("tbody");
  head.append(made("th", "Structure", { scope: "col" }), made("th", "Measure", { scope: "col" }), ...outputs.map((name) => made("th", name, { scope: "col", className: "n" })));
  for (const target of [...new Set(one.figures.map((figure) => figure.target))]) {
    for (const measure of measures) {
      const values = outputs.map((name) => one.figures.find((f) => f.output === name && f.target === target && f.measure === measure));
      if (values.every((value) => !value)) continue;
      const row = made("tr");
      const unit = values.find((value) => value?.unit && value.unit !== "1")?.unit;
      row.append(made("th", target, { scope: "row" }), made("td", unit ? `${measure}, ${unit}` : measure), ...values.map((value) => made("td", number(value), { className: "n" })));
      body.append(row);
    }
  }
  const top = made("thead");
  top.append(head);
  table.append(top, body);
  const none = made("p", "No truth is known of this unit.", { className: "quiet" });
  at("figures").replaceChildren(body.rows.length ? table : none);
}

function number(figure) {
  if (!figure || figure.value === null) return "not defined";
  return figure.value.toFixed(figure.unit === "1" ? 3 : 2);
}

function choose(index) {
  unit = index;
  words();
  return draw();
}

function legend() {
  const names = "http://www.w3.org/2000/svg";
  at("legend").replaceChildren(...told.targets.map(([label, colour]) => {
    const item = made("li"), mark = document.createElementNS(names, "svg"), box = document.createElementNS(names, "rect");
    for (const [key, value] of Object.entries({ width: "100%", height: "100%", fill: colour })) box.setAttribute(key, value);
    mark.setAttribute("aria-hidden", "true");
    mark.append(box);
    item.append(mark, label);
    return item;
  }));
}

function list() {
  at("units").replaceChildren(...told.units.map((one, index) => {
    const item = made("li"), button = made("button", `Unit ${index + 1}`, { type: "button" });
    const dice = one.figures.filter((figure) => figure.measure === "Dice" && figure.output === one.outputs[0]).map(number);
    button.append(made("small", dice.length ? `Dice ${dice.join(", ")}` : one.about[0]?.[1] ?? ""));
    button.addEventListener("click", () => choose(index));
    item.append(button);
    return item;
  }));
}

async function begin() {
  told = await (await fetch("study.json")).json();
  legend();
  list();
  picture = new niivue.Niivue({ isRadiologicalConvention: true, dragAndDropEnabled: false, backColor: [0, 0, 0, 1], show3Dcrosshair: true,
                                crosshairColor: [1, 1, 1, 0.6], crosshairWidth: 0.4, crosshairWidthUnit: "mm",
                                isNearestInterpolation: true, logLevel: "error" });  // nearest: a voxel as it is, not a shade between two
  picture.onLocationChange = (place) => { at("place").textContent = place.string; };
  await picture.attachToCanvas(at("canvas"));
  at("output").addEventListener("change", draw);
  at("plane").addEventListener("change", () => picture.setSliceType(PLANES[at("plane").value]));
  for (const id of ["opacity", "shown"]) at(id).addEventListener("input", () => { if (picture.volumes.length > 1) picture.setOpacity(1, opacity()); });
  await choose(told.first);
}

begin().catch((error) => { at("state").textContent = `This could not be drawn: ${error.message}`; });
