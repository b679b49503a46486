// Trades tickets for the httpOnly cookie, keeps the session alive while a page is in sight, and ends it. Holds no secret.
(() => {
  const post = (path, body) =>
    fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body ?? {}) });
  const keep = () => {
    if (document.visibilityState === "visible") post("/auth/keep").catch(() => {});
  };
  setInterval(keep, 4 * 60 * 1000);
  document.addEventListener("visibilitychange", keep);
  window.trestle = {
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
