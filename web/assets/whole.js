// What an ellipsis cuts off is told whole on hover, wherever that is.
(() => {
  const isCut = (box) => box.scrollWidth > box.clientWidth && getComputedStyle(box).textOverflow === "ellipsis";
  const words = (box) => {
    const found = [], walk = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) found.push(walk.currentNode.textContent.trim());
    return found.filter(Boolean).join(" · ");
  };
  document.addEventListener("mouseover", ({ target }) => {
    const titled = target.closest("[title]");
    if (titled && !("whole" in titled.dataset)) return; // it says something of its own
    // The link of a row lies over all lines of its cell.
    const boxes = target.closest(".t-name")?.children ?? [target, target.parentElement];
    const whole = [...boxes].filter((box) => box && (isCut(box) || [...box.querySelectorAll(".t-tag > span")].some(isCut))).map(words).join("\n");
    if (whole) {
      target.title = whole;
      target.dataset.whole = "";
    } else if ("whole" in target.dataset) {
      target.removeAttribute("title");
      delete target.dataset.whole;
    }
  });
})();
