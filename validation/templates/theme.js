// Light, dark, or as the system is: the button goes from one to the next.
(() => {
  "use strict";
  const button = document.querySelector(".theme"), root = document.documentElement;
  const themes = ["auto", "light", "dark"];
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(root.dataset.theme ?? "auto") + 1) % themes.length];
    if (next === "auto") delete root.dataset.theme;
    else root.dataset.theme = next;
    button.textContent = `${next === "auto" ? "system" : next} colours`;
  });
})();
