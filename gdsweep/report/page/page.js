// Puts the page's parts to work, and sees to colours, addresses and reloading.

const THEMES = { auto: "light dark", light: "light", dark: "dark" };

function startTheme() {
  const place = "gdsweep theme";
  let theme = "auto";
  try {
    theme = localStorage.getItem(place) ?? "auto";
  } catch {
    theme = "auto"; // a browser that keeps nothing for files
  }
  const button = element("button", { type: "button", class: "theme" });
  const set = (name) => {
    theme = name in THEMES ? name : "auto";
    document.documentElement.style.colorScheme = THEMES[theme];
    button.textContent = `◐ ${theme}`;
    button.setAttribute("aria-label", `Colours: ${theme}`);
    document.dispatchEvent(new Event("colours"));
  };
  button.addEventListener("click", () => {
    const names = Object.keys(THEMES);
    set(names[(names.indexOf(theme) + 1) % names.length]);
    try {
      localStorage.setItem(place, theme);
    } catch {
      return; // as above: the choice lasts until the next load
    }
  });
  document.querySelector("nav").append(button);
  set(theme);
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", () => document.dispatchEvent(new Event("colours")));
  }
}

/** Open what an address leads to: a number's receipt, or a note that is folded. */
function follow() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) {
    fold.open = true;
  }
  if (target.matches("td button.value") && target.getAttribute("aria-expanded") === "false") {
    toggleReceipt(target);
  }
  target.scrollIntoView({ block: target.matches("section") ? "start" : "center" });
}

/** A page that a running command writes again is loaded again, while somebody looks at it. */
function startReloading() {
  if (!data.period) return;
  const box = element("input", { type: "checkbox", checked: memory.read("reload", true) });
  box.addEventListener("change", () => memory.write("reload", box.checked));
  const label = element("label", {}, box, `load again every ${data.period} seconds`);
  document.querySelector(".state").append(" ", label);
  setInterval(() => box.checked && !document.hidden && location.reload(), 1000 * data.period);
}

document.querySelectorAll("table.numbers").forEach(workOn);
startTheme();
startCurves();
startReceipts();
startPictures();
startReloading();
addEventListener("hashchange", follow);
follow();
