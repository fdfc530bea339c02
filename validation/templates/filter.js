// Shows the statements, and the claims that have one, which hold what is searched for. What is chosen stands in the
// address, #q=momentum&verdict=differs, so that a link shows the same.
(() => {
  "use strict";
  const form = document.getElementById("filter");
  if (!form) return;
  const rows = [...document.querySelectorAll("[data-verdict]")];
  const groups = [...document.querySelectorAll("[data-group]")];
  const claims = [...document.querySelectorAll("section.claim")];
  const nothing = document.querySelector(".nothing");
  const text = new Map(rows.map((row) => [row, `${row.textContent} ${row.dataset.words}
    ${form.elements.paper.querySelector(`[value="${row.dataset.paper}"]`)?.textContent}`.toLowerCase()]));

  function chosen() {
    const data = new FormData(form), said = new URLSearchParams();
    for (const name of ["q", "paper", "verdict"])
      for (const value of data.getAll(name)) if (value.trim()) said.append(name, value.trim());
    return said;
  }

  function show() {
    const said = chosen(), verdicts = said.getAll("verdict"), paper = said.get("paper");
    const words = (said.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows)
      row.hidden = !((!verdicts.length || verdicts.includes(row.dataset.verdict))
        && (!paper || row.dataset.paper === paper) && words.every((word) => text.get(row).includes(word)));
    const shown = rows.filter((row) => !row.hidden), held = new Set(shown.map((row) => row.dataset.claim));
    for (const group of groups) group.hidden = !group.querySelector("[data-verdict]:not([hidden])");
    for (const claim of claims) claim.hidden = Boolean(said.size) && !held.has(claim.id);
    nothing.hidden = shown.length > 0;
    form.querySelector("output").textContent = `${shown.length} of ${rows.length} statements`;
  }

  function choose(said) {
    for (const name of ["q", "paper"]) form.elements[name].value = said.get(name) ?? "";
    for (const box of form.elements.verdict) box.checked = said.getAll("verdict").includes(box.value);
    show();
  }

  function changed() {
    const said = String(chosen());
    history.replaceState(null, "", said ? `#${said}` : "#");
    show();
  }

  function read() {
    const said = location.hash.slice(1);
    if (said.includes("=")) return choose(new URLSearchParams(said));
    const place = said && document.getElementById(decodeURIComponent(said));
    if (place?.closest("[hidden]")) choose(new URLSearchParams());  // a link into what is not shown
    place?.scrollIntoView();
  }

  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(changed));
  window.addEventListener("hashchange", read);
  for (const link of document.querySelectorAll("[data-choose]"))
    link.addEventListener("click", (event) => {
      event.preventDefault();
      choose(new URLSearchParams(link.dataset.choose));
      history.pushState(null, "", `#${link.dataset.choose}`);
      form.scrollIntoView({ behavior: "smooth" });
    });
  form.hidden = false;
  show();
  if (location.hash.length > 1) read();
})();
