// Pictures open large: as large as the window first, at twice that when clicked.

function startPictures() {
  const buttons = document.querySelectorAll("button.picture");
  if (!buttons.length) return;
  const image = element("img", { click: () => dialog.classList.toggle("twice") });
  const dialog = element(
    "dialog", { class: "large", close: () => dialog.classList.remove("twice") },
    element("form", { method: "dialog" }, element("button", {}, "Close")),
    element("div", { tabindex: 0 }, image),
  );
  document.body.append(dialog);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const small = button.querySelector("img");
      image.src = small.src;
      image.alt = small.alt;
      dialog.setAttribute("aria-label", small.alt);
      dialog.showModal();
    });
  }
}
