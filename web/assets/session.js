// Trades tickets for the httpOnly cookie, keeps the session alive while a page is in sight, leads to the door when it has ended, and ends it. Holds no secret.
(() => {
  const post = (path, body) =>
    fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body ?? {}) });
  const keep = async () => {
    if (document.visibilityState !== "visible") return;
    const answer = await post("/auth/keep").catch(() => null);
    if (answer?.status === 401) window.trestle.expired();
  };
  setInterval(keep, 4 * 60 * 1000);
  document.addEventListener("visibilitychange", keep);
  // What is submitted before the page has arrived is submitted once it has: the browser would send it by itself, or not at all; or the page's
  // arrival would undo what came of it.
  const isAlive = () => "alive" in document.documentElement.dataset;
  const TAKEN_MS = 300;
  let early = null;
  const again = (form) => form.isConnected && form.requestSubmit();
  // The browser itself sends nothing: its try alone would end the page's connection. A part of the page that is not awake yet takes no
  // submission; whoever takes one says so by preventing the browser's own.
  const watch = (event) => {
    let taken = false;
    event.preventDefault();
    event.preventDefault = () => void (taken = true);
    setTimeout(() => taken || again(event.target), TAKEN_MS);
  };
  const hold = (event) => {
    if (isAlive()) return watch(event);
    event.preventDefault();
    event.stopImmediatePropagation();
    early = event.target;
  };
  document.addEventListener("submit", hold, true);
  document.addEventListener("alive", () => {
    if (early) again(early);
    early = null;
  });
  window.trestle = {
    // Whoever is signing out is on their way: what was still asked for meanwhile must not lead elsewhere.
    expired() {
      if (this.leaving || location.pathname.startsWith("/sign-")) return;
      location.replace(`/sign-in?reason=expired&next=${encodeURIComponent(location.pathname + location.search)}`);
    },
    async enter(ticket, next) {
      const answer = await post("/auth/session", { ticket });
      location.replace(answer.ok ? next : "/sign-in?reason=late");
    },
    async leave() {
      this.leaving = true;
      await post("/auth/leave").catch(() => {});
      location.replace("/sign-in?reason=out");
    },
  };
})();
