// Puts a text on the clipboard, also where the page did not come by HTTPS: there browsers have no clipboard for scripts, but copy what is chosen.
window.trestle.copy = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const held = document.activeElement;
  const box = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
  box.style.cssText = "position: fixed; opacity: 0";
  // A dialog or menu takes the focus back from whatever lies outside of it.
  (held?.closest("[role=dialog], [role=alertdialog], [role=menu]") ?? document.body).append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  held?.focus({ preventScroll: true });
  if (!done) window.prompt("This browser doesn't let the page copy. Copy it here:", text);
};
