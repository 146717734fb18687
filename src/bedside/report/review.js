"use strict";
(() => {
  const texts = Array.from(document.querySelectorAll("article"));
  const about = JSON.parse(document.getElementById("about").textContent);
  const status = document.getElementById("progress");
  const key = "bedside-review-" + about.digest + "-" + about.drawn;
  const kept = (() => { try { return JSON.parse(localStorage.getItem(key)) || {}; } catch { return {}; } })();
  let at = 0;

  const verdict = (one) => kept[one.dataset.id] || (kept[one.dataset.id] = { judged: false, leaks: 0, over: 0 });
  const store = () => { try { localStorage.setItem(key, JSON.stringify(kept)); } catch { /* a page without storage keeps them itself */ } };
  const draw = (one) => {
    const v = verdict(one);
    one.querySelector("[data-says=leaks]").textContent = v.leaks;
    one.querySelector("[data-says=over]").textContent = v.over;
    one.querySelector("[data-do=clean]").setAttribute("aria-pressed", String(v.judged && !v.leaks && !v.over));
    one.dataset.state = !v.judged ? "open" : v.leaks ? "leak" : v.over ? "over" : "clean";
  };
  const told = () => {
    const done = texts.filter((one) => verdict(one).judged);
    const leaks = done.filter((one) => verdict(one).leaks).length;
    status.textContent = done.length + " of " + texts.length + " texts judged, " + leaks + " with a leak";
  };
  const mark = (one, what) => {
    const v = verdict(one);
    if (what === "clean") { v.leaks = 0; v.over = 0; }
    if (what === "leak") { v.leaks += 1; }
    if (what === "over") { v.over += 1; }
    if (what === "unleak") { v.leaks = Math.max(0, v.leaks - 1); }
    if (what === "unover") { v.over = Math.max(0, v.over - 1); }
    v.judged = true;
    draw(one); told(); store();
  };
  const go = (step) => {
    at = Math.min(texts.length - 1, Math.max(0, at + step));
    texts[at].focus();
    texts[at].scrollIntoView({ block: "start" });
  };
  const exported = () => JSON.stringify({
    schema: about.schema, policy: about.policy, digest: about.digest,
    texts: texts.map((one) => ({ id: one.dataset.id, ...verdict(one), replaced: Number(one.dataset.replaced) })),
  });
  const save = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([exported()], { type: "application/json" }));
    link.download = "verdicts.json";
    link.click();
    URL.revokeObjectURL(link.href);
  };
  texts.forEach((one, place) => {
    one.addEventListener("focusin", () => { at = place; });
    one.querySelectorAll("[data-do]").forEach((button) => button.addEventListener("click", () => mark(one, button.dataset.do)));
    draw(one);
  });
  document.getElementById("save").addEventListener("click", save);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    const known = { j: () => go(1), k: () => go(-1), c: () => mark(texts[at], "clean"), l: () => mark(texts[at], "leak"),
      L: () => mark(texts[at], "unleak"), o: () => mark(texts[at], "over"), O: () => mark(texts[at], "unover"), s: save };
    if (known[event.key]) { event.preventDefault(); known[event.key](); }
  });
  window.bedsideVerdicts = exported;
  told();
})();
