// What all scripts of the page use. Elements are made from text, never from markup: a name that
// holds markup is shown as it is written.

const data = JSON.parse(document.getElementById("data").textContent);

/** An element: `element("a", {href: "#x"}, "text", another)`; functions are listeners. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** A `<details>` whose content is made when it is first opened. */
function folded(summary, make, attributes = {}) {
  const made = element("details", attributes, element("summary", {}, summary));
  const fill = () => {
    if (made.open && made.children.length === 1) made.append(...[make()].flat());
  };
  made.addEventListener("toggle", fill);
  fill();
  return made;
}

/** What the reader has chosen: kept in this tab, through the page's reloads. */
const memory = {
  place: `gdsweep ${location.pathname} `,
  read(name, otherwise) {
    try {
      return JSON.parse(sessionStorage.getItem(this.place + name)) ?? otherwise;
    } catch {
      return otherwise; // a browser that keeps nothing for files
    }
  },
  write(name, value) {
    try {
      sessionStorage.setItem(this.place + name, JSON.stringify(value));
    } catch {
      return; // as above: the choice lasts until the next load
    }
  },
};
